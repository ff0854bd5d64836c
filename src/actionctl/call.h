/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One request to the engine, or to the vault itself, from connecting to the exit code.
 */

#include "actionctl/ctl.h"
#include "actionctl/request.h"

enum call_flags {
        CALL_ACTS = 1 << 0,   /* to lose the connection is not to know what happened */
        CALL_QUICK = 1 << 1,  /* the engine answers by itself, so it answers soon */
        CALL_SILENT = 1 << 2, /* its answer is not shown with --json */
        CALL_TRY = 1 << 3,    /* when nobody answers, that is no fault */
        CALL_VAULT = 1 << 4,  /* goes to the embedded vault's own socket, without a token */
};

#define CALL_ID "call"
/* The largest line that any engine takes or sends. */
#define CALL_MAX_LINE ((size_t)64 << 20)

/* Begins a request of this op. */
void call_begin(struct request *q, const char *op);

/*
 * Authenticates if there is a token, sends the request and waits for its answer. With --json the
 * line is printed. Returns 0 with *ret, which the caller owns and which may say no, or tells what
 * went wrong and returns an exit code.
 */
int call_ask(const struct ctl *ctl, struct request *q, unsigned flags, cJSON **ret);

/* Whether it says anything but that it went well. */
bool call_failed(const cJSON *response);

/*
 * The same to its end: without --json print() gets the response if it is no error. Failures are
 * told here. Returns the exit code, which is print()'s on success.
 */
int call_engine(const struct ctl *ctl, struct request *q, unsigned flags,
                int (*print)(const struct ctl *ctl, const cJSON *response));
