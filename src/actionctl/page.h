/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the browser shows when a consent has ended: page.html, with an outcome in its slots, all of
 * it escaped. No script, no picture, nothing from elsewhere. Pure.
 */

#include "actionctl/outcome.h"
#include "base/buffer.h"

/* Out of memory shows in buffer_error(). */
void page_render(const struct outcome *o, struct buffer *to);

/* The Content-Security-Policy that it goes with. */
const char *page_security_policy(void);
