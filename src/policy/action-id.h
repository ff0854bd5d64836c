/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What polkit calls an action. The definitions in polkit/ and the questions of the engine name it by
 * the same lines.
 */

#include <stddef.h>

#define ACTION_ID_PREFIX "io.puraifi.ActionEngine."
#define ACTION_ID_PERFORM ACTION_ID_PREFIX "perform" /* whatever has no id of its own */
#define ACTION_ID_APPROVE ACTION_ID_PREFIX "approve"
#define ACTION_ID_MAX 256

/*
 * io.puraifi.ActionEngine.google-calendar.create-event: polkit knows no underscore. Returns 0, or
 * -EINVAL for a name that is none of small letters, digits and underscores, or too long.
 */
int action_id_write(const char *platform, const char *action_type, char ret[static ACTION_ID_MAX]);
