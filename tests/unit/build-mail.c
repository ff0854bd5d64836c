/* SPDX-License-Identifier: MIT */
/*
 * The request that Gmail would get, for the judge in tests/integration/test_mail.py. Reads a
 * payload from stdin. Writes the URL, the headers, an empty line and the body, which is the whole
 * message where it is uploaded; or with status 2 the findings:
 * {"schema":[{path,message}],"check":[{path,message}]}.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "action/schema.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"

#define READ_SIZE ((size_t)1 << 20)

static const struct adapter_action *find_action(void) {
        for (const struct adapter *const *a = adapters; *a; a++)
                for (size_t i = 0; strcmp((*a)->platform, "gmail") == 0 && i < (*a)->n_actions; i++)
                        if (strcmp((*a)->actions[i].action_type, "send_email") == 0)
                                return &(*a)->actions[i];
        return NULL;
}

static int read_payload(cJSON **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        size_t n;

        do {
                char *to = buffer_reserve(&text, READ_SIZE);

                if (!to)
                        return -1;
                n = fread(to, 1, READ_SIZE, stdin);
                buffer_advance(&text, n);
        } while (n > 0);
        return json_parse(text.data, text.size, ret, /* ret_fault= */ NULL);
}

static void put_findings(const struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        if (error->errors)
                json_print(error->errors, &text);
        printf("%s", text.data ? text.data : "[]");
}

static int put_request(const struct http_request *q) {
        printf("%s\n", q->url);
        for (size_t i = 0; i < q->n_headers; i++)
                printf("%s: %s\n", q->headers[i].name, q->headers[i].value);
        printf("\n");
        return fwrite(q->body.data, 1, q->body.size, stdout) == q->body.size ? 0 : 1;
}

/* Takes the upload to its end: the request gets for its body what went up. */
static int upload(const struct adapter_action *action, const struct adapter_input *input,
                  struct http_request *q, struct ae_error *error) {
        char range[64];
        struct http_response response = {
                .status = 200,
                .body = "",
                .content_type = "",
                .retry_after = "",
                .location = "https://gmail.example/session",
                .range = range,
        };
        struct cJSON *result = NULL;

        buffer_clear(&q->body);
        while (action->interpret(input, &response, &result, error) > 0) {
                _cleanup_(http_request_done) struct http_request put = { 0 };

                if (action->build(input, &put, error) < 0)
                        return -1;
                buffer_append(&q->body, put.body.data, put.body.size);
                if (!put.harmless)
                        return 0;
                response.status = 308;
                snprintf(range, sizeof(range), "bytes=0-%zu", q->body.size - 1);
        }
        return -1;
}

int main(void) {
        _cleanup_(ae_error_done) struct ae_error by_schema = { 0 }, by_check = { 0 };
        _cleanup_(http_request_done) struct http_request request = { 0 };
        _cleanup_(schema_freep) struct schema *schema = NULL;
        _cleanup_(json_freep) cJSON *payload = NULL, *notes = cJSON_CreateObject();
        _cleanup_(secret_freep) struct secret *session = NULL;
        const struct adapter_action *action = find_action();
        char reason[SCHEMA_ERROR_SIZE];
        struct adapter_input input = {
                .base_url = "https://gmail.example",
                .action_id = "0123456789abcdef0123456789abcdef",
                .now_usec = UINT64_C(1753456860000000),
                .notes = notes,
                .session = &session,
                .n_exchanges_left = ADAPTER_MAX_EXCHANGES,
        };

        if (!action || read_payload(&payload) < 0)
                return 1;
        if (schema_new(action->payload_schema, strlen(action->payload_schema), &schema, reason) <
            0) {
                fprintf(stderr, "%s\n", reason);
                return 1;
        }

        if (action->check(payload, &by_check) < 0)
                return 1;
        if (schema_validate(schema, payload, &by_schema) > 0 || ae_error_count(&by_check) > 0) {
                printf("{\"schema\":");
                put_findings(&by_schema);
                printf(",\"check\":");
                put_findings(&by_check);
                printf("}\n");
                return 2;
        }

        input.payload = payload;
        if (sodium_init() < 0 || action->build(&input, &request, &by_check) < 0)
                return 1;
        if (strstr(request.url, "uploadType=") && upload(action, &input, &request, &by_check) < 0)
                return 1;
        return put_request(&request);
}
