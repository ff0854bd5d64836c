/* SPDX-License-Identifier: MIT */
#include "actionctl/payload-key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static int refuse(const char *text, size_t size, const char *why, char *error) {
        snprintf(error, PAYLOAD_ERROR_SIZE, "'%.*s' is no name of a field: %s", (int)size, text,
                 why);
        return -EINVAL;
}

void payload_key_done(struct payload_key *key) {
        for (size_t i = 0; i < key->n; i++)
                free(key->parts[i].name);
        *key = (struct payload_key){ 0 };
}

bool payload_key_appends(const struct payload_key *key) {
        for (size_t i = 0; i < key->n; i++)
                if (!key->parts[i].name && key->parts[i].index < 0)
                        return true;
        return false;
}

/* Reads a member's name at *p. Returns 0, -ENOMEM or -EINVAL when it is empty. */
static int read_name(const char **p, const char *end, struct payload_part *ret) {
        _cleanup_(buffer_done) struct buffer name = { 0 };

        for (; *p < end && **p != '.' && **p != '['; (*p)++) {
                if (**p == '\\' && *p + 1 < end && strchr(".[\\", (*p)[1]))
                        (*p)++;
                buffer_putc(&name, **p);
        }
        if (name.size == 0 && buffer_error(&name) == 0)
                return -EINVAL;
        return buffer_take(&name, &ret->name, NULL);
}

/* Reads [N] or [] at *p. Returns 0 or -EINVAL. */
static int read_index(const char **p, const char *end, struct payload_part *ret) {
        int n = 0;

        (*p)++;
        ret->index = *p < end && **p == ']' ? -1 : 0;
        for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
                n = n * 10 + (**p - '0');
                if (n > PAYLOAD_MAX_INDEX)
                        return -EINVAL;
        }
        if (*p == end || **p != ']' || (ret->index == 0 && (*p)[-1] == '['))
                return -EINVAL;
        (*p)++;
        if (ret->index == 0)
                ret->index = n;
        return 0;
}

int payload_key_parse(const char *text, size_t size, struct payload_key *ret,
                      char error[static PAYLOAD_ERROR_SIZE]) {
        const char *p = text, *end = text + size;
        int r;

        while (ret->n == 0 || p < end) {
                struct payload_part *part = &ret->parts[ret->n];

                if (ret->n == PAYLOAD_MAX_PARTS)
                        return refuse(text, size, "it leads too deep", error);
                *part = (struct payload_part){ 0 };
                if (ret->n > 0 && *p == '[')
                        r = read_index(&p, end, part);
                else if (ret->n > 0 && *p++ != '.')
                        r = -EINVAL;
                else
                        r = read_name(&p, end, part);
                if (r == -EINVAL)
                        return refuse(text, size, "write a, a.b, a[0] or a[].b", error);
                if (r < 0)
                        return r;
                ret->n++;
        }
        return 0;
}

static cJSON *find(cJSON *at, const struct payload_part *part) {
        if (part->name)
                return cJSON_GetObjectItemCaseSensitive(at, part->name);
        return part->index >= 0 ? cJSON_GetArrayItem(at, part->index) : NULL;
}

/* Takes over `item` on success. */
static int add(cJSON *at, const struct payload_part *part, cJSON *item) {
        bool added = part->name ? cJSON_AddItemToObject(at, part->name, item)
                                : cJSON_AddItemToArray(at, item);

        return added ? 0 : -ENOMEM;
}

/* The part as one would write it. */
static const char *spell(const struct payload_part *part, char ret[static 64]) {
        if (part->name)
                snprintf(ret, 64, "%.60s", part->name);
        else
                snprintf(ret, 64, "[%d]", part->index);
        return ret;
}

/* Whether there can be such a part in it: of its kind, and behind those before it. */
static int check_place(const cJSON *at, const struct payload_part *part, char *error) {
        char text[64];

        if (part->name ? !cJSON_IsObject(at) : !cJSON_IsArray(at)) {
                snprintf(error, PAYLOAD_ERROR_SIZE, "'%s' is no part of what it was before: %s",
                         spell(part, text), part->name ? "that is no object" : "that is no array");
                return -EINVAL;
        }
        if (!part->name && part->index > cJSON_GetArraySize(at)) {
                snprintf(error, PAYLOAD_ERROR_SIZE,
                         "[%d] comes before [%d]: elements come in order", part->index,
                         cJSON_GetArraySize(at));
                return -EINVAL;
        }
        return 0;
}

static int step(const struct payload_key *key, size_t i, cJSON **at, char *error) {
        cJSON *next;
        int r;

        r = check_place(*at, &key->parts[i], error);
        if (r < 0)
                return r;
        next = find(*at, &key->parts[i]);
        if (!next) {
                next = key->parts[i + 1].name ? cJSON_CreateObject() : cJSON_CreateArray();
                r = next ? add(*at, &key->parts[i], next) : -ENOMEM;
                if (r < 0) {
                        cJSON_Delete(next);
                        return r;
                }
        }
        *at = next;
        return 0;
}

int payload_key_put(const struct payload_key *key, cJSON *payload, cJSON *value,
                    char error[static PAYLOAD_ERROR_SIZE]) {
        const struct payload_part *last = &key->parts[key->n - 1];
        cJSON *at = payload;
        char text[64];
        int r;

        for (size_t i = 0; i + 1 < key->n; i++) {
                r = step(key, i, &at, error);
                if (r < 0)
                        return r;
        }
        r = check_place(at, last, error);
        if (r < 0)
                return r;
        if (find(at, last)) {
                snprintf(error, PAYLOAD_ERROR_SIZE, "'%s' was given before, in another way",
                         spell(last, text));
                return -EINVAL;
        }
        return add(at, last, value);
}
