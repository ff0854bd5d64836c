/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * gmail.reply: an answer, in up to three steps.
 *
 *      users.getProfile      with reply_all: who oneself is
 *      users.messages.get    format=metadata: whom to answer, the subject, the conversation
 *      users.messages.send   see gmail/outgoing.h
 *
 * What the message says of itself was written by a stranger. It becomes a payload of send_email, so
 * that it passes every gate that a client's words pass.
 */

#include "action/adapter.h"

/* The functions of struct adapter_action. */
int reply_check(const struct cJSON *payload, struct ae_error *error);
/* explain.c: `message_id` and `reply_all`. Whom it reaches, Gmail tells only later. */
int reply_explain(const struct cJSON *payload, struct adapter_explanation *ret);
int reply_build(const struct adapter_input *input, struct http_request *ret,
                struct ae_error *error);
int reply_interpret(const struct adapter_input *input, const struct http_response *response,
                    struct cJSON **ret_result, struct ae_error *error);
