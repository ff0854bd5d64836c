/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

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
