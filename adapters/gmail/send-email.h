/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * gmail.send_email and gmail.create_draft: what the payload says, sent or kept to be sent by a
 * person.
 *
 * developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send
 * developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/create
 */

#include "action/adapter.h"

/* The functions of struct adapter_action. */
int send_email_check(const struct cJSON *payload, struct ae_error *error);
int send_email_build(const struct adapter_input *input, struct http_request *ret,
                     struct ae_error *error);
int send_email_interpret(const struct adapter_input *input, const struct http_response *response,
                         struct cJSON **ret_result, struct ae_error *error);

int create_draft_check(const struct cJSON *payload, struct ae_error *error);
int create_draft_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error);
int create_draft_interpret(const struct adapter_input *input, const struct http_response *response,
                           struct cJSON **ret_result, struct ae_error *error);
