/* SPDX-License-Identifier: MIT */
#include "action/schema-regex.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "action/schema-regex-program.h"
#include "base/utf8.h"

/*
 * All ways through the program are followed at once, one character of the text after the other
 * (Thompson 1968): an instruction is on the list of a place or it is not, however many ways lead
 * there, so that no place costs more than the program is long.
 */

#define STACK_PROGRAM 256

int regex_new(const char *pattern, struct regex **ret, const char **ret_reason) {
        _cleanup_(regex_freep) struct regex *re = NULL;
        struct regex_instruction *fitting;
        int r;

        re = calloc(1, sizeof(*re));
        if (!re)
                return -ENOMEM;
        re->program = malloc(REGEX_MAX_PROGRAM * sizeof(*re->program));
        if (!re->program)
                return -ENOMEM;
        r = regex_parse(re, pattern, ret_reason);
        if (r < 0)
                return r;

        fitting = realloc(re->program, re->n_program * sizeof(*re->program));
        if (fitting)
                re->program = fitting;
        *ret = TAKE_PTR(re);
        return 0;
}

struct regex *regex_free(struct regex *re) {
        if (!re)
                return NULL;
        for (size_t i = 0; i < re->n_classes; i++)
                regex_class_done(&re->classes[i]);
        free(re->classes);
        free(re->program);
        free(re);
        return NULL;
}

size_t regex_size(const struct regex *re) {
        return re->n_program;
}

/* A place in the text: what stands left and right of it. */
struct place {
        bool begin, end, boundary;
};

struct list {
        uint32_t *items;
        size_t n;
};

struct search {
        const struct regex_instruction *program;
        const struct regex_class *classes;
        struct list here, next; /* instructions that wait for a character */
        uint32_t *stack;
        uint32_t *seen;  /* by instruction: the last place that it was reached at */
        uint32_t number; /* of the place; the first is 1 */
        size_t n_steps;
        bool matched;
};

/* The stack holds one more at most for each instruction that is seen for the first time. */
static void follow(struct search *s, struct list *to, uint32_t from, struct place place) {
        size_t n = 0;

        s->stack[n++] = from;
        while (n > 0) {
                uint32_t i = s->stack[--n];
                const struct regex_instruction *in = &s->program[i];

                if (s->seen[i] == s->number)
                        continue;
                s->seen[i] = s->number;
                s->n_steps++;

                switch (in->op) {
                case REGEX_CHARACTER:
                case REGEX_CLASS:
                        to->items[to->n++] = i;
                        break;
                case REGEX_SPLIT:
                        s->stack[n++] = i + (uint32_t)in->arg;
                        s->stack[n++] = i + 1;
                        break;
                case REGEX_JUMP:
                        s->stack[n++] = i + (uint32_t)in->arg;
                        break;
                case REGEX_BEGIN:
                case REGEX_END:
                case REGEX_BOUNDARY:
                case REGEX_NO_BOUNDARY:
                        if (in->op == REGEX_BEGIN ? place.begin
                            : in->op == REGEX_END ? place.end
                                                  : place.boundary == (in->op == REGEX_BOUNDARY))
                                s->stack[n++] = i + 1;
                        break;
                case REGEX_MATCH:
                        s->matched = true;
                        return;
                }
        }
}

/* Takes what is no UTF-8 for U+FFFD, byte by byte. */
static ucs4_t take_character(const char **at, const char *end) {
        static const unsigned char masks[] = { 0, 0, 0x1f, 0x0f, 0x07 };
        const unsigned char *text = (const unsigned char *)*at;
        size_t n;
        ucs4_t c;

        if (*text < 0x80) {
                ++*at;
                return *text;
        }
        n = utf8_span(*at, (size_t)(end - *at));
        if (n == 0) {
                ++*at;
                return 0xfffd;
        }
        c = *text & masks[n];
        for (size_t i = 1; i < n; i++)
                c = c << 6 | (text[i] & 0x3f);
        *at += n;
        return c;
}

static bool is_word(unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' ||
               (c >= 'a' && c <= 'z');
}

static struct place place_at(const char *text, const char *at, const char *end) {
        bool before = at > text && is_word((unsigned char)at[-1]);
        bool after = at < end && is_word((unsigned char)*at);

        return (struct place){ .begin = at == text, .end = at == end, .boundary = before != after };
}

static void advance(struct search *s, ucs4_t character, struct place place) {
        struct list taken = s->here;

        s->number++;
        s->next.n = 0;
        for (size_t i = 0; i < taken.n && !s->matched; i++) {
                const struct regex_instruction *in = &s->program[taken.items[i]];

                if (in->op == REGEX_CHARACTER ? (ucs4_t)in->arg == character
                                              : regex_class_holds(&s->classes[in->arg], character))
                        follow(s, &s->next, taken.items[i] + 1, place);
        }
        s->n_steps += taken.n;
        s->here = s->next;
        s->next = taken;
}

static int run(struct search *s, const char *text, size_t size, size_t budget) {
        const char *at = text, *end = text + size;
        bool anchored = s->program[0].op == REGEX_BEGIN;

        for (;;) {
                if (at == text || !anchored)
                        follow(s, &s->here, 0, place_at(text, at, end));
                if (s->n_steps > budget)
                        return -ETIME;
                if (s->matched)
                        return 1;
                if (at == end || (anchored && s->here.n == 0))
                        return 0;

                ucs4_t character = take_character(&at, end);
                advance(s, character, place_at(text, at, end));
        }
}

int regex_search(const struct regex *re, const char *text, size_t size, size_t *budget) {
        uint32_t on_stack[4 * STACK_PROGRAM];
        _cleanup_(freep) uint32_t *on_heap = NULL;
        uint32_t *memory = on_stack;
        size_t n = re->n_program + 1;
        int r;

        if (n > STACK_PROGRAM) {
                memory = on_heap = calloc(4 * n, sizeof(*on_heap));
                if (!memory)
                        return -ENOMEM;
        } else
                memset(memory, 0, n * sizeof(*memory));

        struct search s = {
                .program = re->program,
                .classes = re->classes,
                .seen = memory,
                .here.items = memory + n,
                .next.items = memory + 2 * n,
                .stack = memory + 3 * n,
                .number = 1,
        };
        r = run(&s, text, size, *budget);
        *budget -= s.n_steps < *budget ? s.n_steps : *budget;
        return r;
}
