/* SPDX-License-Identifier: MIT */
#include "engine/users.h"

#include <assert.h>
#include <errno.h>

/* A list: a machine has a handful of uids that talk to the engine. */
struct users {
        size_t max_bytes;
        struct user *first;
};

struct user {
        struct users *table;
        struct user *next;
        unsigned n_refs;
        uid_t uid;
        struct quota *quota;
};

int users_new(size_t max_bytes, struct users **ret) {
        struct users *u = calloc(1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        u->max_bytes = max_bytes;
        *ret = u;
        return 0;
}

struct users *users_free(struct users *u) {
        if (!u)
                return NULL;
        assert(!u->first);
        free(u);
        return NULL;
}

int users_acquire(struct users *u, uid_t uid, struct user **ret) {
        struct user *user;
        int r;

        for (user = u->first; user; user = user->next)
                if (user->uid == uid) {
                        user->n_refs++;
                        *ret = user;
                        return 0;
                }

        user = calloc(1, sizeof(*user));
        if (!user)
                return -ENOMEM;
        r = quota_new(u->max_bytes, &user->quota);
        if (r < 0) {
                free(user);
                return r;
        }
        user->table = u;
        user->n_refs = 1;
        user->uid = uid;
        user->next = u->first;
        u->first = user;
        *ret = user;
        return 0;
}

struct user *user_release(struct user *user) {
        struct user **link;

        if (!user || --user->n_refs > 0)
                return NULL;

        for (link = &user->table->first; *link != user; link = &(*link)->next)
                ;
        *link = user->next;
        quota_unref(user->quota);
        free(user);
        return NULL;
}

struct quota *user_quota(struct user *user) {
        return user->quota;
}

unsigned user_n_connections(const struct user *user) {
        return user->n_refs;
}

unsigned users_share(unsigned n) {
        return n - n / 8;
}
