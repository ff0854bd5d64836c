/* SPDX-License-Identifier: MIT */
#include "action/schema-regex-program.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* An empty class; its instruction comes when it is sealed. */
static int new_class(struct regex_parser *p, struct regex_class **ret) {
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

static int emit_class(struct regex_parser *p, struct regex_class *c) {
        regex_class_seal(c);
        return regex_emit(p, REGEX_CLASS, c - p->re->classes);
}

ucs4_t regex_take_character(struct regex_parser *p) {
        static const unsigned char masks[] = { 0x7f, 0x7f, 0x1f, 0x0f, 0x07 };
        size_t n = (unsigned char)*p->at < 0x80 ? 1 : utf8_span(p->at, strlen(p->at));
        ucs4_t c = (unsigned char)*p->at & masks[n];

        for (size_t i = 1; i < n; i++)
                c = c << 6 | ((unsigned char)p->at[i] & 0x3f);
        p->at += n > 0 ? n : 1;
        return c;
}

/* Exactly n digits. Returns their value, or -1. */
static long take_hex(struct regex_parser *p, size_t n) {
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
static long take_unicode(struct regex_parser *p) {
        long c, low;

        if (regex_take(p, "{")) {
                size_t n = strspn(p->at, "0123456789abcdefABCDEF");

                c = n > 0 && n <= 8 ? take_hex(p, n) : -1;
                return regex_take(p, "}") && c <= 0x10ffff ? c : -1;
        }
        c = take_hex(p, 4);
        if (c < 0xd800 || c > 0xdbff || strncmp(p->at, "\\u", 2) != 0)
                return c;

        p->at += 2;
        low = take_hex(p, 4);
        return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + (c - 0xd800) * 0x400 + low - 0xdc00 : -1;
}

/* What follows a backslash and stands for one character. */
static int take_escaped(struct regex_parser *p, ucs4_t *ret) {
        static const char names[] = "tnvfr", values[] = "\t\n\v\f\r";
        const char *name = *p->at ? strchr(names, *p->at) : NULL;
        long c = -1;

        if (name) {
                p->at++;
                c = (unsigned char)values[name - names];
        } else if (regex_take(p, "x"))
                c = take_hex(p, 2);
        else if (regex_take(p, "u"))
                c = take_unicode(p);
        else if (p->at[0] == 'c' && isalpha((unsigned char)p->at[1])) {
                c = p->at[1] % 32;
                p->at += 2;
        } else if (p->at[0] == '0' && !isdigit((unsigned char)p->at[1])) {
                p->at++;
                c = 0;
        } else if (ispunct((unsigned char)*p->at))
                c = (unsigned char)*p->at++;
        else if (isdigit((unsigned char)*p->at) || *p->at == 'k')
                return regex_refuse(p, "refers back to a group, which takes more than linear time");

        if (c < 0)
                return regex_refuse(p, "has an escape that ECMA-262 does not know");
        *ret = (ucs4_t)c;
        return 0;
}

/* \p{…}, from the brace on. */
static int take_property(struct regex_parser *p, struct regex_class *c, bool negated) {
        char name[64];
        size_t n;

        if (!regex_take(p, "{"))
                return regex_refuse(p, "has a \\p without its {…}");
        n = strcspn(p->at, "}");
        if (p->at[n] == 0 || n >= sizeof(name))
                return regex_refuse(p, "has a \\p{ without its }");
        memcpy(name, p->at, n);
        name[n] = 0;
        p->at += n + 1;
        if (regex_class_add_property(c, name, negated) == -EINVAL)
                return regex_refuse(p,
                                    "asks for a property that Unicode does not have, or not here");
        return 0;
}

/* After a backslash: adds what stands for a set of characters. 1 when that is what was there. */
static int take_set(struct regex_parser *p, struct regex_class *c) {
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
static int take_member(struct regex_parser *p, struct regex_class *c, ucs4_t *ret, bool *ret_set) {
        int r;

        *ret_set = false;
        if (*p->at == 0)
                return regex_refuse(p, "has a '[' without its ']'");
        if (!regex_take(p, "\\")) {
                *ret = regex_take_character(p);
                return 0;
        }
        if (regex_take(p, "b")) {
                *ret = '\b';
                return 0;
        }
        r = take_set(p, c);
        *ret_set = r > 0;
        return r != 0 ? r : take_escaped(p, ret);
}

static int take_members(struct regex_parser *p, struct regex_class *c) {
        ucs4_t first = 0, last;
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
                                return regex_refuse(p,
                                                    "has a range without two ends in their order");
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

int regex_parse_class(struct regex_parser *p) {
        struct regex_class *c;
        int r;

        r = new_class(p, &c);
        if (r < 0)
                return r;
        c->negated = regex_take(p, "^");
        r = take_members(p, c);
        if (r < 0)
                return r;
        return emit_class(p, c);
}

/* ECMA-262's '.': all but the ends of lines. */
int regex_parse_dot(struct regex_parser *p) {
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

int regex_parse_escape(struct regex_parser *p) {
        struct regex_class *c;
        ucs4_t character = 0;
        int r;

        if (*p->at && strchr("dDsSwWpP", *p->at)) {
                r = new_class(p, &c);
                if (r < 0)
                        return r;
                r = take_set(p, c);
                return r < 0 ? r : emit_class(p, c);
        }
        r = take_escaped(p, &character);
        return r < 0 ? r : regex_emit(p, REGEX_CHARACTER, (long)character);
}
