/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int secret_new(const void *data, size_t size, struct secret **ret) {
        struct secret *s;

        if (size > SIZE_MAX / 2)
                return -ENOMEM;

        /* One locked allocation for both, since each costs pages of its own. */
        s = sodium_malloc(sizeof(*s) + size + 1);
        if (!s)
                return -ENOMEM;

        s->size = size;
        s->data = (char *)(s + 1);
        if (data)
                memcpy(s->data, data, size);
        else
                memset(s->data, 0, size);
        s->data[size] = 0;
        *ret = s;
        return 0;
}

struct secret *secret_free(struct secret *s) {
        sodium_free(s);
        return NULL;
}

int secret_read_file(const char *path, size_t max, struct secret **ret) {
        _cleanup_(secret_freep) struct secret *whole = NULL;
        _cleanup_(fd_closep) int fd = -1;
        size_t n = 0;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        r = secret_new(NULL, max + 1, &whole);
        if (r < 0)
                return r;

        while (n <= max) {
                ssize_t k = read(fd, whole->data + n, max + 1 - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t)k;
        }
        if (n > max)
                return -EFBIG;

        return secret_new(whole->data, n, ret);
}

int secret_protect_process(void) {
        const struct rlimit none = { 0, 0 };

        if (sodium_init() < 0)
                return -EIO;
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        /* A sandbox may forbid setrlimit; not being dumpable is enough then. */
        (void)setrlimit(RLIMIT_CORE, &none);
        return 0;
}
