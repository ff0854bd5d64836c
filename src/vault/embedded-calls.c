/* SPDX-License-Identifier: MIT */
#include "vault/embedded-calls.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

/* How much longer than by itself a vault may take that waits for a provider. */
#define PROVIDER_USEC (60 * USEC_PER_SEC)

static bool is_slow(enum vault_op op) {
        switch (op) {
        case VAULT_EXCHANGE:
        case VAULT_GET_TOKEN: /* which may have to be renewed */
        case VAULT_REVOKE:
        case VAULT_START_DEVICE:
                return true;
        case VAULT_DELETE_TOKEN:
        case VAULT_FIND_PROVIDER:
        case VAULT_STATUS:
        case VAULT_STORE_TOKEN:
                break;
        }
        return false;
}

bool embedded_call_is_slow(const struct embedded_call *c) {
        return is_slow(c->op);
}

int embedded_call_new(struct vault *v, const struct vault_question *q, uint64_t id,
                      uint64_t now_usec, uint64_t timeout_usec, struct embedded_call **ret) {
        _cleanup_(embedded_call_freep) struct embedded_call *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;

        *c = (struct embedded_call){
                .head.vault = v,
                .id = id,
                .deadline_usec = now_usec + timeout_usec + (is_slow(q->op) ? PROVIDER_USEC : 0),
                .op = q->op,
                .on_answer = q->on_answer,
                .userdata = q->userdata,
        };
        if (q->op == VAULT_GET_TOKEN) {
                c->key.user_id = strdup(q->key.user_id);
                c->key.platform = strdup(q->key.platform);
                c->key.account = strdup(q->key.account);
                if (!c->key.user_id || !c->key.platform || !c->key.account)
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(c);
        return 0;
}

struct embedded_call *embedded_call_free(struct embedded_call *c) {
        if (!c)
                return NULL;
        free((char *)c->key.user_id);
        free((char *)c->key.platform);
        free((char *)c->key.account);
        free(c);
        return NULL;
}

void embedded_queue_put(struct embedded_queue *q, struct embedded_call *c) {
        if (q->last)
                q->last->next = c;
        else
                q->first = c;
        q->last = c;
        c->next = NULL;
        q->size++;
}

struct embedded_call *embedded_queue_take(struct embedded_queue *q, uint64_t id) {
        struct embedded_call *before = NULL, *c;

        for (c = q->first; c && c->id != id; c = c->next)
                before = c;
        if (!c)
                return NULL;
        if (before)
                before->next = c->next;
        else
                q->first = c->next;
        if (q->last == c)
                q->last = before;
        q->size--;
        return c;
}

void embedded_queue_done(struct embedded_queue *q) {
        while (q->first)
                embedded_call_free(embedded_queue_take(q, q->first->id));
}

struct embedded_call *embedded_queue_late(const struct embedded_queue *q, uint64_t now_usec) {
        for (struct embedded_call *c = q->first; c; c = c->next)
                if (c->deadline_usec <= now_usec)
                        return c;
        return NULL;
}

uint64_t embedded_queue_next_look(const struct embedded_queue *q, uint64_t heard_usec,
                                  uint64_t timeout_usec) {
        uint64_t quick = CALL_NEVER, slow = CALL_NEVER;

        for (const struct embedded_call *c = q->first; c; c = c->next) {
                uint64_t *first = is_slow(c->op) ? &slow : &quick;

                if (c->deadline_usec < *first)
                        *first = c->deadline_usec;
        }
        if (quick != CALL_NEVER || slow == CALL_NEVER)
                return quick < slow ? quick : slow;
        return slow < heard_usec + timeout_usec ? slow : heard_usec + timeout_usec;
}
