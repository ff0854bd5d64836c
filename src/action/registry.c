/* SPDX-License-Identifier: MIT */
#include "action/registry.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

struct registry {
        struct platform *platforms;
        size_t n_platforms;
};

static const char *const idempotency_names[] = {
        [IDEMPOTENCY_READ] = "read",
        [IDEMPOTENCY_IDEMPOTENT] = "idempotent",
        [IDEMPOTENCY_RECONCILABLE] = "reconcilable",
        [IDEMPOTENCY_UNREPEATABLE] = "unrepeatable",
};

static int load_schema(const char *platform, const char *what, const char *text,
                       struct schema **ret, struct ae_error *error) {
        char reason[SCHEMA_ERROR_SIZE];
        int r;

        r = schema_new(text, strlen(text), ret, reason);
        if (r == -EINVAL)
                (void)ae_error_set(error, AE_INTERNAL, "the %s schema of %s is wrong: %s", what,
                                   platform, reason);
        return r;
}

static int load_platform(struct platform *p, const struct adapter *adapter,
                         struct ae_error *error) {
        int r;

        p->adapter = adapter;
        p->base_url = strdup(adapter->base_url);
        p->actions = calloc(adapter->n_actions, sizeof(*p->actions));
        if (!p->base_url || !p->actions)
                return -ENOMEM;

        r = load_schema(adapter->platform, "credential", adapter->credential_schema,
                        &p->credential_schema, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < adapter->n_actions; i++) {
                struct action_type *t = &p->actions[i];

                t->platform = p;
                t->adapter = &adapter->actions[i];
                if ((t->adapter->idempotency == IDEMPOTENCY_RECONCILABLE) !=
                    (t->adapter->reconcile != NULL)) {
                        (void)ae_error_set(error, AE_INTERNAL,
                                           "%s.%s says either that it can be reconciled or how",
                                           adapter->platform, t->adapter->action_type);
                        return -EINVAL;
                }
                r = load_schema(adapter->platform, "payload", t->adapter->payload_schema,
                                &t->payload_schema, error);
                if (r < 0)
                        return r;
                r = load_schema(adapter->platform, "result", t->adapter->result_schema,
                                &t->result_schema, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void platform_done(struct platform *p) {
        for (size_t i = 0; p->actions && i < p->adapter->n_actions; i++) {
                schema_free(p->actions[i].payload_schema);
                schema_free(p->actions[i].result_schema);
        }
        free(p->actions);
        schema_free(p->credential_schema);
        free(p->base_url);
}

static int compare_platforms(const void *a, const void *b) {
        const struct adapter *const *x = a, *const *y = b;

        return strcmp((*x)->platform, (*y)->platform);
}

int registry_new(const struct adapter *const *list, struct registry **ret, struct ae_error *error) {
        _cleanup_(freep) const struct adapter **sorted = NULL;
        _cleanup_(registry_freep) struct registry *reg = NULL;
        size_t n = 0;
        int r;

        while (list[n])
                n++;

        reg = calloc(1, sizeof(*reg));
        sorted = calloc(n + 1, sizeof(*sorted));
        if (!reg || !sorted)
                return -ENOMEM;
        reg->platforms = calloc(n + 1, sizeof(*reg->platforms));
        if (!reg->platforms)
                return -ENOMEM;

        memcpy(sorted, list, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare_platforms);

        for (; reg->n_platforms < n; reg->n_platforms++) {
                struct platform *p = &reg->platforms[reg->n_platforms];

                r = load_platform(p, sorted[reg->n_platforms], error);
                if (r < 0) {
                        platform_done(p);
                        return r;
                }
        }

        *ret = TAKE_PTR(reg);
        return 0;
}

struct registry *registry_free(struct registry *reg) {
        if (!reg)
                return NULL;
        for (size_t i = 0; i < reg->n_platforms; i++)
                platform_done(&reg->platforms[i]);
        free(reg->platforms);
        free(reg);
        return NULL;
}

static struct platform *find_platform(const struct registry *reg, const char *name) {
        for (size_t i = 0; i < reg->n_platforms; i++)
                if (strcmp(reg->platforms[i].adapter->platform, name) == 0)
                        return &reg->platforms[i];
        return NULL;
}

int registry_set_base_url(struct registry *reg, const char *platform, const char *url) {
        struct platform *p = find_platform(reg, platform);
        size_t size = strlen(url);
        char *copy;

        if (!p)
                return -ENOENT;
        while (size > 0 && url[size - 1] == '/')
                size--;
        copy = strndup(url, size);
        if (!copy)
                return -ENOMEM;
        free(p->base_url);
        p->base_url = copy;
        return 0;
}

const struct platform *registry_platforms(const struct registry *reg, size_t *ret_n) {
        *ret_n = reg->n_platforms;
        return reg->platforms;
}

int registry_find_platform(const struct registry *reg, const char *platform,
                           const struct platform **ret, struct ae_error *error) {
        const struct platform *p = find_platform(reg, platform);
        struct buffer names = { 0 };
        int r;

        if (p) {
                *ret = p;
                return 0;
        }

        for (size_t i = 0; i < reg->n_platforms; i++)
                buffer_printf(&names, "%s%s", i > 0 ? ", " : "",
                              reg->platforms[i].adapter->platform);
        r = ae_error_set(error, AE_UNSUPPORTED_PLATFORM,
                         "there is no platform '%.64s'; there are: %s", platform,
                         names.data ? names.data : "none");
        buffer_done(&names);
        return r;
}

int registry_find_action(const struct registry *reg, const char *platform, const char *action_type,
                         const struct action_type **ret, struct ae_error *error) {
        const struct platform *p;
        struct buffer names = { 0 };
        int r;

        r = registry_find_platform(reg, platform, &p, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < p->adapter->n_actions; i++) {
                if (strcmp(p->adapter->actions[i].action_type, action_type) == 0) {
                        buffer_done(&names);
                        *ret = &p->actions[i];
                        return 0;
                }
                buffer_printf(&names, "%s%s", i > 0 ? ", " : "",
                              p->adapter->actions[i].action_type);
        }

        r = ae_error_set(error, AE_UNSUPPORTED_ACTION, "%s has no action '%.64s'; there are: %s",
                         p->adapter->platform, action_type, names.data ? names.data : "none");
        buffer_done(&names);
        return r;
}

static void describe_string(const char *name, const char *value, struct buffer *to) {
        buffer_printf(to, "\"%s\":", name);
        json_print_string(value, strlen(value), to);
        buffer_putc(to, ',');
}

static void describe_action(const struct action_type *t, struct buffer *to) {
        buffer_putc(to, '{');
        describe_string("platform", t->platform->adapter->platform, to);
        describe_string("action_type", t->adapter->action_type, to);
        describe_string("title", t->adapter->title, to);
        describe_string("description", t->adapter->description, to);
        describe_string("idempotency", idempotency_names[t->adapter->idempotency], to);

        buffer_puts(to, "\"oauth_scopes\":[");
        for (const char *const *scope = t->adapter->oauth_scopes; *scope; scope++) {
                if (scope > t->adapter->oauth_scopes)
                        buffer_putc(to, ',');
                json_print_string(*scope, strlen(*scope), to);
        }
        buffer_puts(to, "],\"payload_schema\":");
        json_print(schema_json(t->payload_schema), to);
        buffer_puts(to, ",\"result_schema\":");
        json_print(schema_json(t->result_schema), to);
        buffer_putc(to, '}');
}

void registry_describe(const struct registry *reg, const struct platform *platform,
                       struct buffer *to) {
        const char *separator = "";

        buffer_putc(to, '[');
        for (size_t i = 0; i < reg->n_platforms; i++) {
                const struct platform *p = &reg->platforms[i];

                if (platform && p != platform)
                        continue;
                for (size_t k = 0; k < p->adapter->n_actions; k++) {
                        buffer_puts(to, separator);
                        describe_action(&p->actions[k], to);
                        separator = ",";
                }
        }
        buffer_putc(to, ']');
}
