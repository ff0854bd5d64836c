/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Whom polkit decides about: a process, as it was pinned when its connection was accepted. polkit
 * believes the actions' owner whatever uid it states, so the uid is the kernel's and nobody else's.
 */

#include <systemd/sd-bus.h>

#include "base/error.h"
#include "ipc/peer.h"

/*
 * Whether it can be named at all. Returns 0, or a negative errno with `error` set: `forbidden` for a
 * process that is gone, or was never seen, and for a uid that polkit would take for another.
 */
int subject_check(const struct peer *peer, struct ae_error *error);

/*
 * Appends `(sa{sv})`. The pidfd, once the bus is ready for descriptors, is for polkit from 124 on;
 * those before pass over what they do not know. Returns 0 or a negative errno.
 */
int subject_append(const struct peer *peer, sd_bus_message *m);
