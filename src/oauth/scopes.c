/* SPDX-License-Identifier: MIT */
#include "oauth/scopes.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "oauth/members.h"

static bool has_word(const struct buffer *list, char separator, const char *word, size_t n) {
        const char *at = list->data, *end = at + list->size;

        while (at < end) {
                const char *stop = memchr(at, separator, (size_t)(end - at));
                size_t span = stop ? (size_t)(stop - at) : (size_t)(end - at);

                if (span == n && memcmp(at, word, n) == 0)
                        return true;
                at += span + 1;
        }
        return false;
}

void scopes_add(struct buffer *to, char separator, const char *words) {
        for (size_t n; *words; words += n + (words[n] == ' ')) {
                n = strcspn(words, " ");
                if (n == 0 || (to->data && has_word(to, separator, words, n)))
                        continue;
                if (to->size > 0)
                        buffer_putc(to, separator);
                buffer_append(to, words, n);
        }
}

bool scopes_are_valid(const cJSON *scopes) {
        const cJSON *scope;

        if (!cJSON_IsArray(scopes) || cJSON_GetArraySize(scopes) > OAUTH_MAX_SCOPES)
                return false;
        cJSON_ArrayForEach (scope, scopes)
                if (!cJSON_IsString(scope) || strlen(scope->valuestring) > OAUTH_MAX_SCOPE ||
                    !text_is_scope(scope->valuestring))
                        return false;
        return true;
}

static int add_scope(cJSON *scopes, const char *text, size_t n) {
        char scope[OAUTH_MAX_SCOPE + 1];
        cJSON *item;

        if (n > OAUTH_MAX_SCOPE || cJSON_GetArraySize(scopes) == OAUTH_MAX_SCOPES)
                return -EINVAL;
        memcpy(scope, text, n);
        scope[n] = 0;
        if (!text_is_scope(scope))
                return -EINVAL;

        item = cJSON_CreateString(scope);
        if (!cJSON_AddItemToArray(scopes, item)) {
                cJSON_Delete(item);
                return -ENOMEM;
        }
        return 0;
}

int scopes_from_text(const char *text, char separator, cJSON **ret) {
        _cleanup_(json_freep) cJSON *scopes = cJSON_CreateArray();
        const char separators[] = { ' ', separator, 0 };
        int r;

        if (!scopes)
                return -ENOMEM;
        for (size_t n; *text; text += n + (text[n] != 0)) {
                n = strcspn(text, separators);
                r = n > 0 ? add_scope(scopes, text, n) : 0;
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(scopes);
        return 0;
}
