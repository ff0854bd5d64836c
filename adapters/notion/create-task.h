/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * notion.create_task: POST /v1/pages in a data source, once that is found and its properties are
 * known. developers.notion.com/reference/post-page
 */

#include "action/adapter.h"

/* The functions of struct adapter_action. */
int create_task_check(const struct cJSON *payload, struct ae_error *error);
int create_task_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error);
int create_task_interpret(const struct adapter_input *input, const struct http_response *response,
                          struct cJSON **ret_result, struct ae_error *error);
