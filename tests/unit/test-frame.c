/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/frame.h"

#define MAX_LINE ((size_t)16)

static void feed(struct frame *f, const char *text, size_t size) {
        assert_int_equal(frame_feed(f, text, size), 0);
}

/* Writes what the frame gives as text: number, ':', the line or '!' for a refused one, ';'. */
static void drain(struct frame *f, char *to) {
        const char *line;
        size_t size;
        int r;

        to += strlen(to);
        while ((r = frame_next(f, &line, &size)) != 0) {
                int n = (int)frame_number(f);

                if (r > 0)
                        to += sprintf(to, "%d:%.*s;", n, (int)size, line);
                else {
                        assert_int_equal(r, -EMSGSIZE);
                        to += sprintf(to, "%d!;", n);
                }
        }
}

static const struct {
        const char *stream;
        const char *lines;
} cases[] = {
        { "", "" },
        { "no end", "" },
        { "a\n", "1:a;" },
        { "a\nb", "1:a;" },
        { "{\"op\":\"ping\"}\n{\"id\":2}\n", "1:{\"op\":\"ping\"};2:{\"id\":2};" },
        /* CR belongs to the end, once, and only there */
        { "a\r\nb\r\n", "1:a;2:b;" },
        { "a\r\r\n", "1:a\r;" },
        { "a\rb\n", "1:a\rb;" },
        { "\ra\n", "1:\ra;" },
        /* empty lines count */
        { "\n\n\na\n", "4:a;" },
        { "\r\n\r\na\n\nb\n", "3:a;5:b;" },
        { "a\n\n", "1:a;" },
        { "\r\r\n", "1:\r;" },
        /* the limit of 16, and one more */
        { "0123456789abcdef\n", "1:0123456789abcdef;" },
        { "0123456789abcdef\r\n", "1:0123456789abcdef;" },
        { "0123456789abcdefg\n", "1!;" },
        { "0123456789abcdefg\r\n", "1!;" },
        { "0123456789abcdef\r\r\n", "1!;" },
        { "0123456789abcdef\rx\n", "1!;" },
        /* without an end: told as soon as it is known */
        { "0123456789abcdef", "" },
        { "0123456789abcdef\r", "" },
        { "0123456789abcdefg", "1!;" },
        { "0123456789abcdefghijklmnopqrstuvwxyz0123456789", "1!;" },
        /* what follows is whole, and once is once */
        { "0123456789abcdefghijklmnopqrstuvwxyz\nb\n", "1!;2:b;" },
        { "a\n0123456789abcdefghijklmnopqrstuvwxyz\n\nb\n", "1:a;2!;4:b;" },
        { "0123456789abcdefg\n0123456789abcdefg\nb\n", "1!;2!;3:b;" },
        { "0123456789abcdefg\r\n\r\nb\r\n", "1!;3:b;" },
};

/* As one over the limit: wiped, counted, and gone with all that still comes of it. */
static void test_refused_before_its_end(void **state) {
        static const char *const rests[] = { "\nb\n", "rest\nb\n", "rest\r\nb\n",
                                             "0123456789abcdefghijklmnopqrstuvwxyz\nb\n" };

        for (size_t i = 0; i < ELEMENTSOF(rests); i++) {
                _cleanup_(frame_freep) struct frame *f = NULL;
                char lines[256] = "";

                assert_int_equal(frame_new(MAX_LINE, &f), 0);
                feed(f, "a\nhalf", 6);
                drain(f, lines);
                frame_refuse(f);
                assert_int_equal(frame_pending(f), 0);
                assert_int_equal(frame_number(f), 2);
                feed(f, rests[i], strlen(rests[i]));
                drain(f, lines);
                assert_string_equal(lines, "1:a;3:b;");
        }
}

/* A stream may break anywhere, so it is broken everywhere: in two, and in three. */
static void test_split_everywhere(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *s = cases[i].stream;
                size_t n = strlen(s);

                for (size_t a = 0; a <= n; a++)
                        for (size_t b = a; b <= n; b++) {
                                _cleanup_(frame_freep) struct frame *f = NULL;
                                char got[256] = "";

                                assert_int_equal(frame_new(MAX_LINE, &f), 0);
                                feed(f, s, a);
                                drain(f, got);
                                feed(f, s + a, b - a);
                                drain(f, got);
                                feed(f, s + b, n - b);
                                drain(f, got);
                                assert_string_equal(got, cases[i].lines);
                        }
        }
}

static void test_one_byte_at_a_time(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(frame_freep) struct frame *f = NULL;
                char got[256] = "";

                assert_int_equal(frame_new(MAX_LINE, &f), 0);
                for (const char *c = cases[i].stream; *c; c++) {
                        feed(f, c, 1);
                        drain(f, got);
                        assert_true(frame_pending(f) <= MAX_LINE + 1);
                }
                assert_string_equal(got, cases[i].lines);
        }
}

/* Lines may also be left lying while more is fed. */
static void test_feed_before_taking(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(frame_freep) struct frame *f = NULL;
                char got[256] = "";

                assert_int_equal(frame_new(MAX_LINE, &f), 0);
                for (const char *c = cases[i].stream; *c; c++)
                        feed(f, c, 1);
                drain(f, got);
                assert_string_equal(got, cases[i].lines);
        }
}

static void test_bytes_are_bytes(void **state) {
        _cleanup_(frame_freep) struct frame *f = NULL;
        const char *line;
        size_t size;

        assert_int_equal(frame_new(MAX_LINE, &f), 0);
        feed(f, "a\0b\xff\x80\n", 6);
        assert_int_equal(frame_next(f, &line, &size), 1);
        assert_int_equal(size, 5);
        assert_memory_equal(line, "a\0b\xff\x80", 5);
}

/* AddressSanitizer's heap does not tell: there it is always 0. */
static size_t heap_used(void) {
        return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* A gigabyte without an end, in pieces as a socket gives them. */
static void test_memory_stays_flat(void **state) {
        _cleanup_(frame_freep) struct frame *f = NULL;
        static char piece[64 << 10];
        const char *line;
        size_t size, base = heap_used();
        int n_refused = 0;

        memset(piece, 'x', sizeof(piece));
        assert_int_equal(frame_new(1 << 20, &f), 0);
        for (int i = 0; i < 16 << 10; i++) {
                int r;

                feed(f, piece, sizeof(piece));
                r = frame_next(f, &line, &size);
                assert_true(r == 0 || r == -EMSGSIZE);
                n_refused += r < 0;
                if (n_refused > 0)
                        assert_true(frame_next(f, &line, &size) == 0);
                if (i % 64 == 0)
                        assert_true(heap_used() - base < (size_t)3 << 20);
        }
        assert_int_equal(n_refused, 1);
        assert_true(heap_used() - base < 4096);

        feed(f, "x\nnext\n", 7);
        assert_int_equal(frame_next(f, &line, &size), 1);
        assert_memory_equal(line, "next", size);
        assert_int_equal(frame_number(f), 2);
}

/* The longest line arrives in reasonable time, and its memory goes when it has gone. */
static void test_large_line_leaves_nothing(void **state) {
        _cleanup_(frame_freep) struct frame *f = NULL;
        const size_t large = (size_t)32 << 20;
        static char piece[64 << 10];
        size_t size, base = heap_used();
        const char *line;

        memset(piece, 'x', sizeof(piece));
        assert_int_equal(frame_new(large, &f), 0);
        for (size_t fed = 0; fed < large; fed += sizeof(piece)) {
                feed(f, piece, sizeof(piece));
                assert_int_equal(frame_next(f, &line, &size), 0);
                assert_true(heap_used() - base <= 2 * fed + 2 * sizeof(piece) + 4096);
        }
        feed(f, "\npart", 5);
        assert_int_equal(frame_next(f, &line, &size), 1);
        assert_int_equal(size, large);

        /* A partial line stays, in memory of its own size. */
        frame_forget(f);
        assert_int_equal(frame_pending(f), 4);
        assert_true(heap_used() - base < 4096);
        feed(f, "ial\n", 4);
        assert_int_equal(frame_next(f, &line, &size), 1);
        assert_memory_equal(line, "partial", size);
}

/* Lines carry tokens: the memory that was lent holds nothing of them when the loan is over. */
static void test_taken_lines_are_wiped(void **state) {
        static const char secret[] = "a-secret-token", zero[sizeof(secret)];
        _cleanup_(frame_freep) struct frame *f = NULL;
        const char *line;
        size_t size;

        assert_int_equal(frame_new(64, &f), 0);
        feed(f, "a-secret-token\r\nrest", 20);
        assert_int_equal(frame_next(f, &line, &size), 1);
        assert_memory_equal(line, secret, size);
        frame_forget(f); /* the buffer stays: the rest is in it */
        assert_memory_equal(line, zero, size);
        assert_int_equal(frame_pending(f), 4);

        frame_clear(f);
        assert_int_equal(frame_pending(f), 0);
        assert_int_equal(frame_next(f, &line, &size), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_split_everywhere),
                cmocka_unit_test(test_refused_before_its_end),
                cmocka_unit_test(test_one_byte_at_a_time),
                cmocka_unit_test(test_feed_before_taking),
                cmocka_unit_test(test_bytes_are_bytes),
                cmocka_unit_test(test_memory_stays_flat),
                cmocka_unit_test(test_large_line_leaves_nothing),
                cmocka_unit_test(test_taken_lines_are_wiped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
