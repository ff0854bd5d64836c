/* SPDX-License-Identifier: MIT */
#include "action/schema-regex-program.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/*
 * Writes the program while it reads the pattern. Jumps are relative, so that what stands for an
 * atom is moved to make room for a split before it, and copied to repeat it.
 */

int regex_refuse(struct regex_parser *p, const char *reason) {
        p->reason = reason;
        return -EINVAL;
}

bool regex_take(struct regex_parser *p, const char *text) {
        size_t n = strlen(text);

        if (strncmp(p->at, text, n) != 0)
                return false;
        p->at += n;
        return true;
}

/* ---- writing ---- */

/* Makes room for n instructions at `where`, which the caller fills. */
static int insert(struct regex_parser *p, size_t where, size_t n) {
        struct regex *re = p->re;

        if (n > REGEX_MAX_PROGRAM - re->n_program)
                return regex_refuse(p, "is too long, or repeats too much");
        memmove(re->program + where + n, re->program + where,
                (re->n_program - where) * sizeof(*re->program));
        re->n_program += n;
        return 0;
}

static int insert_one(struct regex_parser *p, size_t where, enum regex_op op, long arg) {
        int r;

        r = insert(p, where, 1);
        if (r < 0)
                return r;
        p->re->program[where] = (struct regex_instruction){ op, (int32_t)arg };
        return 0;
}

int regex_emit(struct regex_parser *p, enum regex_op op, long arg) {
        return insert_one(p, p->re->n_program, op, arg);
}

static int emit_copy(struct regex_parser *p, size_t begin, size_t n) {
        size_t end = p->re->n_program;
        int r;

        r = insert(p, end, n);
        if (r < 0)
                return r;
        memcpy(p->re->program + end, p->re->program + begin, n * sizeof(*p->re->program));
        return 0;
}

/* ---- structure ---- */

static int parse_alternatives(struct regex_parser *p);

static int parse_group(struct regex_parser *p) {
        int r;

        if (regex_take(p, "?")) {
                size_t n;

                if (strchr("=!", *p->at) || strncmp(p->at, "<=", 2) == 0 ||
                    strncmp(p->at, "<!", 2) == 0)
                        return regex_refuse(p, "looks around, which takes more than linear time");
                if (!regex_take(p, ":")) {
                        n = strcspn(p->at, ">()");
                        if (*p->at != '<' || n < 2 || p->at[n] != '>')
                                return regex_refuse(p,
                                                    "has a '(?' that is neither (?: nor (?<name>");
                        p->at += n + 1;
                }
        }
        if (++p->depth > REGEX_MAX_DEPTH)
                return regex_refuse(p, "has too many groups within groups");
        r = parse_alternatives(p);
        if (r < 0)
                return r;
        if (!regex_take(p, ")"))
                return regex_refuse(p, "has a '(' without its ')'");
        p->depth--;
        return 0;
}

static int parse_atom(struct regex_parser *p) {
        if (regex_take(p, "("))
                return parse_group(p);
        if (regex_take(p, "["))
                return regex_parse_class(p);
        if (regex_take(p, "."))
                return regex_parse_dot(p);
        if (regex_take(p, "\\"))
                return regex_parse_escape(p);
        if (strchr("*+?{", *p->at))
                return regex_refuse(p, "repeats what cannot be repeated, or repeats it twice");
        if (strchr("]}", *p->at))
                return regex_refuse(p, "has a bracket or brace without its beginning");
        return regex_emit(p, REGEX_CHARACTER, (long)regex_take_character(p));
}

#define FOREVER SIZE_MAX

/* Writes an atom, the program's end from `begin` on, at least `least` times and at most `most`. */
static int repeat(struct regex_parser *p, size_t begin, size_t least, size_t most) {
        size_t n = p->re->n_program - begin;
        long size = (long)n;
        int r = 0;

        if (most == 0 || n == 0) {
                p->re->n_program = begin;
                return 0;
        }
        for (size_t i = 1; i < least && r >= 0; i++)
                r = emit_copy(p, begin, n);
        if (r < 0)
                return r;

        if (most == FOREVER && least > 0)
                return regex_emit(p, REGEX_SPLIT, -size);
        if (most == FOREVER) {
                r = insert_one(p, begin, REGEX_SPLIT, size + 2);
                return r < 0 ? r : regex_emit(p, REGEX_JUMP, -(size + 1));
        }

        /* Each of the others may be the first that is left out. */
        for (size_t i = least, left = most - least; i < most; i++, left--) {
                if (left > REGEX_MAX_PROGRAM)
                        return regex_refuse(p, "is too long, or repeats too much");
                if (i == 0) {
                        r = insert_one(p, begin, REGEX_SPLIT, (long)left * (size + 1));
                        begin++;
                } else {
                        r = regex_emit(p, REGEX_SPLIT, (long)left * (size + 1));
                        r = r < 0 ? r : emit_copy(p, begin, n);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A number that is too large for any program stays so. */
static size_t take_number(struct regex_parser *p) {
        size_t n = 0;

        for (; isdigit((unsigned char)*p->at); p->at++)
                if (n <= REGEX_MAX_PROGRAM)
                        n = n * 10 + (size_t)(*p->at - '0');
        return n;
}

/* {n}, {n,} or {n,m}, from the first number on. */
static int take_interval(struct regex_parser *p, size_t *ret_least, size_t *ret_most) {
        if (!isdigit((unsigned char)*p->at))
                return regex_refuse(p, "has a '{' that begins no repetition: write \\{");
        *ret_most = *ret_least = take_number(p);
        if (regex_take(p, ","))
                *ret_most = isdigit((unsigned char)*p->at) ? take_number(p) : FOREVER;
        if (!regex_take(p, "}") || *ret_most < *ret_least)
                return regex_refuse(p, "has a repetition that is not {n}, {n,} or {n,m}");
        return 0;
}

static int parse_repetition(struct regex_parser *p, size_t begin) {
        size_t least = 0, most = FOREVER;
        int r;

        if (regex_take(p, "+"))
                least = 1;
        else if (regex_take(p, "?"))
                most = 1;
        else if (regex_take(p, "{")) {
                r = take_interval(p, &least, &most);
                if (r < 0)
                        return r;
        } else if (!regex_take(p, "*"))
                return 0;
        (void)regex_take(p, "?"); /* lazy or not, there is the same answer */
        return repeat(p, begin, least, most);
}

static int parse_term(struct regex_parser *p) {
        size_t begin = p->re->n_program;
        int r;

        if (regex_take(p, "^"))
                return regex_emit(p, REGEX_BEGIN, 0);
        if (regex_take(p, "$"))
                return regex_emit(p, REGEX_END, 0);
        if (regex_take(p, "\\b"))
                return regex_emit(p, REGEX_BOUNDARY, 0);
        if (regex_take(p, "\\B"))
                return regex_emit(p, REGEX_NO_BOUNDARY, 0);
        r = parse_atom(p);
        return r < 0 ? r : parse_repetition(p, begin);
}

/* Until their end is known, the jumps to it hold the place of the one before them, plus one. */
static int parse_alternatives(struct regex_parser *p) {
        size_t begin = p->re->n_program;
        long jumps = 0;
        int r;

        for (;;) {
                while (*p->at && !strchr("|)", *p->at)) {
                        r = parse_term(p);
                        if (r < 0)
                                return r;
                }
                if (!regex_take(p, "|"))
                        break;
                r = insert_one(p, begin, REGEX_SPLIT, (long)(p->re->n_program - begin + 2));
                r = r < 0 ? r : regex_emit(p, REGEX_JUMP, jumps);
                if (r < 0)
                        return r;
                begin = p->re->n_program;
                jumps = (long)begin;
        }
        while (jumps > 0) {
                struct regex_instruction *jump = &p->re->program[jumps - 1];
                long before = jump->arg;

                jump->arg = (int32_t)((long)p->re->n_program - (jumps - 1));
                jumps = before;
        }
        return 0;
}

int regex_parse(struct regex *re, const char *pattern, const char **ret_reason) {
        struct regex_parser p = { .at = pattern, .re = re };
        int r;

        r = strlen(pattern) > REGEX_MAX_PATTERN ? regex_refuse(&p, "is too long") : 0;
        r = r < 0 ? r : parse_alternatives(&p);
        if (r >= 0 && *p.at)
                r = regex_refuse(&p, "has a ')' without its '('");
        r = r < 0 ? r : regex_emit(&p, REGEX_MATCH, 0);
        if (r == -EINVAL)
                *ret_reason = p.reason;
        return r;
}
