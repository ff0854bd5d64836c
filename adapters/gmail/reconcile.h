/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What became of an e-mail or a draft: the newest of those there are, one after the other, are
 * compared with the action's marker. Not by a search, whose index is late, and not by Message-ID
 * alone, which Gmail may replace. The credential must be one that may read: gmail.send alone may
 * not, gmail.compose may read drafts.
 *
 *      users.messages.list   labelIds=SENT       users.drafts.list
 *      users.messages.get    format=metadata     users.drafts.get    for each of them
 *
 * developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages, …users.drafts
 */

#include "action/adapter.h"

extern const struct adapter_reconcile sent_reconcile, draft_reconcile;
