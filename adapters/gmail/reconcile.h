/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What became of an e-mail: the newest of the sent ones, one after the other, are compared with the
 * action's marker. Not by a search, whose index is late, and not by Message-ID alone, which Gmail
 * may replace. The credential must be one that may read: gmail.send alone may not.
 *
 *      users.messages.list   labelIds=SENT
 *      users.messages.get    format=metadata, for each of them
 *
 * developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages
 */

#include "action/adapter.h"

extern const struct adapter_reconcile send_email_reconcile;
