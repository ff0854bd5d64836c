/* SPDX-License-Identifier: MIT */
#include "common/refusal.h"

#include "http/http.h"

int refusal_tell(const struct http_response *response, const char *service, enum ae_code code,
                 const char *advice, struct ae_error *error) {
        error->upstream_status = response->status;
        if (advice)
                return ae_error_set(error, code, "%s answered %d: %s", service, response->status,
                                    advice);
        if (*error->upstream_message)
                return ae_error_set(error, code, "%s refused the request: '%s'", service,
                                    error->upstream_message);
        return ae_error_set(error, code, "%s refused the request with status %d", service,
                            response->status);
}
