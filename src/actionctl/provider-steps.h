/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a person does at a provider so that there is an app: in order, with what is to be entered,
 * and what bites later. Data, and how it is printed. Pure.
 */

#include <stdbool.h>

#include "base/buffer.h"

struct provider_step;

struct provider_kind {
        const char *name; /* a profile's (oauth/app.h) */
        const char *title;
        const char *redirect;          /* unless another is chosen; NULL: none has to be entered */
        const char *scope_prefixes[3]; /* of the scopes that are this provider's; NULL-terminated */
        bool needs_issuer;
        bool needs_secret;
        const struct provider_step *steps;
        const char *const *warnings; /* NULL-terminated */
};

const struct provider_kind *provider_kind_find(const char *name);
/* "google, notion, oidc, slack" */
const char *provider_kind_names(void);

/* Whether a scope of an action is one of this provider's. */
bool provider_kind_has_scope(const struct provider_kind *k, const char *scope);

/* `redirect` NULL: none is entered. `scopes` is NULL-terminated; empty: not known. */
void provider_steps_print(const struct provider_kind *k, const char *redirect,
                          const char *const *scopes, struct buffer *to);
void provider_warnings_print(const struct provider_kind *k, struct buffer *to);
