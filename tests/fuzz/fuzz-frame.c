/* SPDX-License-Identifier: MIT */
/*
 * Feeds a stream in random pieces and compares each line with what a naive model makes of the
 * whole. Input: one byte for the limit, one as the seed of the cuts, then the stream. Each line
 * also passes json_scan(), as it would behind the frame.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-scan.h"
#include "ipc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(expression) \
        do { \
                if (!(expression)) { \
                        (void)fprintf(stderr, "%d: %s\n", __LINE__, #expression); \
                        abort(); \
                } \
        } while (0)

/* The stream as a whole, and how far the model has read. */
struct model {
        const char *text;
        size_t size, at;
        size_t max_line;
        uint64_t number;
};

/* As frame_next() at the end of the stream. */
static int model_next(struct model *m, const char **ret, size_t *ret_size) {
        while (m->at < m->size) {
                const char *line = m->text + m->at;
                const char *lf = memchr(line, '\n', m->size - m->at);
                size_t size = lf ? (size_t)(lf - line) : m->size - m->at;
                size_t whole = lf ? size + 1 : size;

                if (size > 0 && line[size - 1] == '\r')
                        size--;
                if (!lf && size <= m->max_line)
                        return 0;

                m->at += whole;
                m->number++;
                if (size > m->max_line)
                        return -EMSGSIZE;
                if (size == 0)
                        continue;
                *ret = line;
                *ret_size = size;
                return 1;
        }
        return 0;
}

/* Takes all lines that the frame has, each as the model says. */
static void compare(struct frame *f, struct model *m) {
        const char *line, *expected;
        size_t size, expected_size;
        int r;

        while ((r = frame_next(f, &line, &size)) != 0) {
                CHECK(model_next(m, &expected, &expected_size) == r);
                CHECK(frame_number(f) == m->number);
                if (r > 0) {
                        struct json_envelope envelope;
                        struct json_fault fault;

                        CHECK(size == expected_size && memcmp(line, expected, size) == 0);
                        (void)json_scan(line, size, &envelope, &fault);
                }
        }
        CHECK(frame_pending(f) <= m->max_line + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct model m = { 0 };
        struct frame *f;
        uint32_t cut;

        if (size < 2)
                return 0;
        m = (struct model){ .text = (const char *)data + 2, .size = size - 2, .max_line = data[0] };
        cut = data[1];
        CHECK(frame_new(m.max_line, &f) == 0);

        for (size_t at = 0; at < m.size;) {
                size_t left = m.size - at, n;

                cut = cut * 1664525 + 1013904223;
                n = (cut >> 16) % 40;
                n = n < left ? n : left;
                CHECK(frame_feed(f, m.text + at, n) == 0);
                at += n;
                if (cut >> 31) /* else they are left lying for a while */
                        compare(f, &m);
        }

        compare(f, &m);
        CHECK(model_next(&m, &(const char *){ NULL }, &(size_t){ 0 }) == 0);
        frame_free(f);
        return 0;
}
