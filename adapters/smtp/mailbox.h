/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The credential of a mailbox (credential.json), as the vault gives it back.
 */

#include "base/error.h"
#include "http/http.h"
#include "mail/address.h"
#include "smtp/envelope.h"

/*
 * Begins an envelope: server, login and no addresses. *ret_from is who sends unless the payload
 * says otherwise, with a NULL address where the credential does not tell. The caller owns both.
 * Returns 0, -ENOMEM, or -EINVAL for what is no such credential.
 */
int smtp_mailbox_read(const struct secret *credential, struct smtp_envelope **ret,
                      struct mailbox *ret_from);

/* Where `mail` goes, for people to see. Returns 0 or -ENOMEM. */
int smtp_mailbox_describe(struct http_request *q);
