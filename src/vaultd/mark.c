/* SPDX-License-Identifier: MIT */
#include "vaultd/mark.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sync-folder.h"
#include "vaultd/seal.h"

#define N_PLACES 2
#define PLACE_SIZE 512 /* what a disk writes as a whole */
#define SEALED_SIZE (SEAL_OVERHEAD + GENERATION_ID_SIZE + 8 + GENERATION_SUM_SIZE)

static_assert(SEALED_SIZE <= PLACE_SIZE, "a place holds a generation");

static int open_mark(const char *path, int flags) {
        int fd;

        fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
        return fd < 0 ? -errno : fd;
}

/* Returns 0, or -EBADMSG: nothing was written there, it is torn, or of another key. */
static int read_place(int fd, int place, const struct secret *key, struct generation *ret) {
        unsigned char sealed[SEALED_SIZE];
        ssize_t n;

        n = pread(fd, sealed, sizeof(sealed), (off_t)place * PLACE_SIZE);
        if (n < 0)
                return -errno;
        return generation_open(key, GENERATION_OF_MARK, sealed, (size_t)n, ret);
}

int mark_read(const char *path, const struct secret *key, struct generation *ret, int *ret_place) {
        _cleanup_(fd_closep) int fd = open_mark(path, O_RDONLY);
        struct generation found = { 0 };
        int result = -EBADMSG, r;

        if (fd < 0)
                return fd;
        if (fdatasync(fd) < 0)
                return -errno;
        for (int i = 0; i < N_PLACES; i++) {
                r = read_place(fd, i, key, &found);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (r < 0 || (result == 0 && found.n_changes < ret->n_changes))
                        continue;
                *ret = found;
                *ret_place = i;
                result = 0;
        }
        return result;
}

int mark_write(const char *path, const struct secret *key, const struct generation *g, int place,
               bool sync) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;
        ssize_t n;
        int r;

        r = generation_seal(g, key, GENERATION_OF_MARK, &sealed);
        if (r < 0)
                return r;
        fd = open_mark(path, O_WRONLY | O_CREAT);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;

        n = pwrite(fd, sealed.data, sealed.size, (off_t)place * PLACE_SIZE);
        if (n < 0 || ((sync || st.st_size == 0) && fdatasync(fd) < 0))
                return -errno;
        if ((size_t)n != sealed.size)
                return -EIO;
        return st.st_size == 0 ? sync_folder_of(AT_FDCWD, path) : 0;
}
