/* SPDX-License-Identifier: MIT */
#include "action/schema-regex-program.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/utf8.h"

/*
 * Writes the program while it reads the pattern. Jumps are relative, so that what stands for an
 * atom is moved to make room for a split before it, and copied to repeat it.
 */

struct parser {
        const char *at;
        struct regex *re;
        const char *reason;
        unsigned depth;
};

static int refuse(struct parser *p, const char *reason) {
        p->reason = reason;
        return -EINVAL;
}

/* ---- writing ---- */

/* Makes room for n instructions at `where`, which the caller fills. */
static int insert(struct parser *p, size_t where, size_t n) {
        struct regex *re = p->re;

        if (n > REGEX_MAX_PROGRAM - re->n_program)
                return refuse(p, "is too long, or repeats too much");
        memmove(re->program + where + n, re->program + where,
                (re->n_program - where) * sizeof(*re->program));
        re->n_program += n;
        return 0;
}

static int insert_one(struct parser *p, size_t where, enum regex_op op, long arg) {
        int r;

        r = insert(p, where, 1);
        if (r < 0)
                return r;
        p->re->program[where] = (struct regex_instruction){ op, (int32_t)arg };
        return 0;
}

static int emit(struct parser *p, enum regex_op op, long arg) {
        return insert_one(p, p->re->n_program, op, arg);
}

static int emit_copy(struct parser *p, size_t begin, size_t n) {
        size_t end = p->re->n_program;
        int r;

        r = insert(p, end, n);
        if (r < 0)
                return r;
        memcpy(p->re->program + end, p->re->program + begin, n * sizeof(*p->re->program));
        return 0;
}

/* An empty class; its instruction comes when it is sealed. */
static int new_class(struct parser *p, struct regex_class **ret) {
        struct regex *re = p->re;
        struct regex_class *classes;

        classes = reallocarray(re->classes, re->n_classes + 1, sizeof(*classes));
        if (!classes)
                return -ENOMEM;
        re->classes = classes;
        *ret = &classes[re->n_classes++];
        **ret = (struct regex_class){ 0 };
        return 0;
}

static int emit_class(struct parser *p, struct regex_class *c) {
        regex_class_seal(c);
        return emit(p, REGEX_CLASS, c - p->re->classes);
}

/* ---- characters and classes ---- */

static bool take(struct parser *p, const char *text) {
        size_t n = strlen(text);

        if (strncmp(p->at, text, n) != 0)
                return false;
        p->at += n;
        return true;
}

static ucs4_t take_character(struct parser *p) {
        static const unsigned char masks[] = { 0x7f, 0x7f, 0x1f, 0x0f, 0x07 };
        size_t n = (unsigned char)*p->at < 0x80 ? 1 : utf8_span(p->at, strlen(p->at));
        ucs4_t c = (unsigned char)*p->at & masks[n];

        for (size_t i = 1; i < n; i++)
                c = c << 6 | ((unsigned char)p->at[i] & 0x3f);
        p->at += n > 0 ? n : 1;
        return c;
}

/* Exactly n digits. Returns their value, or -1. */
static long take_hex(struct parser *p, size_t n) {
        static const char hex[] = "0123456789abcdef";
        long value = 0;

        for (size_t i = 0; i < n; i++) {
                const char *digit = p->at[i] ? strchr(hex, tolower((unsigned char)p->at[i])) : NULL;

                if (!digit)
                        return -1;
                value = value * 16 + (digit - hex);
        }
        p->at += n;
        return value;
}

/* What follows \u: four digits, two times four for a pair of surrogates, or digits in braces. */
static long take_unicode(struct parser *p) {
        long c, low;

        if (take(p, "{")) {
                size_t n = strspn(p->at, "0123456789abcdefABCDEF");

                c = n > 0 && n <= 8 ? take_hex(p, n) : -1;
                return take(p, "}") && c <= 0x10ffff ? c : -1;
        }
        c = take_hex(p, 4);
        if (c < 0xd800 || c > 0xdbff || strncmp(p->at, "\\u", 2) != 0)
                return c;

        p->at += 2;
        low = take_hex(p, 4);
        return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + (c - 0xd800) * 0x400 + low - 0xdc00 : -1;
}

/* What follows a backslash and stands for one character. */
static int take_escaped(struct parser *p, ucs4_t *ret) {
        static const char names[] = "tnvfr", values[] = "\t\n\v\f\r";
        const char *name = *p->at ? strchr(names, *p->at) : NULL;
        long c = -1;

        if (name) {
                p->at++;
                c = values[name - names];
        } else if (take(p, "x"))
                c = take_hex(p, 2);
        else if (take(p, "u"))
                c = take_unicode(p);
        else if (p->at[0] == 'c' && isalpha((unsigned char)p->at[1])) {
                c = p->at[1] % 32;
                p->at += 2;
        } else if (p->at[0] == '0' && !isdigit((unsigned char)p->at[1])) {
                p->at++;
                c = 0;
        } else if (ispunct((unsigned char)*p->at))
                c = *p->at++;
        else if (isdigit((unsigned char)*p->at) || *p->at == 'k')
                return refuse(p, "refers back to a group, which takes more than linear time");

        if (c < 0)
                return refuse(p, "has an escape that ECMA-262 does not know");
        *ret = (ucs4_t)c;
        return 0;
}

/* \p{…}, from the brace on. */
static int take_property(struct parser *p, struct regex_class *c, bool negated) {
        char name[64];
        size_t n;

        if (!take(p, "{"))
                return refuse(p, "has a \\p without its {…}");
        n = strcspn(p->at, "}");
        if (p->at[n] == 0 || n >= sizeof(name))
                return refuse(p, "has a \\p{ without its }");
        memcpy(name, p->at, n);
        name[n] = 0;
        p->at += n + 1;
        if (regex_class_add_property(c, name, negated) == -EINVAL)
                return refuse(p, "asks for a property that Unicode does not have, or not here");
        return 0;
}

/* After a backslash: adds what stands for a set of characters. 1 when that is what was there. */
static int take_set(struct parser *p, struct regex_class *c) {
        char letter = *p->at;
        int r;

        if (!letter || !strchr("dDsSwWpP", letter))
                return 0;
        p->at++;
        r = strchr("pP", letter) ? take_property(p, c, letter == 'P')
                                 : regex_class_add_escape(c, letter);
        return r < 0 ? r : 1;
}

/* One character, or one end of a range; *ret_set says that it was a set, and has been added. */
static int take_member(struct parser *p, struct regex_class *c, ucs4_t *ret, bool *ret_set) {
        int r;

        *ret_set = false;
        if (*p->at == 0)
                return refuse(p, "has a '[' without its ']'");
        if (!take(p, "\\")) {
                *ret = take_character(p);
                return 0;
        }
        if (take(p, "b")) {
                *ret = '\b';
                return 0;
        }
        r = take_set(p, c);
        *ret_set = r > 0;
        return r != 0 ? r : take_escaped(p, ret);
}

static int take_members(struct parser *p, struct regex_class *c) {
        ucs4_t first, last;
        bool set, to_set;
        int r;

        while (*p->at != ']') {
                r = take_member(p, c, &first, &set);
                if (r < 0)
                        return r;
                last = first;
                if (p->at[0] == '-' && p->at[1] != ']') {
                        p->at++;
                        r = take_member(p, c, &last, &to_set);
                        if (r < 0)
                                return r;
                        if (set || to_set || first > last)
                                return refuse(p, "has a range without two ends in their order");
                }
                if (!set) {
                        r = regex_class_add(c, first, last);
                        if (r < 0)
                                return r;
                }
        }
        p->at++;
        return 0;
}

static int parse_class(struct parser *p) {
        struct regex_class *c;
        int r;

        r = new_class(p, &c);
        if (r < 0)
                return r;
        c->negated = take(p, "^");
        r = take_members(p, c);
        if (r < 0)
                return r;
        return emit_class(p, c);
}

/* ECMA-262's '.': all but the ends of lines. */
static int parse_dot(struct parser *p) {
        static const ucs4_t ends[] = { '\n', '\r', 0x2028, 0x2029 };
        struct regex_class *c;
        int r;

        r = new_class(p, &c);
        if (r < 0)
                return r;
        c->negated = true;
        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                r = regex_class_add(c, ends[i], ends[i]);
                if (r < 0)
                        return r;
        }
        return emit_class(p, c);
}

static int parse_escape(struct parser *p) {
        struct regex_class *c;
        ucs4_t character;
        int r;

        if (*p->at && strchr("dDsSwWpP", *p->at)) {
                r = new_class(p, &c);
                if (r < 0)
                        return r;
                r = take_set(p, c);
                return r < 0 ? r : emit_class(p, c);
        }
        r = take_escaped(p, &character);
        return r < 0 ? r : emit(p, REGEX_CHARACTER, (long)character);
}

/* ---- structure ---- */

static int parse_alternatives(struct parser *p);

static int parse_group(struct parser *p) {
        int r;

        if (take(p, "?")) {
                size_t n;

                if (strchr("=!", *p->at) || strncmp(p->at, "<=", 2) == 0 ||
                    strncmp(p->at, "<!", 2) == 0)
                        return refuse(p, "looks around, which takes more than linear time");
                if (!take(p, ":")) {
                        n = strcspn(p->at, ">()");
                        if (*p->at != '<' || n < 2 || p->at[n] != '>')
                                return refuse(p, "has a '(?' that is neither (?: nor (?<name>");
                        p->at += n + 1;
                }
        }
        if (++p->depth > REGEX_MAX_DEPTH)
                return refuse(p, "has too many groups within groups");
        r = parse_alternatives(p);
        if (r < 0)
                return r;
        if (!take(p, ")"))
                return refuse(p, "has a '(' without its ')'");
        p->depth--;
        return 0;
}

static int parse_atom(struct parser *p) {
        if (take(p, "("))
                return parse_group(p);
        if (take(p, "["))
                return parse_class(p);
        if (take(p, "."))
                return parse_dot(p);
        if (take(p, "\\"))
                return parse_escape(p);
        if (strchr("*+?{", *p->at))
                return refuse(p, "repeats what cannot be repeated, or repeats it twice");
        if (strchr("]}", *p->at))
                return refuse(p, "has a bracket or brace without its beginning");
        return emit(p, REGEX_CHARACTER, (long)take_character(p));
}

#define FOREVER SIZE_MAX

/* Writes an atom, the program's end from `begin` on, at least `least` times and at most `most`. */
static int repeat(struct parser *p, size_t begin, size_t least, size_t most) {
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
                return emit(p, REGEX_SPLIT, -size);
        if (most == FOREVER) {
                r = insert_one(p, begin, REGEX_SPLIT, size + 2);
                return r < 0 ? r : emit(p, REGEX_JUMP, -(size + 1));
        }

        /* Each of the others may be the first that is left out. */
        for (size_t i = least, left = most - least; i < most; i++, left--) {
                if ((left > REGEX_MAX_PROGRAM))
                        return refuse(p, "is too long, or repeats too much");
                if (i == 0) {
                        r = insert_one(p, begin, REGEX_SPLIT, (long)left * (size + 1));
                        begin++;
                } else {
                        r = emit(p, REGEX_SPLIT, (long)left * (size + 1));
                        r = r < 0 ? r : emit_copy(p, begin, n);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A number that is too large for any program stays so. */
static size_t take_number(struct parser *p) {
        size_t n = 0;

        for (; isdigit((unsigned char)*p->at); p->at++)
                if (n <= REGEX_MAX_PROGRAM)
                        n = n * 10 + (size_t)(*p->at - '0');
        return n;
}

/* {n}, {n,} or {n,m}, from the first number on. */
static int take_interval(struct parser *p, size_t *ret_least, size_t *ret_most) {
        if (!isdigit((unsigned char)*p->at))
                return refuse(p, "has a '{' that begins no repetition: write \\{");
        *ret_most = *ret_least = take_number(p);
        if (take(p, ","))
                *ret_most = isdigit((unsigned char)*p->at) ? take_number(p) : FOREVER;
        if (!take(p, "}") || *ret_most < *ret_least)
                return refuse(p, "has a repetition that is not {n}, {n,} or {n,m}");
        return 0;
}

static int parse_repetition(struct parser *p, size_t begin) {
        size_t least = 0, most = FOREVER;
        int r;

        if (take(p, "+"))
                least = 1;
        else if (take(p, "?"))
                most = 1;
        else if (take(p, "{")) {
                r = take_interval(p, &least, &most);
                if (r < 0)
                        return r;
        } else if (!take(p, "*"))
                return 0;
        (void)take(p, "?"); /* lazy or not, there is the same answer */
        return repeat(p, begin, least, most);
}

static int parse_term(struct parser *p) {
        size_t begin = p->re->n_program;
        int r;

        if (take(p, "^"))
                return emit(p, REGEX_BEGIN, 0);
        if (take(p, "$"))
                return emit(p, REGEX_END, 0);
        if (take(p, "\\b"))
                return emit(p, REGEX_BOUNDARY, 0);
        if (take(p, "\\B"))
                return emit(p, REGEX_NO_BOUNDARY, 0);
        r = parse_atom(p);
        return r < 0 ? r : parse_repetition(p, begin);
}

/* Until their end is known, the jumps to it hold the place of the one before them, plus one. */
static int parse_alternatives(struct parser *p) {
        size_t begin = p->re->n_program;
        long jumps = 0;
        int r;

        for (;;) {
                while (*p->at && !strchr("|)", *p->at)) {
                        r = parse_term(p);
                        if (r < 0)
                                return r;
                }
                if (!take(p, "|"))
                        break;
                r = insert_one(p, begin, REGEX_SPLIT, (long)(p->re->n_program - begin + 2));
                r = r < 0 ? r : emit(p, REGEX_JUMP, jumps);
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
        struct parser p = { .at = pattern, .re = re };
        int r;

        r = strlen(pattern) > REGEX_MAX_PATTERN ? refuse(&p, "is too long") : 0;
        r = r < 0 ? r : parse_alternatives(&p);
        if (r >= 0 && *p.at)
                r = refuse(&p, "has a ')' without its '('");
        r = r < 0 ? r : emit(&p, REGEX_MATCH, 0);
        if (r == -EINVAL)
                *ret_reason = p.reason;
        return r;
}
