/* SPDX-License-Identifier: MIT */
/*
 * One call on one easy handle: what libcurl is told to do, what it may not do, and what its result
 * means. It runs inside libcurl, so that it starts and ends nothing: it refuses, and libcurl then
 * ends the transfer.
 *
 * libcurl repeats a request by itself when a connection that it re-used dies without an answer. The
 * pre-request callback sees the second attempt come, and that is where it is stopped.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/client.h"

#define MAX_ANSWER_LINES 256
#define MAX_ANSWER_HEADER_BYTES 65536
#define MAX_ANSWER_VALUE_BYTES 8192

/* So many bytes of a secret in an answer are no accident. */
#define MIN_QUOTE ((size_t)16)

/*
 * Up to here libcurl sends head and body in one piece, straight from our memory, and the last byte
 * counts as handed over when the request begins to leave. Longer ones it fetches piece by piece.
 */
#define MAX_BODY_AT_ONCE 16384

static size_t refuse(struct http_call *call, enum http_failure failure, const char *reason) {
        call->verdict.failure = failure;
        call->verdict.reason = reason;
        return 0; /* what write and header callbacks give to end the transfer */
}

static const char address_is_refused[] =
                "that address is not public, and AllowAddress= does not list it";

static bool is_body_at_once(const struct http_call *call) {
        return call->request->body.size <= MAX_BODY_AT_ONCE;
}

/* The connection is there and the request would leave next. */
static int on_request(void *userdata, char *peer_ip, char *own_ip, int peer_port, int own_port) {
        struct http_call *call = userdata;
        struct http_client *c = call->client;

        if (call->response.left && !call->request->repeatable) {
                refuse(call, HTTP_NO_ANSWER, "the connection was lost after the request had left");
                return CURL_PREREQFUNC_ABORT;
        }
        if (!http_place_takes_peer(call, peer_ip, peer_port)) {
                refuse(call, HTTP_REFUSED_ADDRESS, address_is_refused);
                return CURL_PREREQFUNC_ABORT;
        }
        http_socket_find(call, &(struct http_ends){ own_ip, peer_ip, own_port, peer_port });
        if (http_socket_is_stale(call)) {
                call->is_stale = true;
                return CURL_PREREQFUNC_ABORT;
        }

        if (!call->response.left && call->handler.on_leaving) {
                c->leaving = call;
                call->handler.on_leaving(call->userdata);
                c->leaving = NULL;
                if (call->cancelled)
                        return CURL_PREREQFUNC_ABORT;
        }
        call->response.left = true;
        if (is_body_at_once(call))
                http_call_waits(call);
        return CURL_PREREQFUNC_OK;
}

static size_t on_body_wanted(char *to, size_t size, size_t n, void *userdata) {
        struct http_call *call = userdata;
        const struct buffer *body = &call->request->body;
        size_t left = body->size - call->body_taken;

        n *= size;
        if (n > left)
                n = left;
        memcpy(to, body->data + call->body_taken, n);
        call->body_taken += n;
        if (call->body_taken == body->size)
                http_call_waits(call);
        return n;
}

static int on_body_rewind(void *userdata, curl_off_t offset, int origin) {
        struct http_call *call = userdata;

        if (origin != SEEK_SET || offset < 0 || (size_t)offset > call->request->body.size)
                return CURL_SEEKFUNC_FAIL;
        call->body_taken = (size_t)offset;
        return CURL_SEEKFUNC_OK;
}

/* The whole of it, its beginning or its end: nobody quotes the middle. */
static bool quotes(const char *text, size_t size, const char *secret, size_t secret_size) {
        size_t piece = secret_size < MIN_QUOTE ? secret_size : MIN_QUOTE;

        return piece > 0 && (memmem(text, size, secret, piece) ||
                             memmem(text, size, secret + secret_size - piece, piece));
}

/*
 * A connection of HTTP/2 keeps its last frames, and the headers that it was told: where an answer
 * says our own secrets back to us, it ends with the answer.
 */
static void look_for_quotes(struct http_call *call, const char *text, size_t size) {
        const struct http_request *q = call->request;
        bool found = q->bearer && quotes(text, size, q->bearer->data, q->bearer->size);

        for (size_t i = 0; !found && i < q->n_headers; i++)
                found = q->headers[i].secret &&
                        quotes(text, size, q->headers[i].value, strlen(q->headers[i].value));
        if (!found || call->quoted)
                return;
        call->quoted = true;
        (void)curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
}

/*
 * RFC 9112 §6.3: an answer of two lengths is none. Who says so wants the rest of it to be taken for
 * the answer to another request.
 */
static bool is_length_clear(struct http_call *call, const char *line, size_t size) {
        static const char name[] = "Content-Length:";
        size_t n = strlen(name);

        if (size < n || strncasecmp(line, name, n) != 0)
                return true;
        while (n < size && strchr(" \t", line[n]))
                n++;
        line += n;
        size -= n;
        while (size > 0 && strchr(" \t\r\n", line[size - 1]))
                size--;

        if (size == 0 || size >= sizeof(call->length))
                return false;
        for (size_t i = 0; i < size; i++)
                if (line[i] < '0' || line[i] > '9')
                        return false;
        if (call->length[0])
                return strlen(call->length) == size && memcmp(call->length, line, size) == 0;
        memcpy(call->length, line, size);
        call->length[size] = 0;
        return true;
}

static void begin_head(struct http_call *call, const char *line, size_t n) {
        call->head_is_whole = false; /* the one before was an interim answer's */
        call->length[0] = 0;
        if (call->socket && n >= 6 && memcmp(line, "HTTP/1", 6) == 0)
                call->socket->is_http_1 = true;
}

static size_t on_header(char *line, size_t size, size_t n, void *userdata) {
        struct http_call *call = userdata;

        n *= size;
        http_call_hears(call);
        if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
                begin_head(call, line, n);
        else if (n == strspn(line, "\r\n"))
                call->head_is_whole = true;

        look_for_quotes(call, line, n);
        call->n_answer_lines++;
        call->answer_header_bytes += n;
        if (call->n_answer_lines > MAX_ANSWER_LINES ||
            call->answer_header_bytes > MAX_ANSWER_HEADER_BYTES)
                return refuse(call, HTTP_ANSWER_TOO_LARGE, "the answer's header is too large");
        if (!is_length_clear(call, line, n))
                return refuse(call, HTTP_NO_ANSWER, "the answer does not say one length");
        return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata) {
        struct http_call *call = userdata;
        size_t before = call->answer.size < MIN_QUOTE ? call->answer.size : MIN_QUOTE - 1;

        n *= size;
        if (n > call->client->options.max_response_bytes - call->answer.size)
                return refuse(call, HTTP_ANSWER_TOO_LARGE, "the answer's body is too large");
        buffer_append(&call->answer, data, n);
        if (buffer_error(&call->answer) < 0)
                return refuse(call, HTTP_NO_ANSWER, "no memory for the answer");
        look_for_quotes(call, call->answer.data + call->answer.size - n - before, n + before);
        return n;
}

static bool has_header(const struct http_request *q, const char *name) {
        for (size_t i = 0; i < q->n_headers; i++)
                if (strcasecmp(q->headers[i].name, name) == 0)
                        return true;
        return false;
}

/* libcurl only reads the list, so its nodes stand in the call and not in many small allocations. */
static void add_line(struct http_call *call, char *line) {
        struct curl_slist *node = &call->headers[call->n_headers];

        node->data = line;
        if (call->n_headers > 0)
                call->headers[call->n_headers - 1].next = node;
        call->n_headers++;
}

/* Returns behind the line. In libcurl's list, a header without a value ends in ';'. */
static char *write_line(struct http_call *call, char *to, const char *name, const char *prefix,
                        const char *value, size_t size) {
        char *line = to;

        to = stpcpy(to, name);
        to = stpcpy(to, size > 0 ? ": " : ";");
        to = stpcpy(to, prefix);
        to = mempcpy(to, value, size);
        *to = 0;
        add_line(call, line);
        return to + 1;
}

int http_transfer_headers(struct http_call *call) {
        const struct http_request *q = call->request;
        size_t size = 1;
        char *to;

        for (size_t i = 0; i < q->n_headers; i++) {
                const struct http_header *h = &q->headers[i];

                if (!http_is_field_text(h->value, strlen(h->value)))
                        return -EINVAL;
                size += strlen(h->name) + strlen(": ") + strlen(h->value) + 1;
        }
        if (q->bearer) {
                if (!http_is_field_text(q->bearer->data, q->bearer->size))
                        return -EINVAL;
                size += strlen("Authorization: Bearer ") + q->bearer->size + 1;
        }

        /* In one piece, so that nothing is left behind by growing, and one wipe gets it all. */
        call->header_text = malloc(size);
        if (!call->header_text)
                return -ENOMEM;
        call->header_text_size = size;

        to = call->header_text;
        for (size_t i = 0; i < q->n_headers; i++) {
                const char *value = q->headers[i].value + strspn(q->headers[i].value, " \t");

                to = write_line(call, to, q->headers[i].name, "", value, strlen(value));
        }
        if (q->bearer)
                (void)write_line(call, to, "Authorization", "Bearer ", q->bearer->data,
                                 q->bearer->size);

        add_line(call, (char *)"Expect:");
        if (!has_header(q, "Content-Type"))
                add_line(call, (char *)"Content-Type:");
        return 0;
}

static bool set_long(CURL *e, CURLoption option, long value) {
        return curl_easy_setopt(e, option, value) == CURLE_OK;
}

static bool set_text(CURL *e, CURLoption option, const char *text) {
        return curl_easy_setopt(e, option, text) == CURLE_OK;
}

/* What is the same for every call of every client. */
static bool set_rules(CURL *e, const char *protocols) {
        static const struct {
                CURLoption option;
                long value;
        } rules[] = {
                { CURLOPT_NOSIGNAL, 1 },
                { CURLOPT_FOLLOWLOCATION, 0 },
                { CURLOPT_SSL_VERIFYPEER, 1 },
                { CURLOPT_SSL_VERIFYHOST, 2 },
                { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
                { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
                /* Else ending a call would wait, on the event loop, for a name that hangs. */
                { CURLOPT_QUICK_EXIT, 1 },
        };
        const struct {
                CURLoption option;
                const char *value;
        } texts[] = {
                { CURLOPT_PROTOCOLS_STR, protocols },
                { CURLOPT_PROXY, "" },
                { CURLOPT_NOPROXY, "*" },
                /* With a directory beside the file, libcurl reads all authorities anew each time. */
                { CURLOPT_CAPATH, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (!set_long(e, rules[i].option, rules[i].value))
                        return false;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (!set_text(e, texts[i].option, texts[i].value))
                        return false;
        return true;
}

int http_transfer_rules(struct http_call *call, const char *protocols) {
        const char *ca_file = call->client->options.ca_file;
        CURL *easy = call->easy;

        if (!set_rules(easy, protocols) ||
            curl_easy_setopt(easy, CURLOPT_PRIVATE, call) != CURLE_OK ||
            curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->response.reason) != CURLE_OK ||
            (ca_file && !set_text(easy, CURLOPT_CAINFO, ca_file)))
                return -ENOMEM;
        return http_place_watch(call);
}

static bool set_callbacks(CURL *e, struct http_call *call) {
        return curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_PREREQDATA, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_HEADERDATA, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_WRITEDATA, call) == CURLE_OK;
}

static bool set_body(CURL *e, struct http_call *call) {
        const struct buffer *body = &call->request->body;

        if (!set_long(e, CURLOPT_POST, 1) ||
            curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size) != CURLE_OK)
                return false;
        if (is_body_at_once(call))
                return set_text(e, CURLOPT_POSTFIELDS, body->data ? body->data : "");
        return curl_easy_setopt(e, CURLOPT_READFUNCTION, on_body_wanted) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_READDATA, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_body_rewind) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_SEEKDATA, call) == CURLE_OK;
}

/* POST, PUT and PATCH say how long their body is even when it is empty. */
static bool set_method(CURL *e, struct http_call *call) {
        static const char *const with_body[] = { "PATCH", "POST", "PUT" };
        const struct http_request *q = call->request;
        bool has_body = q->body.size > 0;

        for (size_t i = 0; i < ELEMENTSOF(with_body); i++)
                has_body = has_body || strcmp(q->method, with_body[i]) == 0;

        if (has_body && !set_body(e, call))
                return false;
        if (strcmp(q->method, "HEAD") == 0)
                return set_long(e, CURLOPT_NOBODY, 1);
        if (strcmp(q->method, has_body ? "POST" : "GET") == 0)
                return true;
        return set_text(e, CURLOPT_CUSTOMREQUEST, q->method);
}

/*
 * A connection of HTTP/2 remembers: the last frames that came, in which an answer may quote the
 * hook that it is from, and each header of ours, in case it comes again, but Authorization.
 */
static bool is_to_be_forgotten(const struct http_request *q) {
        bool found = q->secret_answer || q->secret_url;

        for (size_t i = 0; !found && i < q->n_headers; i++)
                found = q->headers[i].secret;
        return found;
}

static bool set_call(CURL *e, struct http_call *call) {
        const struct http_options *o = &call->client->options;

        return set_text(e, CURLOPT_URL, call->request->url) &&
               (!is_to_be_forgotten(call->request) ||
                set_long(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)) &&
               /* Only TLS says before the first answer whether the peer speaks HTTP/2. */
               set_long(e, CURLOPT_PIPEWAIT, strncasecmp(call->request->url, "https:", 6) == 0) &&
               set_long(e, CURLOPT_CONNECTTIMEOUT_MS,
                        (long)((o->connect_timeout_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC)) &&
               curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
               (!o->user_agent || set_text(e, CURLOPT_USERAGENT, o->user_agent)) &&
               (!o->unix_socket || set_text(e, CURLOPT_UNIX_SOCKET_PATH, o->unix_socket));
}

int http_transfer_prepare(struct http_call *call) {
        struct http_client *c = call->client;

        call->easy = c->n_idle > 0 ? c->idle[--c->n_idle] : curl_easy_init();
        if (!call->easy)
                return -ENOMEM;
        if (http_transfer_rules(call, "http,https") < 0 || !set_callbacks(call->easy, call) ||
            !set_method(call->easy, call) || !set_call(call->easy, call))
                return -ENOMEM;
        return 0;
}

/*
 * A handle that is reset keeps its last URL, in pieces, and the last line of an answer's header, or
 * what should have been one. It is worth keeping where that is nothing to hide.
 */
static bool is_handle_clean(const struct http_call *call) {
        return !call->secret_url && !call->mail && call->head_is_whole && !call->quoted;
}

/* The request may be gone. */
void http_transfer_release(struct http_call *call) {
        struct http_client *c = call->client;
        CURL *easy = TAKE_PTR(call->easy);

        if (easy && c->web && is_handle_clean(call) && c->n_idle < MAX_IDLE_HANDLES) {
                curl_easy_reset(easy);
                c->idle[c->n_idle++] = easy;
        } else
                curl_easy_cleanup(easy);
}

static enum http_failure classify(const struct http_call *call, CURLcode code) {
        bool by_time = code == CURLE_OPERATION_TIMEDOUT;

        if (http_place_is_closed(call, code))
                return HTTP_REFUSED_ADDRESS;
        if (code == CURLE_OK)
                /* libcurl is content with a head that breaks off. */
                return call->head_is_whole ? HTTP_ANSWERED : HTTP_NO_ANSWER;
        if (call->response.left)
                return by_time ? HTTP_ANSWER_TIMEOUT : HTTP_NO_ANSWER;
        return by_time ? HTTP_CONNECT_TIMEOUT : HTTP_NOT_CONNECTED;
}

static const char *reason_of(const struct http_response *a, CURLcode code) {
        if (code == CURLE_OK)
                return "the answer's header broke off";
        if (a->failure == HTTP_REFUSED_ADDRESS)
                return address_is_refused;
        return a->reason[0] ? a->reason : curl_easy_strerror(code);
}

static const char *answer_header(struct http_call *call, const char *name) {
        struct curl_header *h;

        if (curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK ||
            h->amount != 1 || strlen(h->value) > MAX_ANSWER_VALUE_BYTES)
                return "";
        return h->value;
}

void http_transfer_conclude(struct http_call *call, CURLcode code) {
        struct http_response *a = &call->response;
        char *text = a->reason;
        long status = 0;

        if (call->verdict.reason) {
                a->failure = call->verdict.failure;
                ae_error_quote(text, sizeof(a->reason), call->verdict.reason);
        } else {
                a->failure = classify(call, code);
                if (a->failure == HTTP_ANSWERED)
                        text[0] = 0;
                else
                        ae_error_quote(text, sizeof(a->reason), reason_of(a, code));
        }

        a->body = a->content_type = a->date = a->retry_after = a->location = a->range = "";
        if (!call->easy)
                return;

        (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200)
                a->status = (int)status;
        a->content_type = answer_header(call, "Content-Type");
        a->date = answer_header(call, "Date");
        a->retry_after = answer_header(call, "Retry-After");
        a->location = answer_header(call, "Location");
        a->range = answer_header(call, "Range");
        if (a->failure == HTTP_ANSWERED && call->answer.size > 0) {
                a->body = call->answer.data;
                a->body_size = call->answer.size;
        }
}
