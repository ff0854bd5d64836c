/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the files of the matcher share: a program for Thompson's simulation of an automaton.
 *
 *   schema-regex-parse.c  makes a program of a pattern
 *   schema-regex-atom.c   and of what stands for one character in it
 *   schema-regex-class.c  sets of characters
 *   schema-regex.c        runs a program over a text
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unictype.h>

#include "action/schema-regex.h"

enum regex_op {
        REGEX_CHARACTER,   /* takes the character `arg` */
        REGEX_CLASS,       /* takes one of the class `arg` */
        REGEX_SPLIT,       /* goes on at the next instruction, and `arg` further as well */
        REGEX_JUMP,        /* goes on `arg` further: a piece of program can be moved and copied */
        REGEX_BEGIN,       /* goes on if nothing stands before */
        REGEX_END,         /* … if nothing follows */
        REGEX_BOUNDARY,    /* … between a word's character and another */
        REGEX_NO_BOUNDARY, /* … elsewhere */
        REGEX_MATCH,
};

struct regex_instruction {
        enum regex_op op;
        int32_t arg;
};

struct regex_range {
        ucs4_t first, last;
};

/* A property of Unicode: \p{…}. */
struct regex_property {
        enum {
                REGEX_CATEGORY,
                REGEX_BINARY,
                REGEX_SCRIPT,
        } kind;
        bool negated;
        union {
                uc_general_category_t category;
                uc_property_t binary;
                const uc_script_t *script;
        };
};

struct regex_class {
        uint64_t ascii[2]; /* once sealed, the whole answer for ASCII */
        struct regex_range *ranges;
        size_t n_ranges;
        struct regex_property *properties;
        size_t n_properties;
        bool negated;
};

struct regex {
        struct regex_instruction *program;
        size_t n_program;
        struct regex_class *classes;
        size_t n_classes;
};

/* schema-regex-class.c. All that add return 0 or -ENOMEM. */

void regex_class_done(struct regex_class *c);
int regex_class_add(struct regex_class *c, ucs4_t first, ucs4_t last);
/* \d, \s and \w, or what is not in them as \D, \S and \W. */
int regex_class_add_escape(struct regex_class *c, char escape);
/* What stands between the braces of \p{…}; -EINVAL when there is no such property. */
int regex_class_add_property(struct regex_class *c, const char *name, bool negated);
/* Once nothing is added any more. */
void regex_class_seal(struct regex_class *c);
/* For what is not ASCII, in a sealed class. */
bool regex_class_find(const struct regex_class *c, ucs4_t character);

static inline bool regex_class_holds(const struct regex_class *c, ucs4_t character) {
        if (character < 128)
                return c->ascii[character / 64] >> character % 64 & 1;
        return regex_class_find(c, character);
}

struct regex_parser {
        const char *at;
        struct regex *re;
        const char *reason;
        unsigned depth;
};

/* schema-regex-parse.c. What writes or parses returns 0, -ENOMEM, or -EINVAL by regex_refuse(). */

/* Fills in the program and its classes. As regex_new(). */
int regex_parse(struct regex *re, const char *pattern, const char **ret_reason);
int regex_refuse(struct regex_parser *p, const char *reason);
/* Goes on behind a text, if that is what stands here. */
bool regex_take(struct regex_parser *p, const char *text);
int regex_emit(struct regex_parser *p, enum regex_op op, long arg);

/* schema-regex-atom.c */

ucs4_t regex_take_character(struct regex_parser *p);
int regex_parse_dot(struct regex_parser *p);
/* From behind the '[' on. */
int regex_parse_class(struct regex_parser *p);
/* From behind the backslash on. */
int regex_parse_escape(struct regex_parser *p);
