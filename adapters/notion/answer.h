/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What Notion answers. developers.notion.com/reference/status-codes
 */

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "action/adapter.h"

/*
 * Reads an answer: 0 and its body for 2xx, or a negative errno and what went wrong in `error`. The
 * caller owns *ret_body, which is NULL when it is no JSON. `repeatable` is whether a second request
 * would do no harm.
 */
int notion_answer(const struct adapter_input *input, const struct http_response *response,
                  bool repeatable, cJSON **ret_body, struct ae_error *error);

/* For a 2xx without what it must hold: tells `upstream_error`. */
int notion_unclear(const struct http_response *response, const char *lacks, struct ae_error *error);
