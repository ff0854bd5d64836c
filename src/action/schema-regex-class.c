/* SPDX-License-Identifier: MIT */
#include "action/schema-regex-program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LAST 0x10ffff

/* clang-format off */
static const struct regex_range digits[] = { { '0', '9' } };
static const struct regex_range word[] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } };
static const struct regex_range space[] = {
        { '\t', '\r' }, { ' ', ' ' }, { 0xa0, 0xa0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200a },
        { 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 },
        { 0xfeff, 0xfeff },
};

/* ECMA-262 CharacterClassEscape. */
static const struct {
        const struct regex_range *ranges;
        size_t n_ranges;
        char escape;
        bool negated;
} escapes[] = {
        { digits, ELEMENTSOF(digits), 'd', false },
        { digits, ELEMENTSOF(digits), 'D', true  },
        { space,  ELEMENTSOF(space),  's', false },
        { space,  ELEMENTSOF(space),  'S', true  },
        { word,   ELEMENTSOF(word),   'w', false },
        { word,   ELEMENTSOF(word),   'W', true  },
};
/* clang-format on */

void regex_class_done(struct regex_class *c) {
        free(c->ranges);
        free(c->properties);
}

/* Makes room for one more, in steps of powers of two. */
static void *grow(void *items, size_t n, size_t size) {
        if (n > 0 && (n < 4 || (n & (n - 1)) != 0))
                return items;
        return reallocarray(items, n < 4 ? 4 : 2 * n, size);
}

int regex_class_add(struct regex_class *c, ucs4_t first, ucs4_t last) {
        struct regex_range *ranges = grow(c->ranges, c->n_ranges, sizeof(*ranges));

        if (!ranges)
                return -ENOMEM;
        c->ranges = ranges;
        c->ranges[c->n_ranges++] = (struct regex_range){ first, last };
        return 0;
}

int regex_class_add_escape(struct regex_class *c, char escape) {
        size_t k = 0;
        ucs4_t next = 0;
        int r = 0;

        while (escapes[k].escape != escape)
                k++;
        for (size_t i = 0; i < escapes[k].n_ranges && r >= 0; i++) {
                const struct regex_range *range = &escapes[k].ranges[i];

                r = escapes[k].negated ? regex_class_add(c, next, range->first - 1)
                                       : regex_class_add(c, range->first, range->last);
                next = range->last + 1;
        }
        if (r >= 0 && escapes[k].negated)
                r = regex_class_add(c, next, LAST);
        return r;
}

/* What follows "NAME=", if the text begins so. */
static const char *value_of(const char *text, const char *name) {
        size_t n = strlen(name);

        return strncmp(text, name, n) == 0 && text[n] == '=' ? text + n + 1 : NULL;
}

/* Names of categories that libunistring does not know. */
static const struct {
        const char *alias, *name;
} aliases[] = {
        { "Combining_Mark", "M" },
        { "cntrl", "Cc" },
        { "digit", "Nd" },
        { "punct", "P" },
};

static uc_general_category_t find_category(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(aliases); i++)
                if (strcmp(aliases[i].alias, name) == 0)
                        name = aliases[i].name;
        return uc_general_category_byname(name);
}

static bool find_property(const char *name, struct regex_property *ret) {
        const char *script = value_of(name, "Script") ?: value_of(name, "sc");
        const char *category = value_of(name, "General_Category") ?: value_of(name, "gc");

        if (script) {
                ret->kind = REGEX_SCRIPT;
                ret->script = uc_script_byname(script);
                return ret->script;
        }

        ret->kind = REGEX_CATEGORY;
        ret->category = find_category(category ?: name);
        if (ret->category.bitmask != 0 || category)
                return ret->category.bitmask != 0;

        ret->kind = REGEX_BINARY;
        ret->binary = uc_property_byname(name);
        return uc_property_is_valid(ret->binary);
}

int regex_class_add_property(struct regex_class *c, const char *name, bool negated) {
        struct regex_property property = { .negated = negated }, *properties;

        if (strcmp(name, "Any") == 0)
                return negated ? 0 : regex_class_add(c, 0, LAST);
        if (strcmp(name, "ASCII") == 0)
                return negated ? regex_class_add(c, 128, LAST) : regex_class_add(c, 0, 127);
        if (!find_property(name, &property))
                return -EINVAL;

        properties = grow(c->properties, c->n_properties, sizeof(*properties));
        if (!properties)
                return -ENOMEM;
        c->properties = properties;
        c->properties[c->n_properties++] = property;
        return 0;
}

static int compare_ranges(const void *a, const void *b) {
        const struct regex_range *x = a, *y = b;

        return (x->first > y->first) - (x->first < y->first);
}

void regex_class_seal(struct regex_class *c) {
        size_t n = 0;

        if (c->n_ranges > 0)
                qsort(c->ranges, c->n_ranges, sizeof(*c->ranges), compare_ranges);
        for (size_t i = 0; i < c->n_ranges; i++) {
                if (n == 0 || c->ranges[i].first > c->ranges[n - 1].last)
                        c->ranges[n++] = c->ranges[i];
                else if (c->ranges[i].last > c->ranges[n - 1].last)
                        c->ranges[n - 1].last = c->ranges[i].last;
        }
        c->n_ranges = n;

        for (ucs4_t i = 0; i < 128; i++)
                c->ascii[i / 64] |= (uint64_t)regex_class_find(c, i) << i % 64;
}

static bool in_ranges(const struct regex_class *c, ucs4_t character) {
        size_t first = 0, last = c->n_ranges;

        while (first < last) {
                size_t middle = (first + last) / 2;

                if (character > c->ranges[middle].last)
                        first = middle + 1;
                else if (character < c->ranges[middle].first)
                        last = middle;
                else
                        return true;
        }
        return false;
}

static bool has_property(const struct regex_property *p, ucs4_t character) {
        switch (p->kind) {
        case REGEX_CATEGORY:
                return uc_is_general_category(character, p->category) != p->negated;
        case REGEX_BINARY:
                return uc_is_property(character, p->binary) != p->negated;
        case REGEX_SCRIPT:
                return (uc_script(character) == p->script) != p->negated;
        }
        return false;
}

bool regex_class_find(const struct regex_class *c, ucs4_t character) {
        bool found = in_ranges(c, character);

        for (size_t i = 0; i < c->n_properties && !found; i++)
                found = has_property(&c->properties[i], character);
        return found != c->negated;
}
