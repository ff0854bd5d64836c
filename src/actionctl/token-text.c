/* SPDX-License-Identifier: MIT */
#include "actionctl/token-text.h"

#include <errno.h>
#include <string.h>

#include "base/base64url.h"
#include "base/json.h"

#define PART_MAX ((size_t)16 << 10)

/* One of the token's parts, an object. Returns NULL when it is none. */
static cJSON *decode_part(const char *text, size_t size) {
        _cleanup_(json_freep) cJSON *json = NULL;
        char decoded[PART_MAX];
        size_t n;

        if (base64url_decode(text, size, decoded, sizeof(decoded), &n) < 0)
                return NULL;
        if (json_parse(decoded, n, &json, NULL) < 0 || !cJSON_IsObject(json))
                return NULL;
        return TAKE_PTR(json);
}

int token_text_read(const char *token, size_t size, cJSON **ret_header, cJSON **ret_claims,
                    const char **ret_why) {
        _cleanup_(json_freep) cJSON *header = NULL, *claims = NULL;
        const char *end = token + size, *first = memchr(token, '.', size), *second;

        second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
        if (!second) {
                *ret_why = "it has not three parts with a dot between";
                return -EBADMSG;
        }
        header = decode_part(token, (size_t)(first - token));
        if (!header) {
                *ret_why = "its first part is no JSON object in base64url";
                return -EBADMSG;
        }
        claims = decode_part(first + 1, (size_t)(second - first - 1));
        if (!claims) {
                *ret_why = "its second part is no JSON object in base64url";
                return -EBADMSG;
        }
        *ret_header = TAKE_PTR(header);
        *ret_claims = TAKE_PTR(claims);
        return 0;
}
