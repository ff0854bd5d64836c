/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The way to action-grant, which has the network that the vault has not: a connection to its socket
 * for each grant, a line there, a line back. So many at once, the others wait their turn. Whatever
 * happens, an answer comes.
 */

#include <stddef.h>

#include "base/poller.h"
#include "oauth/grant.h"

struct grants;

#define GRANTS_MAX_SENT 16
#define GRANTS_MAX_WAITING 1024

struct grants_options {
        const char *path;      /* of the socket; copied */
        uint64_t wait_usec;    /* so long one waits its turn */
        uint64_t timeout_usec; /* so long, from then on, for its answer */
};

/* Borrowed by the callback, which may take its tokens and facts. */
typedef void grants_answer_fn(struct oauth_answer *answer, void *userdata);

/* The caller owns *ret. Returns 0 or a negative errno. */
int grants_new(struct poller *poller, const struct grants_options *options, struct grants **ret);
/* Ends all without calling back. Not from within on_answer(). */
struct grants *grants_free(struct grants *g);
DEFINE_CLEANUP(struct grants *, grants_free);

/*
 * on_answer() comes once, from the event loop, never from within. What did not get away is
 * OAUTH_UNREACHABLE, what left and was not answered OAUTH_NO_ANSWER. Returns 0, -ENOMEM.
 */
int grants_send(struct grants *g, const struct oauth_grant *grant, grants_answer_fn *on_answer,
                void *userdata);

/* What waits does not leave any more; what has left is waited for. May call back. */
void grants_drain(struct grants *g);

/* How many have not been answered. */
unsigned grants_count(const struct grants *g);
