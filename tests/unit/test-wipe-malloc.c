/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* What the allocator itself writes into a freed block: its two list links. */
#define LINKS 16

/* Behind the compiler's back: that the block will be looked at when it is freed is the point. */
static uintptr_t address_of(const void *p) {
        uintptr_t address = (uintptr_t)p;

        __asm__ volatile("" : "+r"(address));
        return address;
}

static size_t count_bytes(uintptr_t address, size_t size, char byte) {
        const volatile char *p = (const volatile char *)address;
        size_t n = 0;

        for (size_t i = LINKS; i < size; i++)
                n += p[i] == byte;
        return n;
}

static char *filled(size_t size) {
        char *p = malloc(size);

        assert_non_null(p);
        memset(p, 'S', size);
        return p;
}

/* Sizes that stay mapped after free(): the allocator's bins, below its threshold for mmap(). */
static const size_t sizes[] = { 32, 100, 1000, 5000, 100000 };

static void test_freed_bytes_are_gone(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                char *p = filled(sizes[i]), *guard = malloc(16);
                uintptr_t address = address_of(p);

                assert_true(count_bytes(address, sizes[i], 'S') > 0);
                free(p);
                assert_int_equal(count_bytes(address, sizes[i], 'S'), 0);
                free(guard); /* kept the block from the heap's end, which can be unmapped */
        }
}

static void test_moved_bytes_are_gone(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                char *p = filled(sizes[i]), *guard = malloc(16), *moved;
                uintptr_t address = address_of(p);

                moved = realloc(p, 2 * sizes[i] + 64);
                assert_non_null(moved);
                assert_true(address_of(moved) != address);
                assert_int_equal(count_bytes(address_of(moved), sizes[i], 'S'), sizes[i] - LINKS);
                assert_int_equal(count_bytes(address, sizes[i], 'S'), 0);
                free(moved);
                free(guard);
        }
}

/* Libraries must be reached as well, or the tokens they copy stay. */
static void test_libraries_free_through_it(void **state) {
        cJSON *json = cJSON_Parse("[\"SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS\"]");
        uintptr_t address;
        char *copy;

        assert_non_null(json);
        address = address_of(cJSON_GetArrayItem(json, 0)->valuestring);
        assert_int_equal(count_bytes(address, 48, 'S'), 48 - LINKS);
        cJSON_Delete(json);
        assert_int_equal(count_bytes(address, 48, 'S'), 0);

        copy = strdup("SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"); /* libc's own malloc */
        address = address_of(copy);
        free(copy);
        assert_int_equal(count_bytes(address, 48, 'S'), 0);
}

static void test_realloc_keeps_its_promises(void **state) {
        volatile size_t too_much = SIZE_MAX / 2;
        char *p = realloc(NULL, 10), *same;

        assert_non_null(p);
        memset(p, 'x', 10);
        same = realloc(p, malloc_usable_size(p)); /* there is room: nothing moves */
        assert_ptr_equal(same, p);
        p = realloc(same, 100000);
        assert_memory_equal(p, "xxxxxxxxxx", 10);
        p = realloc(p, 20); /* a large block is given back */
        assert_memory_equal(p, "xxxxxxxxxx", 10);
        assert_true(malloc_usable_size(p) < 100);
        assert_null(realloc(p, 0));

        p = malloc(10);
        (void)address_of(p); /* or clang takes out what is only allocated, and says that it was */
        errno = 0;
        same = realloc(p, too_much);
        assert_null(same);
        assert_int_equal(errno, ENOMEM);
        errno = EBADF;
        if (!same)
                free(p);
        free(NULL);
        assert_int_equal(errno, EBADF); /* POSIX 2024: free() keeps errno */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_freed_bytes_are_gone),
                cmocka_unit_test(test_moved_bytes_are_gone),
                cmocka_unit_test(test_libraries_free_through_it),
                cmocka_unit_test(test_realloc_keeps_its_promises),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
