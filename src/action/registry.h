/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which platforms and actions there are: the adapters' tables, with their schemas loaded and their
 * addresses configured. It does not change after the start.
 */

#include <stddef.h>

#include "action/adapter.h"
#include "action/schema.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"

struct registry;

struct platform {
        const struct adapter *adapter;
        char *base_url;
        struct schema *credential_schema;
        struct action_type *actions; /* adapter->n_actions of them */
};

struct action_type {
        const struct platform *platform;
        const struct adapter_action *adapter;
        struct schema *payload_schema;
        struct schema *result_schema;
};

/*
 * Loads a NULL-terminated list of adapters. The caller owns *ret. Returns 0, -ENOMEM, or -EINVAL
 * for an adapter that contradicts itself, told in `error`.
 */
int registry_new(const struct adapter *const *list, struct registry **ret, struct ae_error *error);
struct registry *registry_free(struct registry *r);
DEFINE_CLEANUP(struct registry *, registry_free);

/* Sends a platform's requests elsewhere (a test upstream). 0, -ENOENT (no such platform), -ENOMEM. */
int registry_set_base_url(struct registry *r, const char *platform, const char *url);

/* All platforms, in the order of their names. Borrowed. */
const struct platform *registry_platforms(const struct registry *r, size_t *ret_n);

/* Each returns 0, or a negative errno with `error` saying what there is instead. Borrowed. */
int registry_find_platform(const struct registry *r, const char *platform,
                           const struct platform **ret, struct ae_error *error);
int registry_find_action(const struct registry *r, const char *platform, const char *action_type,
                         const struct action_type **ret, struct ae_error *error);

/* Appends the JSON array of list_actions; `platform` may be NULL for all. */
void registry_describe(const struct registry *r, const struct platform *platform,
                       struct buffer *to);
