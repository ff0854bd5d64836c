/* SPDX-License-Identifier: MIT */
#include "actionctl/revoked-list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "auth/revocation.h"
#include "auth/revocations.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sync-folder.h"

/* The most that an engine bears with in clocks: until then, a token that is over may be good. */
#define GRACE_USEC (UINT64_C(86400) * USEC_PER_SEC)

/* ---- the text ---- */

static bool is_over(uint64_t expires_at_usec, uint64_t now_usec) {
        return expires_at_usec > 0 && expires_at_usec + GRACE_USEC < now_usec;
}

static bool lasts(const struct revocation *v, const struct revoked_change *c) {
        return v->expires_at_usec == 0 ||
               (c->expires_at_usec > 0 && v->expires_at_usec >= c->expires_at_usec);
}

/* Whether the line stays. */
static bool judge(const struct revocation *v, const struct revoked_change *c,
                  struct revoked_result *result) {
        if (!v->jti)
                return true;
        if (strcmp(v->jti, c->jti) == 0) {
                bool stays = lasts(v, c);

                result->added &= !stays;
                return stays;
        }
        if (is_over(v->expires_at_usec, c->now_usec)) {
                result->n_pruned++;
                return false;
        }
        return true;
}

static int edit_line(const char *line, size_t size, size_t number, const struct revoked_change *c,
                     struct buffer *to, struct revoked_result *result, size_t *n_entries,
                     struct ae_error *error) {
        _cleanup_(revocation_done) struct revocation v = { 0 };
        const char *reason;
        int r;

        r = revocation_read(line, size, &v, &reason);
        if (r == -EINVAL)
                return ae_error_set(error, AE_INVALID_REQUEST, "line %zu: %s", number, reason);
        if (r < 0)
                return r;
        if (judge(&v, c, result)) {
                *n_entries += v.jti ? 1 : 0;
                buffer_append(to, line, size);
                buffer_putc(to, '\n');
        }
        return 0;
}

int revoked_list_edit(const char *text, size_t size, const struct revoked_change *change,
                      struct buffer *to, struct revoked_result *ret, struct ae_error *error) {
        struct revoked_result result = { .added = !is_over(change->expires_at_usec,
                                                           change->now_usec) };
        size_t n_entries = 0, number = 1;

        for (size_t at = 0; at < size; number++) {
                const char *end = memchr(text + at, '\n', size - at);
                size_t n = end ? (size_t)(end - text) - at : size - at;
                int r;

                r = edit_line(text + at, n, number, change, to, &result, &n_entries, error);
                if (r < 0)
                        return r;
                at += n + 1;
        }
        if (result.added) {
                if (n_entries >= REVOCATIONS_MAX)
                        return ae_error_set(error, AE_INVALID_REQUEST,
                                            "it holds %d tokens, and takes no more: replace the "
                                            "key that signed them",
                                            REVOCATIONS_MAX);
                revocation_write(change->jti, change->expires_at_usec, to);
        }
        *ret = result;
        return buffer_error(to);
}

/* ---- the file ---- */

/*
 * The new file is the lock as well: nobody but its owner can open it before it is complete. Who
 * waited for it finds that it was renamed, and begins anew.
 */
static int open_new(const char *path) {
        for (;;) {
                _cleanup_(fd_closep) int fd = -1;
                struct stat locked, there;

                fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
                if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &locked) < 0)
                        return -errno;
                if (stat(path, &there) >= 0 && there.st_ino == locked.st_ino &&
                    there.st_dev == locked.st_dev)
                        return ftruncate(fd, 0) < 0 ? -errno : TAKE_FD(fd);
        }
}

/* Whoever could read the old one can read the new one. */
static int take_mode(int fd, const char *old_path) {
        struct stat st;

        if (stat(old_path, &st) < 0)
                return errno == ENOENT && fchmod(fd, 0644) >= 0 ? 0 : -errno;
        if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
                return -errno;
        return 0;
}

static int replace(int fd, const char *new_path, const char *path, const struct buffer *text) {
        int r;

        r = file_write(fd, text->data, text->size);
        if (r < 0)
                return r;
        r = take_mode(fd, path);
        if (r < 0)
                return r;
        if (rename(new_path, path) < 0)
                return -errno;
        return sync_folder_of(AT_FDCWD, path);
}

static int edit_file(int fd, const char *new_path, const char *path,
                     const struct revoked_change *change, struct revoked_result *ret,
                     struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer edited = { 0 };
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        r = revocations_read_text(path, &text, &size, error);
        if (r < 0 && r != -ENOENT)
                return r;
        *error = (struct ae_error){ 0 };
        r = revoked_list_edit(text, size, change, &edited, ret, error);
        if (r < 0)
                return r;
        if (edited.size > REVOCATIONS_TEXT_MAX)
                return ae_error_set(error, AE_INVALID_REQUEST, "it would be larger than %zu bytes",
                                    REVOCATIONS_TEXT_MAX);
        if (ret->added || ret->n_pruned > 0)
                return replace(fd, new_path, path, &edited);
        return unlink(new_path) < 0 ? -errno : 0;
}

int revoked_list_add(const char *path, const struct revoked_change *change,
                     struct revoked_result *ret, struct ae_error *error) {
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        _cleanup_(fd_closep) int fd = -1;
        char new_path[PATH_MAX];
        int n, r;

        n = snprintf(new_path, sizeof(new_path), "%.*s.%s.new", (int)(name - path), path, name);
        if (n >= (int)sizeof(new_path))
                return ae_error_set(error, AE_INVALID_REQUEST, "its path is too long");
        fd = open_new(new_path);
        r = fd < 0 ? fd : edit_file(fd, new_path, path, change, ret, error);
        if (r < 0 && fd >= 0)
                (void)unlink(new_path);
        if (r < 0 && error->code == AE_NONE)
                (void)ae_error_set(error, AE_INTERNAL, "it cannot be written: %s", strerror(-r));
        return r;
}
