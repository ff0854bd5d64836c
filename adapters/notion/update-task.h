/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * notion.update_task: PATCH /v1/pages/ID. Which property a field goes to is asked of the page's
 * data source; the trash needs none. developers.notion.com/reference/patch-page
 */

#include "action/adapter.h"

/* The functions of struct adapter_action. */
int update_task_check(const struct cJSON *payload, struct ae_error *error);
int update_task_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error);
int update_task_interpret(const struct adapter_input *input, const struct http_response *response,
                          struct cJSON **ret_result, struct ae_error *error);
