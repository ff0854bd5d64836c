/* SPDX-License-Identifier: MIT */
#include "gmail/id.h"

#include <string.h>

#include "base/json.h"

#define MAX_ID 256

bool gmail_is_id(const char *text) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_";
        size_t n = text ? strspn(text, allowed) : 0;

        return n > 0 && n <= MAX_ID && !text[n];
}

const char *gmail_id(const cJSON *object, const char *name) {
        const char *id = json_string(object, name);

        return gmail_is_id(id) ? id : NULL;
}
