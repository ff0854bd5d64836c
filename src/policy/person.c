/* SPDX-License-Identifier: MIT */
#include "policy/person.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

#define MAX_DOUBLINGS 6
/* What is told while a question is open: nobody knows when it ends. */
#define WAIT_WHILE_OPEN_USEC (5 * USEC_PER_SEC)

static struct person_uid *find(struct person_limits *l, uid_t uid) {
        for (size_t i = 0; i < l->n; i++)
                if (l->uids[i].uid == uid)
                        return &l->uids[i];
        return NULL;
}

/* Twice its pause after the last no, a uid begins anew. */
static bool is_forgotten(const struct person_limits *l, const struct person_uid *u,
                         uint64_t now_usec) {
        return !u->open && (u->n_refused == 0 ||
                            now_usec > u->free_usec + 2 * (l->pause_usec << (u->n_refused - 1)));
}

static struct person_uid *find_or_add(struct person_limits *l, uid_t uid, uint64_t now_usec) {
        struct person_uid *u = find(l, uid);

        for (size_t i = 0; !u && i < l->n; i++)
                if (is_forgotten(l, &l->uids[i], now_usec))
                        u = &l->uids[i];
        if (!u && l->n < PERSON_MAX_UIDS)
                u = &l->uids[l->n++];
        else if (u && u->uid == uid && !is_forgotten(l, u, now_usec))
                return u;
        if (u)
                *u = (struct person_uid){ .uid = uid };
        return u;
}

int person_open(struct person_limits *l, uid_t uid, uint64_t now_usec, uint64_t *ret_wait_usec) {
        struct person_uid *u = find_or_add(l, uid, now_usec);

        if (!u || u->open) {
                *ret_wait_usec = WAIT_WHILE_OPEN_USEC;
                return -EAGAIN;
        }
        if (now_usec < u->free_usec) {
                *ret_wait_usec = u->free_usec - now_usec;
                return -EAGAIN;
        }
        u->open = true;
        return 0;
}

void person_close(struct person_limits *l, uid_t uid, enum person_end end, uint64_t now_usec) {
        struct person_uid *u = find(l, uid);

        assert(u && u->open);
        u->open = false;
        switch (end) {
        case PERSON_APPROVED:
                u->n_refused = 0;
                break;
        case PERSON_REFUSED:
                if (u->n_refused <= MAX_DOUBLINGS)
                        u->n_refused++;
                u->free_usec = now_usec + (l->pause_usec << (u->n_refused - 1));
                break;
        case PERSON_NOT_REACHED:
                break;
        }
}
