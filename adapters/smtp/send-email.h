/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * smtp.send_email: the e-mail as gmail.send_email has it, handed to the mail server of the user's
 * mailbox (RFC 6409). The envelope has everybody, the header all but bcc.
 */

#include "action/adapter.h"

/* The functions of struct adapter_action. */
int smtp_send_email_check(const struct cJSON *payload, struct ae_error *error);
int smtp_send_email_build(const struct adapter_input *input, struct http_request *ret,
                          struct ae_error *error);
int smtp_send_email_interpret(const struct adapter_input *input,
                              const struct http_response *response, struct cJSON **ret_result,
                              struct ae_error *error);
