/* SPDX-License-Identifier: MIT */
#include "gmail/upload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "common/word.h"
#include "google/answer.h"

#define MAX_URL 4096

/* The notes: numbers, but for the last. */
#define UPLOAD "upload"
#define DATE "date"     /* milliseconds since 1970 */
#define SIZE "size"     /* of the message */
#define OFFSET "offset" /* so much has arrived */
#define END "end"       /* of the chunk that left last, or is asked about */
#define ASKS "asks"     /* there while it is */

struct state {
        int64_t size, offset, end;
        bool asks;
};

static cJSON *notes_of(const struct adapter_input *input) {
        return cJSON_GetObjectItemCaseSensitive(input->notes, UPLOAD);
}

static struct state read_state(const struct adapter_input *input) {
        const cJSON *notes = notes_of(input);
        struct state s = { .asks = json_member(notes, ASKS) };

        (void)json_integer(notes, SIZE, &s.size);
        (void)json_integer(notes, OFFSET, &s.offset);
        (void)json_integer(notes, END, &s.end);
        return s;
}

static int note_number(const struct adapter_input *input, const char *name, int64_t n) {
        cJSON *notes = notes_of(input);

        cJSON_DeleteItemFromObjectCaseSensitive(notes, name);
        return cJSON_AddNumberToObject(notes, name, (double)n) ? 0 : -ENOMEM;
}

bool upload_is_begun(const struct adapter_input *input) {
        return notes_of(input);
}

uint64_t upload_date_usec(const struct adapter_input *input) {
        int64_t msec;

        if (json_integer(notes_of(input), DATE, &msec) < 0)
                return input->now_usec;
        return (uint64_t)msec * USEC_PER_MSEC;
}

static int begin(const struct adapter_input *input, size_t size) {
        if (upload_is_begun(input)) /* the token was refused, and this is the same once more */
                return 0;
        if (!cJSON_AddObjectToObject(input->notes, UPLOAD) ||
            note_number(input, DATE, (int64_t)(input->now_usec / USEC_PER_MSEC)) < 0 ||
            note_number(input, SIZE, (int64_t)size) < 0)
                return -ENOMEM;
        return 0;
}

static int build_start(const struct adapter_input *input, const char *path, const char *metadata,
                       size_t size, struct http_request *q) {
        char text[sizeof("18446744073709551615")];
        int r;

        q->method = "POST";
        q->repeatable = true; /* a session that nobody goes on with does nothing */
        if (asprintf(&q->url, "%s/upload%s?uploadType=resumable", input->base_url, path) < 0) {
                q->url = NULL;
                return -ENOMEM;
        }
        buffer_puts(&q->body, metadata);

        snprintf(text, sizeof(text), "%zu", size);
        r = http_request_header(q, "Content-Type", "application/json; charset=UTF-8");
        if (r >= 0)
                r = http_request_header(q, "X-Upload-Content-Type", "message/rfc822");
        if (r >= 0)
                r = http_request_header(q, "X-Upload-Content-Length", text);
        return r < 0 ? r : begin(input, size);
}

/*
 * A chunk before the last does nothing, but must not come twice: the second would not begin where
 * the first has ended. A question about it may.
 */
static int build_put(const struct adapter_input *input, const struct buffer *message,
                     struct http_request *q) {
        struct state s = read_state(input);
        char range[128];
        int r;

        if ((size_t)s.size != message->size || s.offset >= s.size)
                return -EINVAL;
        if (!s.asks) {
                s.end = s.size - s.offset > (int64_t)UPLOAD_CHUNK_SIZE
                                        ? s.offset + (int64_t)UPLOAD_CHUNK_SIZE
                                        : s.size;
                r = note_number(input, END, s.end);
                if (r < 0)
                        return r;
                buffer_append(&q->body, message->data + s.offset, (size_t)(s.end - s.offset));
                snprintf(range, sizeof(range), "bytes %lld-%lld/%lld", (long long)s.offset,
                         (long long)s.end - 1, (long long)s.size);
        } else
                snprintf(range, sizeof(range), "bytes */%lld", (long long)s.size);

        q->method = "PUT";
        q->harmless = s.end < s.size;
        q->repeatable = q->harmless && s.asks;
        q->secret_url = true;
        q->url = strdup((*input->session)->data);
        return q->url ? http_request_header(q, "Content-Range", range) : -ENOMEM;
}

int upload_build(const struct adapter_input *input, const char *path, const char *metadata,
                 const struct buffer *message, struct http_request *ret, struct ae_error *error) {
        int r;

        if (*input->session)
                r = build_put(input, message, ret);
        else
                r = build_start(input, path, metadata, message->size, ret);
        if (r >= 0)
                r = buffer_error(&ret->body);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

static int take_session(const struct adapter_input *input, const struct http_response *response,
                        struct ae_error *error) {
        const char *url = response->location;
        int r;

        if (response->status < 200 || response->status > 299)
                return google_error(response, "Gmail", input->now_usec, error);
        /* The token goes nowhere else. */
        if (!word_fits(url, MAX_URL) || !http_url_is_of_same_origin(url, input->base_url)) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_UPSTREAM_ERROR,
                                    "Gmail named no address of its own to upload to; nothing was "
                                    "sent");
        }
        r = secret_new(url, strlen(url), input->session);
        return r < 0 ? ae_error_from_errno(error, r) : ADAPTER_CONTINUE;
}

/* `bytes=0-41`: 42 have arrived; no header: none has. Not more than left, nor less than before. */
static int read_arrived(const struct http_response *response, const struct state *s, int64_t *ret) {
        static const char prefix[] = "bytes=0-";
        const char *digits = response->range + strlen(prefix);
        int64_t n = 0;

        if (*response->range) {
                if (strncmp(response->range, prefix, strlen(prefix)) != 0 || !*digits ||
                    strlen(digits) > 15 || digits[strspn(digits, "0123456789")])
                        return -EBADMSG;
                n = strtoll(digits, NULL, 10) + 1;
        }
        if (n < s->offset || n > s->end)
                return -EBADMSG;
        *ret = n;
        return 0;
}

static int ask(const struct adapter_input *input) {
        return cJSON_AddTrueToObject(notes_of(input), ASKS) ? ADAPTER_ASK : -ENOMEM;
}

/* Not everything is there yet, so nothing was carried out. */
static int take_incomplete(const struct adapter_input *input, const struct state *s,
                           const struct http_response *response, struct ae_error *error) {
        int64_t arrived;

        if (read_arrived(response, s, &arrived) < 0 || arrived == s->size) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_UPSTREAM_ERROR,
                                    "Gmail's answer about the upload cannot be understood");
        }
        if (input->n_exchanges_left == 0) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_UPSTREAM_ERROR,
                                    "Gmail took the upload too slowly, and it was given up");
        }
        cJSON_DeleteItemFromObjectCaseSensitive(notes_of(input), ASKS);
        if (note_number(input, OFFSET, arrived) < 0)
                return ae_error_from_errno(error, -ENOMEM);
        return ADAPTER_UNDONE;
}

static int take_complete(const struct state *s, const struct http_response *response,
                         struct ae_error *error) {
        if (s->end == s->size)
                return 0;
        error->upstream_status = response->status;
        return ae_error_set(error, AE_OUTCOME_UNKNOWN,
                            "Gmail took the upload for complete before it was; look at what became "
                            "of it before you repeat it");
}

int upload_interpret(const struct adapter_input *input, const struct http_response *response,
                     struct ae_error *error) {
        struct state s = read_state(input);

        if (!*input->session)
                return take_session(input, response, error);
        if (response->status >= 200 && response->status <= 299)
                return take_complete(&s, response, error);
        if (response->status == 308)
                return take_incomplete(input, &s, response, error);
        if (response->status >= 500) {
                int r = upload_lost(input);

                if (r != 0)
                        return r < 0 ? ae_error_from_errno(error, r) : r;
        }
        return google_error(response, "Gmail", input->now_usec, error);
}

/* Once for each chunk, and where what is not complete can be gone on with. */
int upload_lost(const struct adapter_input *input) {
        struct state s = read_state(input);
        bool is_last = s.end == s.size;

        if (!upload_is_begun(input) || !*input->session || s.asks ||
            input->n_exchanges_left < (is_last ? 1 : 2))
                return 0;
        return ask(input);
}
