/* SPDX-License-Identifier: MIT */
/*
 * Requests to the vault, and what the failure of one means whatever was asked.
 */
#include "vault/remote.h"

#include <errno.h>
#include <stdio.h>

/* The body as well: it may hold a credential. */
static void wipe_request(struct exchange *x) {
        buffer_wipe(&x->request.body);
        http_request_done(&x->request);
}

int exchange_prepare(struct exchange *x, const struct remote *v, const char *method,
                     const char *path) {
        wipe_request(x);
        x->request.method = method;
        x->request.repeatable = true;
        x->request.configured = true;
        x->request.secret_answer = true;
        return asprintf(&x->request.url, "%s%s", v->url, path) < 0 ? -ENOMEM : 0;
}

static void on_exchange_done(const struct http_response *response, void *userdata) {
        struct exchange *x = userdata;

        x->call = NULL;
        x->on_answer(response, x->userdata);
}

int exchange_send(struct exchange *x, struct remote *v, uint64_t deadline_usec) {
        static const struct http_handler handler = { .on_done = on_exchange_done };
        int r;

        r = buffer_error(&x->request.body);
        if (r >= 0 && x->request.body.size > 0)
                r = http_request_header(&x->request, "Content-Type", "application/json");
        if (r < 0)
                return r;
        return http_call(v->http, &x->request, deadline_usec, &handler, x, &x->call);
}

void exchange_done(struct exchange *x) {
        http_call_cancel(TAKE_PTR(x->call));
        wipe_request(x);
}

int remote_check_failure(const struct http_response *response, struct ae_error *error) {
        switch (response->failure) {
        case HTTP_ANSWERED:
                return 0;
        case HTTP_CONNECT_TIMEOUT:
        case HTTP_ANSWER_TIMEOUT:
                return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                                    "the vault did not answer in time");
        case HTTP_REFUSED_URL:
        case HTTP_REFUSED_ADDRESS:
        case HTTP_NOT_CONNECTED:
        case HTTP_NO_ANSWER:
        case HTTP_ANSWER_TOO_LARGE:
                break;
        }
        return ae_error_set(error, AE_VAULT_UNAVAILABLE, "the vault gave no answer: %s",
                            response->reason);
}

int remote_status_error(int status, struct ae_error *error) {
        /* clang-format off */
        static const struct {
                int first, last;
                const char *text;
        } meanings[] = {
                { 300, 399, "redirects, which is not followed"         },
                { 401, 401, "does not accept the engine's credential"  },
                { 403, 403, "does not permit that to the engine"       },
                { 408, 408, "did not wait for the question"            },
                { 429, 429, "is on standby, or asked too often"        },
                { 472, 473, "is on standby"                            },
                { 501, 501, "is not initialised"                       },
                { 503, 503, "is sealed or out of service"              },
                { 500, 599, "failed"                                   },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (status >= meanings[i].first && status <= meanings[i].last)
                        return ae_error_set(error, AE_VAULT_UNAVAILABLE, "the vault %s (HTTP %d)",
                                            meanings[i].text, status);
        return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                            "the vault does not take the question (HTTP %d)", status);
}

int remote_nonsense(struct ae_error *error) {
        return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                            "the vault gave an answer that makes no sense");
}

int remote_mistaken(struct ae_error *error) {
        return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                            "the vault gave another record than it was asked for");
}
