/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A message that is answered, as Gmail tells of it, and what follows from that for the answer. Its
 * headers are a stranger's words: nothing is believed to be well-formed, short or there.
 */

#include <stdbool.h>

struct ae_error;
struct cJSON;

/* For metadataHeaders: what answered_read() looks at, each behind the one before. */
#define ANSWERED_HEADERS \
        "&metadataHeaders=From&metadataHeaders=Reply-To&metadataHeaders=To&metadataHeaders=Cc" \
        "&metadataHeaders=Subject&metadataHeaders=Message-ID&metadataHeaders=References"

/* More would not help to find the conversation. */
#define ANSWERED_MAX_REFERENCES 20
#define ANSWERED_MAX_SUBJECT 900 /* bytes */

/*
 * Makes the payload that the answer has in common with one of send_email: to, cc, subject,
 * thread_id, in_reply_to; and beside it `references`, message ids. `self` is the address that is
 * not answered to, NULL without `all`. The caller owns *ret. Returns 0; -EBADMSG when it is no
 * message of Gmail's; or another negative errno with `error` filled.
 */
int answered_read(const struct cJSON *message, bool all, const char *self, struct cJSON **ret,
                  struct ae_error *error);
