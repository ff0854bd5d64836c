/* SPDX-License-Identifier: MIT */
#include "auth/jwk-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

/*
 * Another's file that we can read was handed to us on purpose (a systemd credential belongs to
 * root and is lent by an ACL, which shows as group bits); our own must be for nobody else.
 */
static bool others_can_read(const struct stat *st) {
        return st->st_mode & S_IRWXO || (st->st_uid == geteuid() && st->st_mode & S_IRWXG);
}

static int check_file(int fd, enum jwk_part part, struct ae_error *error) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no regular file");
        if (part == JWK_PRIVATE && others_can_read(&st))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "others can read this private key; make its mode 0600, and "
                                    "replace the key if somebody may have read it");
        if (part == JWK_PUBLIC && st.st_mode & S_IWOTH)
                return ae_error_set(error, AE_FORBIDDEN,
                                    "anybody may change it; make its mode 0644");
        return 0;
}

/* Into a secret, since nobody knows yet what the file holds. */
static int read_text(int directory_fd, const char *path, enum jwk_part part, size_t max,
                     struct secret **ret, struct ae_error *error) {
        _cleanup_(fd_closep) int fd = -1;
        int r;

        /* O_NONBLOCK: a fifo must not hold up the daemon. */
        fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        r = check_file(fd, part, error);
        if (r < 0)
                return r;
        r = secret_read(fd, max, ret);
        if (r == -EFBIG)
                return ae_error_set(error, AE_INVALID_REQUEST, "it is larger than %zu bytes", max);
        return r;
}

static int explain(int r, struct ae_error *error) {
        if (r < 0 && error->code == AE_NONE)
                (void)ae_error_set(error, AE_INTERNAL, "it cannot be read: %s", strerror(-r));
        return r;
}

int jwk_read_file(int directory_fd, const char *path, enum jwk_part part, struct jwk **ret,
                  struct ae_error *error) {
        _cleanup_(secret_freep) struct secret *text = NULL;
        int r;

        r = read_text(directory_fd, path, part, JWK_TEXT_MAX, &text, error);
        if (r >= 0)
                r = jwk_parse(text->data, text->size, part, ret, error);
        return explain(r, error);
}

int jwks_read_file(int directory_fd, const char *path,
                   void (*on_skipped)(const char *sentence, void *userdata), void *userdata,
                   struct jwks *ret, struct ae_error *error) {
        _cleanup_(secret_freep) struct secret *text = NULL;
        int r;

        r = read_text(directory_fd, path, JWK_PUBLIC, JWKS_TEXT_MAX, &text, error);
        if (r >= 0)
                r = jwks_parse(text->data, text->size, on_skipped, userdata, ret, error);
        return explain(r, error);
}

int jwk_write_file(int directory_fd, const char *path, const struct jwk *k, enum jwk_part part) {
        _cleanup_(secret_freep) struct secret *text = NULL;
        int r;

        r = jwk_print(k, part, &text);
        if (r < 0)
                return r;
        return file_make(directory_fd, path, part == JWK_PRIVATE ? 0600 : 0644,
                         /* replaces= */ false, text->data, text->size);
}
