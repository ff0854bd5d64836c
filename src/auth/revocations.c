/* SPDX-License-Identifier: MIT */
#include "auth/revocations.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/revocation.h"
#include "base/file.h"

/* Long enough that nobody finds two of one digest, however a jti is chosen. */
struct digest {
        unsigned char bytes[32];
};

struct revocations {
        struct digest *digests; /* sorted */
        size_t n;
        size_t n_allocated;
};

struct revocations *revocations_free(struct revocations *l) {
        if (!l)
                return NULL;
        free(l->digests);
        free(l);
        return NULL;
}

size_t revocations_n(const struct revocations *l) {
        return l->n;
}

static struct digest digest_of(const char *jti) {
        struct digest d;

        crypto_generichash(d.bytes, sizeof(d.bytes), (const unsigned char *)jti, strlen(jti), NULL,
                           0);
        return d;
}

static int compare(const void *a, const void *b) {
        return memcmp(a, b, sizeof(struct digest));
}

bool revocations_have(const struct revocations *l, const char *jti) {
        struct digest d;

        if (l->n == 0 || !jti)
                return false;
        d = digest_of(jti);
        return bsearch(&d, l->digests, l->n, sizeof(d), compare) != NULL;
}

static int add(struct revocations *l, const char *jti) {
        if (l->n == l->n_allocated) {
                size_t n = l->n_allocated ? 2 * l->n_allocated : 64;
                struct digest *more = reallocarray(l->digests, n, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                l->digests = more;
                l->n_allocated = n;
        }
        l->digests[l->n++] = digest_of(jti);
        return 0;
}

static int read_line(struct revocations *l, size_t number, const char *line, size_t size,
                     struct ae_error *error) {
        _cleanup_(revocation_done) struct revocation v = { 0 };
        const char *reason;
        int r;

        r = revocation_read(line, size, &v, &reason);
        if (r == -EINVAL)
                return ae_error_set(error, AE_INVALID_REQUEST, "line %zu: %s", number, reason);
        if (r < 0 || !v.jti)
                return r;
        if (l->n == REVOCATIONS_MAX)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "line %zu: it holds more than %d tokens", number,
                                    REVOCATIONS_MAX);
        return add(l, v.jti);
}

int revocations_parse(const char *text, size_t size, struct revocations **ret,
                      struct ae_error *error) {
        _cleanup_(revocations_freep) struct revocations *l = calloc(1, sizeof(*l));
        size_t number = 1;

        if (!l)
                return -ENOMEM;
        for (size_t at = 0; at < size; number++) {
                const char *end = memchr(text + at, '\n', size - at);
                size_t n = end ? (size_t)(end - text) - at : size - at;
                int r;

                r = read_line(l, number, text + at, n, error);
                if (r < 0)
                        return r;
                at += n + 1;
        }
        if (l->n > 0)
                qsort(l->digests, l->n, sizeof(*l->digests), compare);
        *ret = TAKE_PTR(l);
        return 0;
}

static int check_file(int fd, struct ae_error *error) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no regular file");
        if (st.st_mode & S_IWOTH)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "anybody may change it; make its mode 0644");
        return 0;
}

static int read_text(const char *path, struct buffer *to, struct ae_error *error) {
        _cleanup_(fd_closep) int fd = -1;
        int r;

        /* O_NONBLOCK: a fifo must not hold up the daemon. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
        if (fd < 0 && errno == ELOOP)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "it is a symbolic link; name the file that it points to");
        if (fd < 0)
                return -errno;
        r = check_file(fd, error);
        if (r < 0)
                return r;
        r = file_read(fd, REVOCATIONS_TEXT_MAX, to);
        if (r == -EFBIG)
                return ae_error_set(error, AE_INVALID_REQUEST, "it is larger than %zu bytes",
                                    REVOCATIONS_TEXT_MAX);
        return r;
}

int revocations_read_text(const char *path, char **ret, size_t *ret_size, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        int r;

        r = read_text(path, &text, error);
        if (r >= 0)
                r = buffer_take(&text, ret, ret_size);
        if (r < 0 && error->code == AE_NONE)
                (void)ae_error_set(error, AE_INTERNAL, "it cannot be read: %s", strerror(-r));
        return r;
}

static int load(const char *path, struct revocations **ret, struct ae_error *error) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r;

        r = revocations_read_text(path, &text, &size, error);
        return r < 0 ? r : revocations_parse(text, size, ret, error);
}

int revocations_load(const char *path, struct revocations **ret, struct ae_error *error) {
        _cleanup_(ae_error_done) struct ae_error why = { 0 };
        int r;

        r = load(path, ret, &why);
        if (r < 0)
                (void)ae_error_set(error, AE_INTERNAL,
                                   "the list of revoked tokens %s cannot be used: %s", path,
                                   why.code == AE_NONE ? strerror(-r) : why.message);
        return r;
}
