/* SPDX-License-Identifier: MIT */
#include "gmail/send-email.h"

#include "email/email.h"
#include "gmail/outgoing.h"

static int build(const struct outgoing *o, const struct adapter_input *input,
                 struct http_request *ret, struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };
        int r;

        r = outgoing_read(o, input->payload, &e, error);
        return r < 0 ? r : outgoing_build(o, input, &e, ret, error);
}

int send_email_check(const struct cJSON *payload, struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };

        return email_read(payload, &e, error);
}

int send_email_build(const struct adapter_input *input, struct http_request *ret,
                     struct ae_error *error) {
        return build(&outgoing_message, input, ret, error);
}

int send_email_interpret(const struct adapter_input *input, const struct http_response *response,
                         struct cJSON **ret_result, struct ae_error *error) {
        return outgoing_interpret(&outgoing_message, input, response, ret_result, error);
}

int create_draft_check(const struct cJSON *payload, struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };

        return email_read_draft(payload, &e, error);
}

int create_draft_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error) {
        return build(&outgoing_draft, input, ret, error);
}

int create_draft_interpret(const struct adapter_input *input, const struct http_response *response,
                           struct cJSON **ret_result, struct ae_error *error) {
        return outgoing_interpret(&outgoing_draft, input, response, ret_result, error);
}
