/* SPDX-License-Identifier: MIT */
#include "actionctl/payload-args.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct pair {
        const char *key; /* not terminated */
        size_t key_size;
        const char *value;
        bool raw; /* `:=` */
};

static int split(const char *argument, struct pair *ret, char *error) {
        const char *equals = strchr(argument, '=');
        bool raw = equals && equals > argument && equals[-1] == ':';

        if (!equals || equals == argument + raw) {
                snprintf(error, PAYLOAD_ERROR_SIZE,
                         "'%s' is no field of a payload: write KEY=TEXT, or KEY:=JSON", argument);
                return -EINVAL;
        }
        *ret = (struct pair){
                .key = argument,
                .key_size = (size_t)(equals - argument) - raw,
                .value = equals + 1,
                .raw = raw,
        };
        return 0;
}

static bool same_key(const struct pair *a, const struct pair *b) {
        return a->key_size == b->key_size && memcmp(a->key, b->key, a->key_size) == 0;
}

/* By way of the strict parser, so that what is accepted here the engine accepts. */
static int parse_string(const char *text, size_t size, cJSON **ret, struct json_fault *fault) {
        _cleanup_(buffer_done) struct buffer quoted = { 0 };
        int r;

        json_print_string(text, size, &quoted);
        r = buffer_error(&quoted);
        if (r < 0)
                return r;
        return json_parse(quoted.data, quoted.size, ret, fault);
}

static int parse_value(const struct pair *p, cJSON **ret, char *error) {
        struct json_fault fault = { 0 };
        int r;

        if (p->raw)
                r = json_parse(p->value, strlen(p->value), ret, &fault);
        else
                r = parse_string(p->value, strlen(p->value), ret, &fault);
        if (r != -EBADMSG)
                return r;
        snprintf(error, PAYLOAD_ERROR_SIZE, "the value of '%.*s' is %s: %s", (int)p->key_size,
                 p->key, p->raw ? "no JSON (for a text write = instead of :=)" : "no valid text",
                 fault.reason);
        return -EINVAL;
}

/* An array of what is in *first, which is taken over. NULL when memory is out. */
static cJSON *new_list(cJSON **first) {
        cJSON *list = cJSON_CreateArray();

        if (list)
                cJSON_AddItemToArray(list, TAKE_PTR(*first));
        return list;
}

/* The value of a key: the only one, or an array of all. `first` is where it comes first. */
static int gather(const struct pair *pairs, size_t n, size_t first, cJSON **ret, char *error) {
        _cleanup_(json_freep) cJSON *value = NULL, *list = NULL;
        int r;

        r = parse_value(&pairs[first], &value, error);
        if (r < 0)
                return r;

        for (size_t i = first + 1; i < n; i++) {
                cJSON *next;

                if (!same_key(&pairs[i], &pairs[first]))
                        continue;
                r = parse_value(&pairs[i], &next, error);
                if (r < 0)
                        return r;
                if (!list)
                        list = new_list(&value);
                if (!list || !cJSON_AddItemToArray(list, next)) {
                        cJSON_Delete(next);
                        return -ENOMEM;
                }
        }
        *ret = list ? TAKE_PTR(list) : TAKE_PTR(value);
        return 0;
}

static bool came_before(const struct pair *pairs, size_t i) {
        for (size_t k = 0; k < i; k++)
                if (same_key(&pairs[k], &pairs[i]))
                        return true;
        return false;
}

static int add_field(const struct pair *pairs, size_t n, size_t i, cJSON *payload, char *error) {
        _cleanup_(json_freep) cJSON *key = NULL, *value = NULL;
        struct json_fault fault = { 0 };
        int r;

        r = parse_string(pairs[i].key, pairs[i].key_size, &key, &fault);
        if (r == -EBADMSG) {
                snprintf(error, PAYLOAD_ERROR_SIZE, "the name of a field is no valid text: %s",
                         fault.reason);
                return -EINVAL;
        }
        if (r < 0)
                return r;
        r = gather(pairs, n, i, &value, error);
        if (r < 0)
                return r;
        if (!cJSON_AddItemToObject(payload, key->valuestring, value))
                return -ENOMEM;
        TAKE_PTR(value);
        return 0;
}

int payload_from_arguments(char *const *arguments, size_t n, cJSON **ret,
                           char error[static PAYLOAD_ERROR_SIZE]) {
        _cleanup_(freep) struct pair *pairs = NULL;
        _cleanup_(json_freep) cJSON *payload = NULL;
        int r;

        pairs = calloc(n + 1, sizeof(*pairs));
        payload = cJSON_CreateObject();
        if (!pairs || !payload)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++) {
                r = split(arguments[i], &pairs[i], error);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n; i++) {
                if (came_before(pairs, i))
                        continue;
                r = add_field(pairs, n, i, payload, error);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(payload);
        return 0;
}
