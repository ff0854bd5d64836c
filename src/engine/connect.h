/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * From an app to a login that has begun: which scopes are asked for, where the person is sent.
 * Knows no connection and no vault.
 */

#include "base/error.h"
#include "base/json-scan.h"
#include "engine/flows.h"

struct adapter;
struct adapter_action;
struct cJSON;

#define CONNECT_MAX_SCOPES 64
#define CONNECT_MAX_SCOPE 256 /* bytes */

/*
 * What a login asks for unless it is told: the first scope of each action, each once, without those
 * on request but that of `wanted` (which may be NULL). As all scopes here they are one text,
 * separated by spaces. The caller owns *ret. Returns 0 or -ENOMEM.
 */
int connect_usual_scopes(const struct adapter *adapter, const struct adapter_action *wanted,
                         char **ret);

/*
 * Reads a scanned array of scope tokens (RFC 6749 §3.3), at least one. The caller owns *ret.
 * Returns 0, -ENOMEM, or invalid_request.
 */
int connect_read_scopes(const struct json_slice *array, char **ret, struct ae_error *error);

/* Those of `asked` that an array of strings does not hold, as the caller's array in *ret. 0, -ENOMEM. */
int connect_missing_scopes(const char *asked, const struct cJSON *granted, struct cJSON **ret);

/* What is to be connected, and how. All borrowed. */
struct connect {
        struct flow_owner owner;
        const char *provider; /* static text */
        const char *scopes;
        const char *redirect_uri; /* NULL: the app's */
        bool is_link;
};

/*
 * Begins a login in the browser. `app` is what vault_find_provider() told. *ret is in the table.
 * Returns 0, -ENOMEM, or a negative errno with `error` set: invalid_request for a redirect that the
 * app does not allow, overloaded, internal.
 */
int connect_begin(struct flows *flows, const struct connect *how, const struct cJSON *app,
                  const struct flow **ret, struct ae_error *error);

/*
 * Begins one on another device. `facts` is what vault_start_device() told. As connect_begin(), but
 * for the redirect.
 */
int connect_begin_device(struct flows *flows, const struct connect *how, const struct cJSON *facts,
                         const struct flow **ret, struct ae_error *error);
