/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <ctype.h>
#include <string.h>

/*
 * A schema's regular expressions are ECMA-262; what we have is POSIX. This reads the language that
 * both share, and refuses the rest with a reason. It also counts the states that repetition makes
 * of a pattern, since regcomp() would write them all out.
 */

#define MAX_DEPTH 16
#define MAX_REPEAT 255
#define MAX_STATES 4096

struct parser {
        const char *at;
        const char *refusal;
        unsigned depth;
};

static size_t refuse(struct parser *p, const char *reason) {
        if (!p->refusal)
                p->refusal = reason;
        return 0;
}

static size_t limit(struct parser *p, size_t n_states) {
        if (n_states > MAX_STATES)
                return refuse(p, "repeats too much");
        return n_states;
}

static void skip_character(struct parser *p) {
        do
                p->at++;
        while (((unsigned char)*p->at & 0xc0) == 0x80);
}

/* One end of a range, or a character of its own. */
static bool take_class_member(struct parser *p) {
        if (*p->at == 0)
                return refuse(p, "has a '[' without its ']'");
        if (*p->at == '\\')
                return refuse(p, "has a backslash within brackets, where POSIX reads it as itself");
        if (*p->at == '[' && p->at[1] && strchr(":.=", p->at[1]))
                return refuse(p, "has a POSIX class such as [:alpha:], which ECMA-262 has not");
        skip_character(p);
        return true;
}

/* From the '-' on. Which characters stand between others is a matter of locale, but for ASCII. */
static bool take_range_end(struct parser *p) {
        if ((unsigned char)p->at[-1] >= 0x80 || (unsigned char)p->at[1] >= 0x80)
                return refuse(p, "has a range of characters beyond ASCII");
        p->at++;
        return take_class_member(p);
}

static bool take_class(struct parser *p) {
        const char *begin;

        p->at++;
        if (*p->at == '^')
                p->at++;
        if (*p->at == ']')
                return refuse(p, "has a ']' right after '[': POSIX reads it as itself");

        begin = p->at;
        while (*p->at != ']') {
                if (*p->at == '-' && p->at != begin && p->at[1] != ']')
                        return refuse(p, "has a '-' within brackets that is neither first, last "
                                         "nor a range");
                if (!take_class_member(p))
                        return false;
                if (*p->at == '-' && p->at[1] != ']' && !take_range_end(p))
                        return false;
        }
        p->at++;
        return true;
}

static size_t take_escape(struct parser *p) {
        if (!p->at[1] || !strchr(".[\\()*+?{|^$", p->at[1]))
                return refuse(p, "has an escape that POSIX does not know: write a bracket "
                                 "expression such as [0-9] for \\d");
        p->at += 2;
        return 1;
}

static size_t take_alternatives(struct parser *p);

static size_t take_group(struct parser *p) {
        size_t n_states;

        if (p->at[1] == '?')
                return refuse(p, "has a '(?', which POSIX does not know");
        if (++p->depth > MAX_DEPTH)
                return refuse(p, "has too many groups within groups");

        p->at++;
        n_states = take_alternatives(p);
        if (n_states == 0)
                return 0;
        if (*p->at != ')')
                return refuse(p, "has a '(' without its ')'");
        p->at++;
        p->depth--;
        return n_states;
}

static size_t take_atom(struct parser *p) {
        switch (*p->at) {
        case '\\':
                return take_escape(p);
        case '[':
                return take_class(p);
        case '(':
                return take_group(p);
        case '.':
                return refuse(p, "has a '.', which matches line breaks in POSIX: write a bracket "
                                 "expression");
        case '*':
        case '+':
        case '?':
        case '{':
                return refuse(p, "repeats what cannot be repeated, or repeats it twice");
        case ']':
        case '}':
                return refuse(p, "has a bracket or brace without its beginning");
        default:
                skip_character(p);
                return 1;
        }
}

static unsigned take_number(struct parser *p) {
        unsigned n = 0;

        for (; isdigit((unsigned char)*p->at) && n <= MAX_REPEAT; p->at++)
                n = n * 10 + (unsigned)(*p->at - '0');
        return n;
}

/* {n}, {n,} or {n,m}. Returns how often the atom is written out. */
static size_t take_interval(struct parser *p) {
        unsigned least, most;

        p->at++;
        if (!isdigit((unsigned char)*p->at))
                return refuse(p, "has a '{' that is no repetition: write [{]");
        most = least = take_number(p);
        if (*p->at == ',') {
                p->at++;
                most = isdigit((unsigned char)*p->at) ? take_number(p) : least + 1;
        }
        if (*p->at != '}' || most < least || most > MAX_REPEAT)
                return refuse(p, "has a repetition that is not {n}, {n,} or {n,m} up to 255");
        p->at++;
        return most > 0 ? most : 1;
}

static size_t take_repetition(struct parser *p) {
        switch (*p->at) {
        case '+':
                p->at++;
                return 2;
        case '*':
        case '?':
                p->at++;
                return 1;
        case '{':
                return take_interval(p);
        default:
                return 1;
        }
}

static size_t take_sequence(struct parser *p) {
        size_t n_states = 0, n;

        while (*p->at && !strchr("|)", *p->at)) {
                if (strchr("^$", *p->at)) {
                        p->at++;
                        n = 1;
                } else {
                        n = take_atom(p);
                        if (n > 0)
                                n *= take_repetition(p);
                }
                n_states = limit(p, n_states + n);
                if (n == 0 || n_states == 0)
                        return 0;
        }
        return n_states > 0 ? n_states : refuse(p, "is empty, or has an empty alternative");
}

static size_t take_alternatives(struct parser *p) {
        size_t n_states = 0, n;

        for (;; p->at++) {
                n = take_sequence(p);
                n_states = limit(p, n_states + n);
                if (n == 0 || n_states == 0 || *p->at != '|')
                        return n == 0 ? 0 : n_states;
        }
}

const char *schema_pattern_refusal(const char *pattern) {
        struct parser p = { .at = pattern };

        if (take_alternatives(&p) > 0 && *p.at)
                (void)refuse(&p, "has a ')' without its '('");
        return p.refusal;
}
