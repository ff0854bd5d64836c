/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Whether Notion takes a token, and whose workspace it is for: GET /v1/users/me.
 * developers.notion.com/reference/get-self
 */

#include "action/adapter.h"

extern const struct adapter_identify notion_identify;
