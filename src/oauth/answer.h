/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The parts of reading an answer. For oauth/ alone. Pure. Who finds something that no provider may
 * say tells it with answer_say() and returns 0; a negative errno is a failure of our own.
 */

#include <stdint.h>

#include "oauth/grant.h"

/* Sets result and reason; foreign text is freed of control characters. Returns 0. */
int answer_say(struct oauth_answer *a, enum oauth_result result, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));

/* What a success holds, of which the body is a JSON object. */
int answer_read_tokens(const struct oauth_grant *g, const struct json_envelope *body,
                       uint64_t now_usec, struct oauth_answer *a);
int answer_read_device(const struct json_slice *body, struct oauth_answer *a);
int answer_read_metadata(const struct oauth_app *app, const struct json_slice *body,
                         struct oauth_answer *a);

/*
 * Whose account a token answer is for, by the claims of an id_token that came straight from the
 * token endpoint over TLS, which stands for its signature (OpenID Connect Core §3.1.3.7). Returns
 * 0 with *ret_identity, which the caller owns; -EBADMSG with *ret_reason, static text; -ENOMEM.
 */
int id_token_read(const struct oauth_app *app, const char *token, uint64_t now_usec,
                  char **ret_identity, const char **ret_reason);

/*
 * A number of seconds, 1 to `max`: with a fraction or as a string of digits, too, since there are
 * providers that send those. Returns 0, -EINVAL, -ENOMEM.
 */
int slice_seconds(const struct json_slice *s, int64_t max, int64_t *ret);
