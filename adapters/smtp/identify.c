/* SPDX-License-Identifier: MIT */
#include "smtp/identify.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "smtp/answer.h"
#include "smtp/mailbox.h"

#define MAX_IDENTITY 256

static int build(const struct adapter_input *input, struct http_request *ret,
                 struct ae_error *error) {
        _cleanup_(mailbox_done) struct mailbox own = { 0 };
        int r;

        ret->repeatable = true;
        r = smtp_mailbox_read(input->credential, &ret->mail, &own);
        if (r < 0)
                return ae_error_from_errno(error, r);
        ret->mail->login_alone = true;
        return smtp_mailbox_describe(ret);
}

static int interpret(const struct adapter_input *input, const struct http_response *response,
                     struct cJSON **ret_result, struct ae_error *error) {
        _cleanup_(smtp_envelope_freep) struct smtp_envelope *e = NULL;
        _cleanup_(mailbox_done) struct mailbox own = { 0 };
        _cleanup_(json_freep) cJSON *result = NULL;
        int r;

        if (!response->mail->accepted)
                return smtp_answer_refusal(input, response->mail, error);
        r = smtp_mailbox_read(input->credential, &e, &own);
        if (r < 0)
                return ae_error_from_errno(error, r);
        result = cJSON_CreateObject();
        if (!result || (strlen(e->username) <= MAX_IDENTITY &&
                        !cJSON_AddStringToObject(result, "identity", e->username)))
                return ae_error_from_errno(error, -ENOMEM);
        *ret_result = TAKE_PTR(result);
        return 0;
}

const struct adapter_identify smtp_identify = {
        .build = build,
        .interpret = interpret,
        .brings_credential = true,
};
