/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One request to the engine, from connecting to the exit code.
 */

#include "actionctl/ctl.h"
#include "actionctl/request.h"

enum call_flags {
        CALL_ACTS = 1 << 0,  /* to lose the connection is not to know what happened */
        CALL_QUICK = 1 << 1, /* the engine answers by itself, so it answers soon */
};

#define CALL_ID "call"
/* The largest line that any engine takes or sends. */
#define CALL_MAX_LINE ((size_t)64 << 20)

/* Begins a request of this op. */
void call_begin(struct request *q, const char *op);

/*
 * Authenticates if there is a token, sends the request and waits for its answer. With --json the
 * line is printed; else print() gets the response if it is no error. Failures are told here.
 * Returns the exit code, which is print()'s on success.
 */
int call_engine(const struct ctl *ctl, struct request *q, unsigned flags,
                int (*print)(const struct ctl *ctl, const cJSON *response));
