/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sync-folder.h"

#define READ_BYTES ((size_t)64 << 10)

int file_read(int fd, size_t max, struct buffer *to) {
        size_t before = to->size;

        for (;;) {
                char *at = buffer_reserve(to, READ_BYTES);
                ssize_t n;

                if (!at)
                        return -ENOMEM;
                n = read(fd, at, READ_BYTES);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                buffer_advance(to, (size_t)n);
                if (to->size - before > max)
                        return -EFBIG;
        }
}

int file_write(int fd, const void *data, size_t size) {
        for (size_t n = 0; n < size;) {
                ssize_t k = write(fd, (const char *)data + n, size - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                n += (size_t)k;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

/* Nobody else has that name, or can have made it before. */
static int name_new(const char *path, char ret[static PATH_MAX]) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        uint64_t number;
        int n;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -EIO;
        n = snprintf(ret, PATH_MAX, "%.*s.%s.new-%016llx", (int)(name - path), path, name,
                     (unsigned long long)number);
        return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int give_name(int directory_fd, const char *from, const char *to, bool replaces) {
        if (replaces)
                return renameat(directory_fd, from, directory_fd, to) < 0 ? -errno : 0;
        if (linkat(directory_fd, from, directory_fd, to, 0) < 0)
                return -errno;
        (void)unlinkat(directory_fd, from, 0);
        return 0;
}

int file_make(int directory_fd, const char *path, mode_t mode, bool replaces, const void *data,
              size_t size) {
        _cleanup_(fd_closep) int fd = -1;
        char new_path[PATH_MAX];
        int r;

        r = name_new(path, new_path);
        if (r < 0)
                return r;
        fd = openat(directory_fd, new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY,
                    mode);
        if (fd < 0)
                return -errno;
        r = file_write(fd, data, size);
        if (r == 0)
                r = give_name(directory_fd, new_path, path, replaces);
        if (r < 0) {
                (void)unlinkat(directory_fd, new_path, 0);
                return r;
        }
        return sync_folder_of(directory_fd, path);
}
