/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the handlers of operations share. Each handler returns 0 with call->result filled;
 * CALL_PENDING; or a negative errno with `error` set. What must hold before it is called is a
 * column of the table in ops.c.
 */

#include "engine/client.h"

int op_approve(struct call *call, struct ae_error *error);
int op_auth_callback(struct call *call, struct ae_error *error);
int op_auth_revoke(struct call *call, struct ae_error *error);
int op_auth_start(struct call *call, struct ae_error *error);
int op_auth_status(struct call *call, struct ae_error *error);
int op_auth_token(struct call *call, struct ae_error *error);
int op_authenticate(struct call *call, struct ae_error *error);
int op_deny(struct call *call, struct ae_error *error);
int op_health(struct call *call, struct ae_error *error);
int op_hello(struct call *call, struct ae_error *error);
int op_list_actions(struct call *call, struct ae_error *error);
int op_list_approvals(struct call *call, struct ae_error *error);
int op_login(struct call *call, struct ae_error *error);
int op_perform_action(struct call *call, struct ae_error *error);
int op_ping(struct call *call, struct ae_error *error);

/* The request's, or what stands for it when it names none. Borrowed. */
const char *call_account(const struct call *call);
const char *call_user(const struct call *call);

/* Writes `separator`, then the member; a time as RFC 3339. */
void op_add_string(struct buffer *to, const char *separator, const char *name, const char *value);
void op_add_time(struct buffer *to, const char *separator, const char *name,
                 uint64_t realtime_usec);

/*
 * audit-token.c: auth_verify() of the request's token, and auth_still_valid(); for what is refused
 * there is an entry in the journal, as far as there is room for it. Each returns what those do.
 */
int op_verify_token(struct call *call, struct identity **ret, struct ae_error *error);
int op_check_identity(struct call *call, const struct identity *id, struct ae_error *error);

/* The platform of the request, if its accounts are the caller's to authorise. 0 or -errno. */
int op_find_platform(struct call *call, const struct platform **ret, struct ae_error *error);

/* Tells not_found and how to register an app. Returns its errno. */
int op_no_app(const struct engine *e, const char *provider, struct ae_error *error);

/* Whose login it is, for engine/flows.h. Borrowed from the call. */
struct flow_owner op_flow_owner(const struct call *call);

/*
 * start-link.c: ends a call with the action's error; if that is for want of a credential, with the
 * way to one in its details.
 */
void op_fail_with_link(struct call *call, struct ae_error *error);

/* op-auth-token.c: a credential that the platform is asked about. */
struct verification *verification_free(struct verification *v);

/* login-end.c, for call->flow, which is the call's by then. */
#define OP_BEGIN_AGAIN "start the login again"

/*
 * The one way a login ends in vain. What would be retryable elsewhere is not: the code is spent,
 * and the state with it.
 */
void op_login_fail(struct call *call, const struct ae_error *said);
/* `status` is what vault_exchange() told. */
void op_login_succeed(struct call *call, const struct cJSON *status);
/* Asks the vault; `code` is NULL for a login on another device. Returns 0 or -ENOMEM. */
int op_login_redeem(struct call *call, const struct secret *code, vault_answer_fn *on_answer);

/* device-wait.c: a person who is waited for. Returns CALL_PENDING or -errno. */
int op_wait_for_person(struct call *call);
/* Ends the call, unless the vault is just asked: then as soon as it answers. */
void device_wait_stop(struct device_wait *w);
struct device_wait *device_wait_free(struct device_wait *w);

/* What becomes of accounts, for the journal: audit-account.c. */
enum account_event {
        ACCOUNT_CONNECTED,
        ACCOUNT_REVOKED,
};

/* A place for the entry, before anything is begun. Returns 0 or overloaded. */
int op_reserve_audit(struct call *call, struct ae_error *error);
/* Gives it back, if there is one. */
void op_release_audit(struct call *call);
/* Writes the entry. `identity` is NULL where the platform does not tell it. */
void op_audit_account(struct call *call, enum account_event event, const struct vault_key *key,
                      const char *identity);
