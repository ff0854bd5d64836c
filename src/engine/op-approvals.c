/* SPDX-License-Identifier: MIT */
/*
 * list_approvals, approve, deny: what waits for a person. One who may not see a question hears of
 * it as if there were none. Whoever asked cannot answer, neither the process nor its token; that
 * the one who does is a person is for polkit to say: policy/inbox.h.
 */
#include "engine/op.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "policy/inbox.h"

/* A longer payload is shown to who names its question, so that a list stays readable. */
#define LISTED_PAYLOAD_MAX ((size_t)16 << 10)

/* The scope `approvals:own` is for the token's own user, `approvals:*` for everybody. */
static bool may_answer_for(const struct call *call, const char *user) {
        const struct identity *id = call->identity;

        return identity_has_scope(id, "approvals", "*") ||
               (strcmp(identity_user(id), user) == 0 && identity_has_scope(id, "approvals", "own"));
}

static bool may_see(const struct call *call, const struct inbox_item *item) {
        const char *user = call->request.user_id;

        return may_answer_for(call, item->question->user_id) &&
               (!user || strcmp(user, item->question->user_id) == 0);
}

/* The acting for a user does not imply it: who asks would approve. */
static int check_scope(const struct call *call, struct ae_error *error) {
        if (may_answer_for(call, call_user(call)))
                return 0;
        ae_error_detail(error, "by", "scope");
        return ae_error_set(error, AE_FORBIDDEN,
                            "the token's scope does not grant approvals:own for its user, nor "
                            "approvals:* for others");
}

static const struct inbox_item *find(const struct call *call) {
        const struct inbox *x = call->client->engine->inbox;
        const struct inbox_item *item = x ? inbox_find(x, call->request.approval_id) : NULL;

        return item && may_see(call, item) ? item : NULL;
}

static int not_found(const struct call *call, struct ae_error *error) {
        return ae_error_set(error, AE_NOT_FOUND,
                            "there is no question '%.64s' for you: it may have been answered, "
                            "withdrawn, or too late",
                            call->request.approval_id);
}

static void add_peer(const struct peer *peer, struct buffer *to) {
        buffer_printf(to, ",\"peer\":{\"uid\":%u,\"pid\":%d", (unsigned)peer->uid, (int)peer->pid);
        op_add_string(to, ",", "unit", peer->unit);
        buffer_putc(to, '}');
}

static void add_item(const struct inbox_item *item, bool whole, struct buffer *to) {
        const struct policy_question *q = item->question;

        op_add_string(to, "{", "approval_id", item->id);
        op_add_string(to, ",", "summary", q->summary);
        op_add_string(to, ",", "digest", q->digest);
        op_add_string(to, ",", "platform", q->platform);
        op_add_string(to, ",", "action_type", q->action_type);
        op_add_string(to, ",", "account", q->account);
        op_add_string(to, ",", "user_id", q->user_id);
        op_add_string(to, ",", "request_id", q->request_id);
        add_peer(q->peer, to);
        op_add_time(to, ",", "created_at", item->created_usec);
        op_add_time(to, ",", "expires_at", item->expires_usec);
        buffer_printf(to, ",\"payload_bytes\":%zu", item->payload_size);
        if (whole || item->payload_size <= LISTED_PAYLOAD_MAX) {
                buffer_puts(to, ",\"payload\":");
                json_print(q->payload, to);
        }
        buffer_putc(to, '}');
}

static void add_all(const struct call *call, struct buffer *to) {
        const struct inbox *x = call->client->engine->inbox;
        const char *separator = "";

        for (const struct inbox_item *item = x ? inbox_next(x, NULL) : NULL; item;
             item = inbox_next(x, item)) {
                if (!may_see(call, item))
                        continue;
                buffer_puts(to, separator);
                add_item(item, /* whole= */ false, to);
                separator = ",";
        }
}

int op_list_approvals(struct call *call, struct ae_error *error) {
        struct buffer *to = &call->result;
        const struct inbox_item *item;
        int r;

        r = check_scope(call, error);
        if (r < 0)
                return r;
        buffer_puts(to, "{\"approvals\":[");
        if (call->request.approval_id) {
                item = find(call);
                if (!item)
                        return not_found(call, error);
                add_item(item, /* whole= */ true, to);
        } else
                add_all(call, to);
        buffer_puts(to, "]}");
        return 0;
}

static void on_decided(const struct ae_error *error, void *userdata) {
        struct call *call = userdata;

        call->decision = NULL;
        if (error)
                call_fail(call, error);
        else
                call_succeed(call);
}

/*
 * A process of the same uid with another token may be a person's, and polkit makes it prove that;
 * the pid alone is compared, since who asks keeps it for as long as the question stands.
 */
static int check_stranger(const struct call *call, const struct policy_question *q,
                          struct ae_error *error) {
        if (call->client->peer.pid != q->peer->pid &&
            !identity_is_same_token(call->identity, q->identity))
                return 0;
        ae_error_detail(error, "by", "asker");
        return ae_error_set(error, AE_FORBIDDEN,
                            "who asks cannot answer: do it from another process, with a token of "
                            "your own");
}

static int decide(struct call *call, bool approve, struct ae_error *error) {
        struct engine *e = call->client->engine;
        const struct request *q = &call->request;
        const struct inbox_approver by = {
                .peer = &call->client->peer,
                .interactive = q->interactive,
                .deadline_usec = clock_usec(CLOCK_MONOTONIC) +
                                 (q->deadline_usec > 0 ? q->deadline_usec
                                                       : e->settings->approval_timeout_usec),
        };
        const struct inbox_item *item;
        int r;

        r = check_scope(call, error);
        if (r < 0)
                return r;
        item = find(call);
        if (!item)
                return not_found(call, error);
        r = check_stranger(call, item->question, error);
        if (r < 0)
                return r;

        op_add_string(&call->result, "{", "approval_id", item->id);
        op_add_string(&call->result, ",", "status", approve ? "approved" : "denied");
        buffer_putc(&call->result, '}');
        r = inbox_decide(e->inbox, item, approve, &by, on_decided, call, &call->decision);
        return r < 0 ? r : CALL_PENDING;
}

int op_approve(struct call *call, struct ae_error *error) {
        return decide(call, /* approve= */ true, error);
}

int op_deny(struct call *call, struct ae_error *error) {
        return decide(call, /* approve= */ false, error);
}
