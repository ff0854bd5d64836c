/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <stdio.h>

#include "actionctl/call.h"
#include "actionctl/input.h"
#include "actionctl/output.h"

#define CREDENTIAL_MAX ((size_t)64 << 10)

static int print_stored(const struct ctl *ctl, const cJSON *response) {
        puts("The credential is stored.");
        output_value(json_member(response, "result"));
        return CTL_SUCCESS;
}

int ctl_auth_token(const struct ctl *ctl) {
        _cleanup_(secret_freep) struct secret *credential = NULL;
        _cleanup_(request_done) struct request q = { 0 };
        int r;

        r = input_secret_json(ctl->credential, CREDENTIAL_MAX, &credential);
        if (r != 0)
                return r;
        call_begin(&q, "auth_token");
        request_string(&q, "platform", ctl->arguments[0]);
        request_string(&q, "user_id", ctl->user);
        request_string(&q, "account", ctl->account);
        request_secret_text(&q, "credential", credential->data, credential->size);
        return call_engine(ctl, &q, 0, print_stored);
}
