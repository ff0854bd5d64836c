/* SPDX-License-Identifier: MIT */
#include "engine/flows.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

TAILQ_HEAD(flow_list, flow);

struct flows {
        struct flow_list list; /* the oldest first */
        size_t size;
};

int flow_new(const struct flow_owner *owner, const char *provider, const char *scopes,
             struct flow **ret) {
        _cleanup_(flow_freep) struct flow *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;

        oauth_new_state(f->state);
        f->uid = owner->uid;
        f->provider = provider;
        f->subject = strdup(owner->subject);
        f->user_id = strdup(owner->user_id);
        f->platform = strdup(owner->platform);
        f->account = strdup(owner->account);
        f->scopes = strdup(scopes);
        if (!f->subject || !f->user_id || !f->platform || !f->account || !f->scopes)
                return -ENOMEM;

        *ret = TAKE_PTR(f);
        return 0;
}

struct flow *flow_free(struct flow *f) {
        if (!f)
                return NULL;
        secret_free(f->device_code);
        free(f->url);
        free(f->redirect_uri);
        secret_free(f->verifier);
        oauth_app_done(&f->app);
        free(f->scopes);
        free(f->account);
        free(f->platform);
        free(f->user_id);
        free(f->subject);
        free(f);
        return NULL;
}

int flows_new(struct flows **ret) {
        struct flows *all = calloc(1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        TAILQ_INIT(&all->list);
        *ret = all;
        return 0;
}

static void detach(struct flows *all, struct flow *f) {
        TAILQ_REMOVE(&all->list, f, in_flows);
        all->size--;
}

static void drop(struct flows *all, struct flow *f) {
        if (!f)
                return;
        detach(all, f);
        flow_free(f);
}

struct flows *flows_free(struct flows *all) {
        if (!all)
                return NULL;
        while (!TAILQ_EMPTY(&all->list))
                drop(all, TAILQ_FIRST(&all->list));
        free(all);
        return NULL;
}

size_t flows_size(const struct flows *all) {
        return all->size;
}

static void drop_ended(struct flows *all, uint64_t now_usec) {
        struct flow *f = TAILQ_FIRST(&all->list);

        while (f) {
                struct flow *next = TAILQ_NEXT(f, in_flows);

                if (f->ends_usec <= now_usec)
                        drop(all, f);
                f = next;
        }
}

static struct flow_owner owner_of(const struct flow *f) {
        return (struct flow_owner){ f->uid, f->subject, f->user_id, f->platform, f->account };
}

static struct flow *find_link(const struct flows *all, const struct flow_owner *owner) {
        struct flow *f;

        TAILQ_FOREACH(f, &all->list, in_flows)
        if (f->is_link && f->uid == owner->uid && strcmp(f->subject, owner->subject) == 0 &&
            strcmp(f->user_id, owner->user_id) == 0 && strcmp(f->platform, owner->platform) == 0 &&
            strcmp(f->account, owner->account) == 0)
                return f;
        return NULL;
}

const struct flow *flows_find_link(const struct flows *all, const struct flow_owner *owner,
                                   uint64_t now_usec) {
        const struct flow *f = find_link(all, owner);

        return f && f->ends_usec > now_usec + FLOW_LIFE_USEC / 2 ? f : NULL;
}

/* *ret_first is what gives way first: a link, for which nobody has asked, or else the oldest. */
static size_t count_of_uid(const struct flows *all, uid_t uid, struct flow **ret_first) {
        struct flow *f;
        size_t n = 0;

        *ret_first = NULL;
        TAILQ_FOREACH(f, &all->list, in_flows) {
                if (f->uid != uid)
                        continue;
                if (n++ == 0 || (f->is_link && !(*ret_first)->is_link))
                        *ret_first = f;
        }
        return n;
}

int flows_put(struct flows *all, struct flow *f, uint64_t now_usec) {
        const struct flow_owner owner = owner_of(f);
        struct flow *first;

        drop_ended(all, now_usec);
        if (f->is_link)
                drop(all, find_link(all, &owner));
        if (count_of_uid(all, f->uid, &first) >= FLOWS_MAX_PER_UID || all->size >= FLOWS_MAX)
                drop(all, first);
        if (all->size >= FLOWS_MAX)
                return -EDQUOT;

        TAILQ_INSERT_TAIL(&all->list, f, in_flows);
        all->size++;
        return 0;
}

/* Every flow is looked at, and every byte of its state, so that time tells nothing. */
static struct flow *find_state(const struct flows *all, const char *state) {
        char asked[OAUTH_STATE_SIZE] = { 0 };
        struct flow *f, *found = NULL;

        if (strlen(state) != OAUTH_STATE_SIZE - 1)
                return NULL;
        memcpy(asked, state, OAUTH_STATE_SIZE - 1);
        TAILQ_FOREACH(f, &all->list, in_flows)
        if (sodium_memcmp(f->state, asked, sizeof(asked)) == 0)
                found = f;
        return found;
}

struct flow *flows_take(struct flows *all, const char *state, uid_t uid, const char *subject,
                        uint64_t now_usec) {
        struct flow *f;

        drop_ended(all, now_usec);
        f = find_state(all, state);
        if (!f || f->uid != uid || strcmp(f->subject, subject) != 0)
                return NULL;
        detach(all, f);
        return f;
}
