/* SPDX-License-Identifier: MIT */
#include "ipc/quota.h"

#include <assert.h>
#include <errno.h>

struct quota {
        unsigned n_refs;
        size_t limit;
        size_t used;
        struct quota_waiter *first, **end; /* *end is where the next one stands */
};

int quota_new(size_t limit, struct quota **ret) {
        struct quota *q;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        *q = (struct quota){ .n_refs = 1, .limit = limit, .end = &q->first };
        *ret = q;
        return 0;
}

struct quota *quota_ref(struct quota *q) {
        q->n_refs++;
        return q;
}

struct quota *quota_unref(struct quota *q) {
        if (!q || --q->n_refs > 0)
                return NULL;
        assert(!q->first);
        free(q);
        return NULL;
}

static bool quota_fits(const struct quota *q, size_t size) {
        return size <= q->limit - q->used;
}

bool quota_reserve(struct quota *q, size_t size, struct quota_waiter *w) {
        assert(!w->waiting);

        w->size = size < q->limit ? size : q->limit;
        if (!q->first && quota_fits(q, w->size)) {
                q->used += w->size;
                return true;
        }

        w->waiting = true;
        w->next = NULL;
        *q->end = w;
        q->end = &w->next;
        return false;
}

static void quota_unlink(struct quota *q, struct quota_waiter **at) {
        struct quota_waiter *w = *at;

        *at = w->next;
        if (q->end == &w->next)
                q->end = at;
        w->next = NULL;
        w->waiting = false;
}

/* The queue is in order whenever on_room() runs, so that it may do with the quota what it likes. */
static void quota_serve(struct quota *quota) {
        _cleanup_(quota_unrefp) struct quota *q = quota_ref(quota);

        while (q->first && quota_fits(q, q->first->size)) {
                struct quota_waiter *w = q->first;

                quota_unlink(q, &q->first);
                q->used += w->size;
                w->on_room(w);
        }
}

void quota_release(struct quota *q, size_t size) {
        assert(size <= q->used);

        q->used -= size;
        quota_serve(q);
}

void quota_forget(struct quota *q, struct quota_waiter *w) {
        if (!w->waiting)
                return;

        for (struct quota_waiter **at = &q->first; *at; at = &(*at)->next)
                if (*at == w) {
                        quota_unlink(q, at);
                        break;
                }
        quota_serve(q); /* those behind may be smaller */
}
