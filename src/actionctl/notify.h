/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A note on the desktop: the Desktop Notifications Specification, by org.freedesktop.Notifications.
 */

/* Best effort, within a second: where there is no desktop nothing happens. */
void notify_desktop(const char *summary, const char *body);
