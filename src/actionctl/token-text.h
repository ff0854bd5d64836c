/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a signed token says, read as anybody can: nothing is verified.
 */

#include <cjson/cJSON.h>
#include <stddef.h>

/*
 * The caller owns both, which are objects. Returns 0, or -EBADMSG with *ret_why set to static text
 * ("it has not…").
 */
int token_text_read(const char *token, size_t size, cJSON **ret_header, cJSON **ret_claims,
                    const char **ret_why);
