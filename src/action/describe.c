/* SPDX-License-Identifier: MIT */
#include "action/describe.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "action/authorise.h"
#include "base/json.h"
#include "smtp/envelope.h"

/* Of a URL that is a credential: where it leads, and no more. */
static int mask_url(const char *url, char **ret) {
        const char *host = strstr(url, "://");
        size_t size = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;

        return asprintf(ret, "%.*s/***", (int)size, url) < 0 ? -ENOMEM : 0;
}

/* Who sends and who receives, as the mail server will hear it. */
static int describe_envelope(const struct smtp_envelope *e, cJSON *request) {
        cJSON *envelope = cJSON_AddObjectToObject(request, "envelope"), *to, *address;

        if (!envelope || !cJSON_AddStringToObject(envelope, "from", e->sender))
                return -ENOMEM;
        to = cJSON_AddArrayToObject(envelope, "to");
        for (size_t i = 0; to && i < e->n_recipients; i++) {
                address = cJSON_CreateString(e->recipients[i]);
                if (!cJSON_AddItemToArray(to, address)) {
                        cJSON_Delete(address);
                        return -ENOMEM;
                }
        }
        return to ? 0 : -ENOMEM;
}

static cJSON *describe_request(const struct http_request *q) {
        _cleanup_(json_freep) cJSON *request = cJSON_CreateObject();
        _cleanup_(freep) char *masked = NULL;
        cJSON *headers;

        if (q->secret_url && mask_url(q->url, &masked) < 0)
                return NULL;
        if (!cJSON_AddStringToObject(request, "method", q->method) ||
            !cJSON_AddStringToObject(request, "url", masked ? masked : q->url))
                return NULL;

        headers = cJSON_AddObjectToObject(request, "headers");
        if (!headers ||
            (q->bearer && !cJSON_AddStringToObject(headers, "Authorization", "Bearer ***")))
                return NULL;
        for (size_t i = 0; i < q->n_headers; i++) {
                const struct http_header *h = &q->headers[i];

                if (!cJSON_AddStringToObject(headers, h->name, h->secret ? "***" : h->value))
                        return NULL;
        }

        if (!cJSON_AddNumberToObject(request, "body_bytes", (double)q->body.size) ||
            (q->mail && describe_envelope(q->mail, request) < 0))
                return NULL;
        return TAKE_PTR(request);
}

static const char *const decisions[] = {
        [POLICY_YES] = "yes",
        [POLICY_NO] = "no",
        [POLICY_ASK] = "ask",
};

/* What policy was told, or would have been. */
static int describe_explanation(const struct action *a, cJSON *result) {
        _cleanup_(explanation_done) struct adapter_explanation e = { 0 };
        cJSON *facts;
        int r;

        r = explanation_make(a, &e);
        if (r < 0)
                return r;
        facts = cJSON_AddObjectToObject(result, "facts");
        for (size_t i = 0; i < e.n_facts; i++)
                if (!cJSON_AddStringToObject(facts, e.facts[i].name, e.facts[i].value.data ?: ""))
                        return -ENOMEM;
        return cJSON_AddStringToObject(result, "summary", e.summary.data) ? 0 : -ENOMEM;
}

int describe_dry_run(const struct action *a, struct cJSON **ret) {
        _cleanup_(json_freep) cJSON *result = cJSON_CreateObject();
        cJSON *request;
        int r;

        if (!cJSON_AddTrueToObject(result, "dry_run") ||
            !cJSON_AddStringToObject(result, "decision", decisions[a->decision]) ||
            !cJSON_AddStringToObject(result, "decided_by", a->decided_by) ||
            !cJSON_AddStringToObject(result, "digest", a->digest))
                return -ENOMEM;
        r = describe_explanation(a, result);
        if (r < 0)
                return r;

        request = describe_request(&a->request);
        if (!request || !cJSON_AddItemToObject(result, "request", request)) {
                cJSON_Delete(request);
                return -ENOMEM;
        }

        *ret = TAKE_PTR(result);
        return 0;
}
