/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The way to Engine Control: where it is, who the engine is there, and what a request looks like.
 */

#include "http/http.h"
#include "policy/control.h"

struct control_link {
        struct http_client *http;
        char *url; /* without a slash at its end */
        char *engine_id;
        struct secret *key;
};

/* Fills a zeroed struct, which is to be given to control_link_done() in any case. 0 or -errno. */
int control_link_init(struct control_link *l, struct poller *poller,
                      const struct control_options *options);
void control_link_done(struct control_link *l);

/*
 * Makes a POST to the URL with `path` behind it, to which the caller adds the body, JSON. What *ret
 * owns is the caller's to free in every case. Returns 0, -ENOMEM, or -EINVAL for a key that is none.
 */
int control_link_prepare(const struct control_link *l, const char *path, struct http_request *ret);
