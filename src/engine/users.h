/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What belongs to a uid rather than to one of its connections: how many bytes of its lines are in
 * the program, and its share of what there is.
 */

#include <sys/types.h>

#include "base/cleanup.h"
#include "ipc/quota.h"

struct users; /* the table */
struct user;  /* a uid in it, as long as it has connections */

/* `max_bytes` for each uid. The caller owns *ret. 0 or -ENOMEM. */
int users_new(size_t max_bytes, struct users **ret);
/* All users must have been released. */
struct users *users_free(struct users *u);
DEFINE_CLEANUP(struct users *, users_free);

/* Adds a reference to the uid's entry, which is made if need be. 0 or -ENOMEM. */
int users_acquire(struct users *u, uid_t uid, struct user **ret);
struct user *user_release(struct user *user);

struct quota *user_quota(struct user *user);
/* How many references there are: one for each connection. */
unsigned user_n_connections(const struct user *user);

/*
 * How many of n things that all uids share one of them may have: the last eighth is for others,
 * so that nobody is locked out by one who takes all there is.
 */
unsigned users_share(unsigned n);
