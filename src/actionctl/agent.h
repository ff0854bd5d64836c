/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * polkit's agent of the terminal, pkttyagent(1), so that a person can be asked here where no desktop
 * does it.
 */

#include <sys/types.h>

#include "base/cleanup.h"

/*
 * Starts one for this process, unless there is no terminal, or root, whom polkit never asks. It must
 * be there before the engine is asked, so this waits until it is. Returns its pid, or 0: without it.
 */
pid_t agent_start(void);

/* Ends it. Returns 0. */
pid_t agent_stop(pid_t agent);
DEFINE_CLEANUP(pid_t, agent_stop);
