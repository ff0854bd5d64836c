/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What an approval, a key and the audit trail mean by "this action": the SHA-256 of
 * {account, action_type, payload, platform, user_id} in canonical form (RFC 8785).
 */

struct action;

/* Fills a->digest. Returns 0 or -ENOMEM. */
int digest_action(struct action *a);
