/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * gmail.send_email: users.messages.send, in one of three forms.
 *
 *     small                  JSON with the message in `raw`, as base64url
 *     large                  the message itself, uploadType=media
 *     large, in a thread     multipart/related of JSON and the message, uploadType=multipart
 *
 * A large one is written once, where it leaves from. There are resumable uploads as well, and they
 * are left out: an action is sent by one request with one outcome, and an upload that was begun,
 * may be complete and can be gone on with is a state in between that nobody could be told about.
 *
 * developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send
 * developers.google.com/workspace/gmail/api/guides/uploads
 */

#include "action/adapter.h"

/* The functions of struct adapter_action. */
int send_email_check(const struct cJSON *payload, struct ae_error *error);
int send_email_build(const struct adapter_input *input, struct http_request *ret,
                     struct ae_error *error);
int send_email_interpret(const struct adapter_input *input, const struct http_response *response,
                         struct cJSON **ret_result, struct ae_error *error);
