/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/*
 * Slots for the secrets that come and go with every action. sodium_malloc() gives each allocation
 * pages and guard pages of its own, which is right for a key that stays, and costs six system calls.
 */
#define SLOT_SIZE ((size_t)2048)
#define N_SLOTS 256

union slot {
        union slot *next_free;
        char bytes[SLOT_SIZE];
};

static struct {
        union slot *slots; /* N_SLOTS of them, locked, guarded on both sides */
        union slot *free;
} pool;

static void pool_fill(void) {
        pool.slots = sodium_allocarray(N_SLOTS, sizeof(union slot));
        for (size_t i = 0; pool.slots && i < N_SLOTS; i++) {
                pool.slots[i].next_free = pool.free;
                pool.free = &pool.slots[i];
        }
}

static void *pool_take(size_t size) {
        union slot *slot;

        if (size > SLOT_SIZE)
                return NULL;
        if (!pool.slots)
                pool_fill();
        slot = pool.free;
        if (slot)
                pool.free = slot->next_free;
        return slot;
}

static bool pool_give_back(void *memory) {
        union slot *slot = memory;

        if (!pool.slots || slot < pool.slots || slot >= pool.slots + N_SLOTS)
                return false;
        sodium_memzero(slot, sizeof(*slot));
        slot->next_free = pool.free;
        pool.free = slot;
        return true;
}

int secret_new(const void *data, size_t size, struct secret **ret) {
        size_t needed;
        struct secret *s;

        if (size > SIZE_MAX / 2)
                return -ENOMEM;

        /*
         * One locked allocation for both. sodium_malloc() puts its end at the end of a page, so
         * that only a whole multiple begins where a struct may.
         */
        needed = (sizeof(*s) + size + 1 + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
        s = pool_take(needed);
        if (!s)
                s = sodium_malloc(needed);
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
        if (!pool_give_back(s))
                sodium_free(s);
        return NULL;
}

/* One byte more than may be there has room: when it is filled, the file is too big. */
int secret_read(int fd, size_t max, struct secret **ret) {
        _cleanup_(secret_freep) struct secret *whole = NULL;
        size_t n = 0;
        int r;

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

int secret_read_file(const char *path, size_t max, struct secret **ret) {
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        return fd < 0 ? -errno : secret_read(fd, max, ret);
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
