/* SPDX-License-Identifier: MIT */
#include "notion/page.h"

#include <errno.h>

#include "base/json.h"
#include "common/word.h"
#include "notion/request.h"

#define URL_MAX 2000

const char *page_id(const cJSON *page) {
        const char *id = json_string(page, "id");

        return notion_is_id(id) ? id : NULL;
}

const char *page_url(const cJSON *page) {
        const char *url = json_string(page, "url");

        return word_is_link(url, URL_MAX) ? url : NULL;
}

int page_result(const cJSON *page, cJSON **ret) {
        _cleanup_(json_freep) cJSON *result = NULL;
        const char *id = page_id(page), *url = page_url(page);

        if (!id)
                return -EBADMSG;
        result = cJSON_CreateObject();
        if (!cJSON_AddStringToObject(result, "page_id", id) ||
            (url && !cJSON_AddStringToObject(result, "url", url)))
                return -ENOMEM;
        *ret = TAKE_PTR(result);
        return 0;
}
