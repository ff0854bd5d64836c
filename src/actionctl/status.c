/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <stdio.h>

#include "actionctl/call.h"
#include "actionctl/output.h"

static int print_alive(const struct ctl *ctl, const cJSON *response) {
        puts("The engine answers.");
        return CTL_SUCCESS;
}

static int print_health(const struct ctl *ctl, const cJSON *response) {
        output_value(json_member(response, "result"));
        return CTL_SUCCESS;
}

int ctl_ping(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "ping");
        return call_engine(ctl, &q, CALL_QUICK, print_alive);
}

int ctl_health(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "health");
        return call_engine(ctl, &q, CALL_QUICK, print_health);
}
