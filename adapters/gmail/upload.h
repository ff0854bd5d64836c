/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A resumable upload, for a message that is too large for one request:
 *
 *      POST /upload…?uploadType=resumable       → 200, Location: the session's URL
 *      PUT session   Content-Range: bytes 0-…   → 308, Range: what has arrived
 *      PUT session   …                          → 200: it was the last, and all is done
 *
 * Nothing happens on the platform's side before the last byte has arrived, so that only the last
 * chunk counts as a request that acts. When a chunk gets no clear answer, the session is asked (a
 * PUT without a body): that tells what became of it to a credential that may read nothing else. The
 * session's URL is as good as a credential, leads to the platform's own address or nowhere, and is
 * kept apart from the notes.
 *
 * developers.google.com/workspace/gmail/api/guides/uploads
 */

#include "action/adapter.h"
#include "base/buffer.h"

/*
 * A multiple of 256 KiB, as Google wants it; so large that 35 MiB, which is all that Gmail takes, go
 * through in ADAPTER_MAX_EXCHANGES with two more before them and a chunk that gets lost.
 */
#define UPLOAD_CHUNK_SIZE ((size_t)16 * 1024 * 1024)

/* The time of the first exchange: what the message is written from must be the same in each. */
uint64_t upload_date_usec(const struct adapter_input *input);

/* Whether an upload was begun. */
bool upload_is_begun(const struct adapter_input *input);

/*
 * The next exchange: the one that begins it with `metadata`, an object; or a chunk; or a question.
 * `path` is that of the method without /upload. `message` is whole, and the same each time.
 * Returns 0 or a negative errno with `error` filled.
 */
int upload_build(const struct adapter_input *input, const char *path, const char *metadata,
                 const struct buffer *message, struct http_request *ret, struct ae_error *error);

/*
 * Returns 0 when the upload is complete and the answer is that to the whole of it; otherwise what
 * an adapter's interpret() returns.
 */
int upload_interpret(const struct adapter_input *input, const struct http_response *response,
                     struct ae_error *error);

/* As `lost` of struct adapter_action. */
int upload_lost(const struct adapter_input *input);
