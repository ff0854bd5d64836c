/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the handlers of operations share. Each handler returns 0 with call->result filled;
 * CALL_PENDING; or a negative errno with `error` set. What must hold before it is called is a
 * column of the table in ops.c.
 */

#include "engine/client.h"

int op_auth_status(struct call *call, struct ae_error *error);
int op_auth_token(struct call *call, struct ae_error *error);
int op_authenticate(struct call *call, struct ae_error *error);
int op_health(struct call *call, struct ae_error *error);
int op_hello(struct call *call, struct ae_error *error);
int op_list_actions(struct call *call, struct ae_error *error);
int op_perform_action(struct call *call, struct ae_error *error);
int op_ping(struct call *call, struct ae_error *error);

/* The request's, or what stands for it when it names none. Borrowed. */
const char *call_account(const struct call *call);
const char *call_user(const struct call *call);

/* Writes `separator`, then the member; a time as RFC 3339. */
void op_add_string(struct buffer *to, const char *separator, const char *name, const char *value);
void op_add_time(struct buffer *to, const char *separator, const char *name,
                 uint64_t realtime_usec);
