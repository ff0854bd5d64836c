/* SPDX-License-Identifier: MIT */
#include "action/describe.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "base/json.h"

static cJSON *describe_request(const struct http_request *q) {
        _cleanup_(json_freep) cJSON *request = cJSON_CreateObject();
        cJSON *headers;

        if (!cJSON_AddStringToObject(request, "method", q->method) ||
            !cJSON_AddStringToObject(request, "url", q->url))
                return NULL;

        headers = cJSON_AddObjectToObject(request, "headers");
        if (!headers ||
            (q->bearer && !cJSON_AddStringToObject(headers, "Authorization", "Bearer ***")))
                return NULL;
        for (size_t i = 0; i < q->n_headers; i++)
                if (!cJSON_AddStringToObject(headers, q->headers[i].name, q->headers[i].value))
                        return NULL;

        if (!cJSON_AddNumberToObject(request, "body_bytes", (double)q->body.size))
                return NULL;
        return TAKE_PTR(request);
}

int describe_dry_run(const struct action *a, struct cJSON **ret) {
        _cleanup_(json_freep) cJSON *result = cJSON_CreateObject();
        cJSON *request;

        if (!cJSON_AddTrueToObject(result, "dry_run") ||
            !cJSON_AddStringToObject(result, "decision", "yes") ||
            !cJSON_AddStringToObject(result, "decided_by", a->decided_by) ||
            !cJSON_AddStringToObject(result, "digest", a->digest))
                return -ENOMEM;

        request = describe_request(&a->request);
        if (!request || !cJSON_AddItemToObject(result, "request", request)) {
                cJSON_Delete(request);
                return -ENOMEM;
        }

        *ret = TAKE_PTR(result);
        return 0;
}
