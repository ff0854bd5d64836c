/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Requests to Notion's API, in the one version that this adapter speaks.
 */

#include <stdbool.h>

#include "action/adapter.h"

/* A UUID, with its dashes or without: all that Notion calls things by, and one path segment. */
bool notion_is_id(const char *text);

/*
 * Begins GET /v1/COLLECTION/ID, which only reads. Returns 0, or a negative errno with `error`
 * filled.
 */
int notion_get(const struct adapter_input *input, const char *collection, const char *id,
               struct http_request *ret, struct ae_error *error);

/*
 * Begins a request with a JSON body, which the caller has written into ret->body, to
 * /v1/COLLECTION[/ID[/REST]]; `id` and `rest` may be NULL. As notion_get().
 */
int notion_send(const struct adapter_input *input, const char *method, const char *collection,
                const char *id, const char *rest, struct http_request *ret, struct ae_error *error);
