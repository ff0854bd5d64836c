/* SPDX-License-Identifier: MIT */
/*
 * free() and realloc() for a whole program that leave nothing behind: libcurl, nghttp2, cJSON and
 * OpenSSL copy tokens into memory of their own, and only the allocator sees all of it go. Linked
 * into the daemons; the definitions here come before libc's for every library in the process.
 *
 * Not for sanitized builds, which bring an allocator of their own.
 */

#include <malloc.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* glibc's own, under the names that it keeps for replacements like this one. */
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *p);

/* Below this many bytes a block stays where it is when it shrinks. */
#define SMALL 4096

void free(void *p) {
        if (!p)
                return;
        explicit_bzero(p, malloc_usable_size(p));
        __libc_free(p);
}

void *realloc(void *p, size_t size) {
        size_t usable;
        void *moved;

        if (!p)
                return __libc_malloc(size);
        if (size == 0) {
                free(p);
                return NULL;
        }

        usable = malloc_usable_size(p);
        if (size <= usable && (usable <= SMALL || size > usable / 2))
                return p;

        moved = __libc_malloc(size);
        if (!moved)
                return size <= usable ? p : NULL;
        memcpy(moved, p, size < usable ? size : usable);
        free(p);
        return moved;
}
