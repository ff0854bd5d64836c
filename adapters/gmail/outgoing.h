/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An e-mail on its way to Gmail, whatever Gmail is to do with it: a small one in one request, as
 * JSON with the message in `raw`, as base64url; a large one by a resumable upload.
 */

#include "action/adapter.h"

struct cJSON;
struct email;

struct outgoing {
        const char *path; /* of the method */
        bool is_draft;    /* the message is a member of the resource, and not the resource */
};

/* users.messages.send and users.drafts.create */
extern const struct outgoing outgoing_message, outgoing_draft;

/* Reads a payload of it, of which check() has found nothing. See email_read(). */
int outgoing_read(const struct outgoing *o, const struct cJSON *payload, struct email *ret,
                  struct ae_error *error);

/*
 * The next exchange. Fills in what the action gives to the message: id, domain, date. Returns 0 or
 * a negative errno with `error` filled.
 */
int outgoing_build(const struct outgoing *o, const struct adapter_input *input, struct email *e,
                   struct http_request *ret, struct ae_error *error);

/* As interpret() and lost() of struct adapter_action. */
int outgoing_interpret(const struct outgoing *o, const struct adapter_input *input,
                       const struct http_response *response, struct cJSON **ret_result,
                       struct ae_error *error);
int outgoing_lost(const struct adapter_input *input);
