/* SPDX-License-Identifier: MIT */
#include "actionctl/payload-args.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/payload-key.h"

struct pair {
        const char *key; /* not terminated */
        size_t key_size;
        const char *value;
        bool raw; /* `:=` */
        struct payload_key path;
};

struct reading {
        struct pair *pairs;
        size_t n;
        payload_load_fn *load;
        void *userdata;
};

static void reading_done(struct reading *r) {
        for (size_t i = 0; r->pairs && i < r->n; i++)
                payload_key_done(&r->pairs[i].path);
        free(r->pairs);
}

/* By way of the strict parser, so that what is accepted here the engine accepts. */
int payload_string(const char *text, size_t size, cJSON **ret, struct json_fault *ret_fault) {
        _cleanup_(buffer_done) struct buffer quoted = { 0 };
        int r;

        json_print_string(text, size, &quoted);
        r = buffer_error(&quoted);
        if (r < 0)
                return r;
        return json_parse(quoted.data, quoted.size, ret, ret_fault);
}

static int split(const char *argument, struct pair *ret, char *error) {
        const char *equals = strchr(argument, '=');
        bool raw = equals && equals > argument && equals[-1] == ':';
        struct json_fault fault = { 0 };
        _cleanup_(json_freep) cJSON *key = NULL;
        int r;

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
        r = payload_string(ret->key, ret->key_size, &key, &fault);
        if (r == -EBADMSG) {
                snprintf(error, PAYLOAD_ERROR_SIZE, "the name of a field is no valid text: %s",
                         fault.reason);
                return -EINVAL;
        }
        return r < 0 ? r : payload_key_parse(ret->key, ret->key_size, &ret->path, error);
}

/* Who adds an element means another one each time. */
static bool same_key(const struct pair *a, const struct pair *b) {
        return !payload_key_appends(&a->path) && a->key_size == b->key_size &&
               memcmp(a->key, b->key, a->key_size) == 0;
}

static int parse_value(const struct reading *reading, const struct pair *p, cJSON **ret,
                       char *error) {
        const char *text = p->value;
        struct json_fault fault = { 0 };
        int r;

        if (!p->raw && text[0] == '@' && text[1] != '@')
                return reading->load(text + 1, &p->path, reading->userdata, ret, error);
        if (p->raw)
                r = json_parse(text, strlen(text), ret, &fault);
        else {
                text += text[0] == '@';
                r = payload_string(text, strlen(text), ret, &fault);
        }
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
static int gather(const struct reading *reading, size_t first, cJSON **ret, char *error) {
        _cleanup_(json_freep) cJSON *value = NULL, *list = NULL;
        const struct pair *pairs = reading->pairs;
        int r;

        r = parse_value(reading, &pairs[first], &value, error);
        if (r < 0)
                return r;

        for (size_t i = first + 1; i < reading->n; i++) {
                cJSON *next;

                if (!same_key(&pairs[i], &pairs[first]))
                        continue;
                r = parse_value(reading, &pairs[i], &next, error);
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

static int add_field(const struct reading *reading, size_t i, cJSON *payload, char *error) {
        _cleanup_(json_freep) cJSON *value = NULL;
        int r;

        r = gather(reading, i, &value, error);
        if (r < 0)
                return r;
        r = payload_key_put(&reading->pairs[i].path, payload, value, error);
        if (r == 0)
                TAKE_PTR(value);
        return r;
}

int payload_from_arguments(char *const *arguments, size_t n, payload_load_fn *load, void *userdata,
                           cJSON **ret, char error[static PAYLOAD_ERROR_SIZE]) {
        _cleanup_(reading_done) struct reading reading = { .load = load, .userdata = userdata };
        _cleanup_(json_freep) cJSON *payload = cJSON_CreateObject();
        int r;

        if (n > PAYLOAD_MAX_ARGUMENTS) {
                snprintf(error, PAYLOAD_ERROR_SIZE, "there are more than %d fields",
                         PAYLOAD_MAX_ARGUMENTS);
                return -EINVAL;
        }
        reading.pairs = calloc(n + 1, sizeof(*reading.pairs));
        if (!reading.pairs || !payload)
                return -ENOMEM;

        for (; reading.n < n; reading.n++) {
                r = split(arguments[reading.n], &reading.pairs[reading.n], error);
                if (r < 0) {
                        payload_key_done(&reading.pairs[reading.n].path);
                        return r;
                }
        }
        for (size_t i = 0; i < n; i++) {
                if (came_before(reading.pairs, i))
                        continue;
                r = add_field(&reading, i, payload, error);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(payload);
        return 0;
}
