/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * polkit, asked over the system bus: org.freedesktop.PolicyKit1.Authority. It is two advisers: its
 * rules, asked with nobody at hand; and whatever agent it finds in the peer's session, which puts
 * the question to a person.
 *
 * The bus is opened at once, and again when it is needed after it was lost, with growing pauses
 * while it cannot be reached; meanwhile the answer is no.
 */

#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "policy/adviser.h"

struct polkit;

/* Opens a bus that is not attached yet. Returns 0 or a negative errno. */
typedef int polkit_open_fn(void *userdata, sd_bus **ret);

/*
 * `timeout_usec` bounds a question to the rules. `open_bus` is NULL for the system bus. The caller
 * owns *ret. Returns 0 or -ENOMEM.
 */
int polkit_new(sd_event *event, uint64_t timeout_usec, polkit_open_fn *open_bus, void *userdata,
               struct polkit **ret);
/* No call may be under way. */
struct polkit *polkit_free(struct polkit *p);
DEFINE_CLEANUP(struct polkit *, polkit_free);

struct adviser *polkit_rules(struct polkit *p);
struct adviser *polkit_agent(struct polkit *p);
