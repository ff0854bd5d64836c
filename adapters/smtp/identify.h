/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The harmless look: logs in, and sends nothing.
 */

#include "action/adapter.h"

extern const struct adapter_identify smtp_identify;
