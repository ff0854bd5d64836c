/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What Google Calendar answers: an event in our words, or an error.
 */

#include "action/adapter.h"

struct cJSON;

/* The body as JSON; NULL when it is none. The caller owns it. */
struct cJSON *answer_body(const struct http_response *response);

/* 2xx. */
bool answer_is_success(const struct http_response *response);

/*
 * An event, in part: what every result has (`event_id`, `status`, `html_link`), and what depends
 * on the use of it. The caller owns *ret. Returns 0, -ENOMEM, or -EBADMSG when it is no event.
 */
int answer_read_written(const struct cJSON *event, struct cJSON **ret); /* and `meet_link` */
int answer_read_listed(const struct cJSON *event, struct cJSON **ret);  /* and all but that */

/* The result of what wrote one event; an answer that holds none is told as `upstream_error`. */
int answer_written(const struct adapter_input *input, const struct http_response *response,
                   struct cJSON **ret_result, struct ae_error *error);

/* A status outside of 2xx. Returns the code's negative errno. */
int answer_error(const struct adapter_input *input, const struct http_response *response,
                 struct ae_error *error);

/* A 2xx that does not hold what it should. Returns a negative errno, made of r. */
int answer_unclear(const struct http_response *response, int r, struct ae_error *error);
