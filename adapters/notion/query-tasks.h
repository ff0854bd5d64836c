/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * notion.query_tasks: POST /v1/data_sources/ID/query, which only reads.
 * developers.notion.com/reference/query-a-data-source
 */

#include "action/adapter.h"

/* The functions of struct adapter_action. */
int query_tasks_check(const struct cJSON *payload, struct ae_error *error);
int query_tasks_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error);
int query_tasks_interpret(const struct adapter_input *input, const struct http_response *response,
                          struct cJSON **ret_result, struct ae_error *error);
