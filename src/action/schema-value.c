/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <assert.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct {
        unsigned type;
        const char *name;  /* the schema's word */
        const char *words; /* a person's */
} types[] = {
        { SCHEMA_STRING,  "string",  "a string"       },
        { SCHEMA_NUMBER,  "number",  "a number"       },
        { SCHEMA_INTEGER, "integer", "a whole number" },
        { SCHEMA_BOOLEAN, "boolean", "true or false"  },
        { SCHEMA_ARRAY,   "array",   "an array"       },
        { SCHEMA_OBJECT,  "object",  "an object"      },
        { SCHEMA_NULL,    "null",    "null"           },
};
/* clang-format on */

unsigned schema_type_of(const cJSON *value) {
        if (cJSON_IsString(value))
                return SCHEMA_STRING;
        if (cJSON_IsNumber(value))
                return fabs(value->valuedouble - floor(value->valuedouble)) > 0 ? SCHEMA_FRACTION
                                                                                : SCHEMA_INTEGER;
        if (cJSON_IsBool(value))
                return SCHEMA_BOOLEAN;
        if (cJSON_IsArray(value))
                return SCHEMA_ARRAY;
        if (cJSON_IsObject(value))
                return SCHEMA_OBJECT;
        return SCHEMA_NULL;
}

unsigned schema_type_from_name(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (strcmp(types[i].name, name) == 0)
                        return types[i].type;
        return 0;
}

void schema_types_print(unsigned mask, char ret[static SCHEMA_TYPES_SIZE]) {
        const char *words[ELEMENTSOF(types)];
        size_t n_words = 0, size = 0;

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if ((mask & types[i].type) == types[i].type) {
                        words[n_words++] = types[i].words;
                        mask &= ~types[i].type; /* a number is not also a whole one */
                }

        ret[0] = 0;
        for (size_t i = 0; i < n_words; i++) {
                const char *between = i == 0 ? "" : i + 1 == n_words ? " or " : ", ";

                size += (size_t)snprintf(ret + size, SCHEMA_TYPES_SIZE - size, "%s%s", between,
                                         words[i]);
        }
}

static bool equal_arrays(const cJSON *ours, const cJSON *theirs) {
        const cJSON *a = ours->child, *b = theirs->child;

        for (; a && b; a = a->next, b = b->next)
                if (!schema_equal(a, b))
                        return false;
        return !a && !b;
}

static bool equal_objects(const cJSON *ours, const cJSON *theirs) {
        size_t n_ours = 0, n_theirs = 0;
        const cJSON *a;

        cJSON_ArrayForEach (a, ours) {
                const cJSON *b = json_member(theirs, a->string);

                if (!b || !schema_equal(a, b))
                        return false;
                n_ours++;
        }
        for (const cJSON *b = theirs->child; b && n_theirs <= n_ours; b = b->next)
                n_theirs++;
        return n_ours == n_theirs;
}

bool schema_equal(const cJSON *ours, const cJSON *theirs) {
        unsigned type = schema_type_of(ours);

        if (type != schema_type_of(theirs))
                return false;
        if (type == SCHEMA_STRING)
                return strcmp(ours->valuestring, theirs->valuestring) == 0;
        if (type & SCHEMA_NUMBER)
                return !islessgreater(ours->valuedouble, theirs->valuedouble);
        if (type == SCHEMA_BOOLEAN)
                return cJSON_IsTrue(ours) == cJSON_IsTrue(theirs);
        if (type == SCHEMA_ARRAY)
                return equal_arrays(ours, theirs);
        if (type == SCHEMA_OBJECT)
                return equal_objects(ours, theirs);
        return true;
}

size_t schema_text_length(const char *text) {
        size_t n = 0;

        for (; *text; text++)
                n += ((unsigned char)*text & 0xc0) != 0x80;
        return n;
}

static struct schema_hash hash_bytes(const unsigned char *key, const void *data, size_t size) {
        struct schema_hash h;

        static_assert(sizeof(h) == crypto_shorthash_siphashx24_BYTES, "128 bits");
        crypto_shorthash_siphashx24((unsigned char *)h.words, data, size, key);
        return h;
}

static struct schema_hash hash_pair(const unsigned char *key, struct schema_hash a,
                                    struct schema_hash b) {
        const struct schema_hash pair[] = { a, b };

        return hash_bytes(key, pair, sizeof(pair));
}

/* Items in their order, members in any: a chain, and a sum. */
static struct schema_hash hash_children(struct schema_run *run, const cJSON *value) {
        const unsigned char *key = run->schema->hash_key;
        struct schema_hash h = { 0 };
        const cJSON *child;

        cJSON_ArrayForEach (child, value) {
                struct schema_hash c = schema_hash_of(run, child);

                if (child->string) {
                        c = hash_pair(key, hash_bytes(key, child->string, strlen(child->string)),
                                      c);
                        h.words[0] += c.words[0];
                        h.words[1] += c.words[1];
                } else
                        h = hash_pair(key, h, c);
        }
        return h;
}

struct schema_hash schema_hash_of(struct schema_run *run, const cJSON *value) {
        const unsigned char *key = run->schema->hash_key;
        unsigned type = schema_type_of(value);
        struct schema_hash kind = { { type, (uint64_t)cJSON_IsTrue(value) } }, h = { 0 };

        run->n_steps++;
        if (type == SCHEMA_STRING) {
                size_t size = strlen(value->valuestring);

                run->n_steps += size / 64;
                h = hash_bytes(key, value->valuestring, size);
        } else if (type & SCHEMA_NUMBER) {
                double number = value->valuedouble + 0.0; /* of two zeroes, the one without sign */

                h = hash_bytes(key, &number, sizeof(number));
        } else if (type & (SCHEMA_ARRAY | SCHEMA_OBJECT))
                h = hash_children(run, value);
        return hash_pair(key, kind, h);
}

/* Appends a whole character or nothing, and leaves room for "…" and the NUL. */
static bool put_character(char *ret, size_t *size, const char *character, size_t n) {
        if (*size + n > SCHEMA_PATH_SIZE - sizeof("…"))
                return false;
        memcpy(ret + *size, character, n);
        *size += n;
        return true;
}

static bool put_name(char *ret, size_t *size, const char *name) {
        while (*name) {
                size_t n = 1;

                while (((unsigned char)name[n] & 0xc0) == 0x80)
                        n++;
                if (*name == '~'   ? !put_character(ret, size, "~0", 2)
                    : *name == '/' ? !put_character(ret, size, "~1", 2)
                                   : !put_character(ret, size, name, n))
                        return false;
                name += n;
        }
        return true;
}

static bool put_path(const struct schema_path *at, char *ret, size_t *size) {
        char index[24];

        if (!at->up)
                return true;
        snprintf(index, sizeof(index), "%zu", at->index);
        return put_path(at->up, ret, size) && put_character(ret, size, "/", 1) &&
               put_name(ret, size, at->name ? at->name : index);
}

void schema_path_print(const struct schema_path *at, char ret[static SCHEMA_PATH_SIZE]) {
        size_t size = 0;
        bool whole = put_path(at, ret, &size);

        strcpy(ret + size, whole ? "" : "…");
}
