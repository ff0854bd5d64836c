/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The key of an argument, taken apart, and the place in a payload that it means. Pure.
 */

#include <stdbool.h>

#include "actionctl/payload-args.h"

/* What *ret holds is freed by the caller in every case. Returns 0, -ENOMEM or -EINVAL. */
int payload_key_parse(const char *text, size_t size, struct payload_key *ret,
                      char error[static PAYLOAD_ERROR_SIZE]);
void payload_key_done(struct payload_key *key);

/* Whether it adds an element: then it means another place each time. */
bool payload_key_appends(const struct payload_key *key);

/*
 * Puts the value where the key says, making what is missing on the way there. Takes it over on
 * success. Returns 0, -ENOMEM or -EINVAL.
 */
int payload_key_put(const struct payload_key *key, cJSON *payload, cJSON *value,
                    char error[static PAYLOAD_ERROR_SIZE]);
