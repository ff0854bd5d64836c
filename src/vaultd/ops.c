/* SPDX-License-Identifier: MIT */
#include "vaultd/ops.h"

/*
 * The vault's side of the wire: framing and strictness of action-engine-protocol(7), lines of at
 * most 128 KiB. A request is answered before the next line is read.
 *
 *   request   {"id":1,"op":"get_token","user_id":"u1","platform":"gmail","account":"default"}
 *   answer    {"id":1,"status":"success","result":{…}}
 *             {"id":1,"status":"error","error":{"code":"…","message":"…","retryable":false}}
 *
 * `id` is an integer within ±2^53 or a string of at most 128 bytes, and is demanded; an error whose
 * request had none that could be read carries `line` instead. An absent `account` is "default". A
 * field that the op does not take is refused by its name.
 *
 *   op            takes                                     gives
 *   get_token     user_id, platform, account?, rejected?    user_id, platform, account,
 *                                                           access_token, token_type, expires_at?,
 *                                                           scopes?; never the refresh token
 *   store_token   user_id, platform, account?, credential   user_id, platform, account
 *   delete_token  user_id, platform, account?               user_id, platform, account
 *   status        user_id?                                  state ("ok"), records; with a user_id
 *                                                           connected_platforms: [{platform,
 *                                                           account, status: "active" or
 *                                                           "token_expired"}]
 *
 * `rejected` is the hex SHA-256 of an access token that the platform refused. `credential` is told
 * in record.h.
 *
 *   error                      when
 *   not_connected              there is no such record
 *   reauthorization_required   the access token has expired, or is the rejected one
 *   store_unavailable          SQLite failed: nothing was changed, or it is not known
 *   internal                   the record cannot be opened; nothing was changed. store_token does
 *                              not write over it either, delete_token does away with it
 *   invalid_json, invalid_request, message_too_large, unknown_op
 *                              the line itself
 *   forbidden                  the peer is not the configured user; the connection is closed
 */

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/json.h"
#include "vault/record.h"
#include "vaultd/request.h"
#include "vaultd/seal.h"
#include "vaultd/store.h"

struct call {
        const struct keeper *keeper;
        const struct request *request;
        struct record_id id; /* its user_id is NULL when the op can do without, and does */
        uint64_t now_usec;
};

/* Each operation writes its result's members, the first without a comma before it. */

static void print_id(const struct record_id *id, struct buffer *to) {
        buffer_puts(to, "\"user_id\":");
        json_print_string(id->user_id, strlen(id->user_id), to);
        buffer_printf(to, ",\"platform\":\"%s\",\"account\":\"%s\"", id->platform, id->account);
}

/* Tells what the store cannot do, and logs it: nobody below did, and above it is an answer. */
static int store_error(const struct call *c, int r, struct ae_error *error) {
        switch (r) {
        case -ENOENT:
                return ae_error_set(error, AE_NOT_CONNECTED, "there is no record of %s/%s/%s",
                                    c->id.user_id, c->id.platform, c->id.account);
        case -EDQUOT:
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'%s' has %d records, which is the most a user may have",
                                    c->id.user_id, STORE_MAX_PER_USER);
        case -ENOMEM:
                return r;
        default:
                log_error("The vault's store failed: %s", store_problem(c->keeper->store));
                return ae_error_set(error, AE_STORE_UNAVAILABLE, "the vault's store failed: %s",
                                    store_problem(c->keeper->store));
        }
}

/* Opens what was sealed. */
static int open_record(const struct call *c, const struct record_id *id, const void *sealed,
                       size_t size, struct record *ret, struct ae_error *error) {
        _cleanup_(ae_error_done) struct ae_error damage = { 0 };
        _cleanup_(secret_freep) struct secret *plain = NULL;
        int r;

        r = seal_open(c->keeper->key, id, sealed, size, &plain);
        if (r == 0)
                r = record_parse(&(struct json_slice){ .text = plain->data, .size = plain->size },
                                 c->now_usec, ret, &damage);
        if (r == 0 || r == -ENOMEM)
                return r;

        r = ae_error_set(error, AE_INTERNAL,
                         "the record of %s/%s/%s cannot be opened: wrong key or damaged; nothing "
                         "was changed",
                         id->user_id, id->platform, id->account);
        log_error("%s", error->message);
        return r;
}

static int load_record(const struct call *c, struct record *ret, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        int r;

        r = store_read(c->keeper->store, &c->id, &sealed);
        if (r < 0)
                return store_error(c, r, error);
        return open_record(c, &c->id, sealed.data, sealed.size, ret, error);
}

static int op_get_token(const struct call *c, struct buffer *to, struct ae_error *error) {
        _cleanup_(record_done) struct record record = { 0 };
        int r;

        r = load_record(c, &record, error);
        if (r < 0)
                return r;
        if (record_is_expired(&record, c->now_usec))
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "the access token of %s has expired; connect it again",
                                    c->id.platform);
        if (c->request->given & FIELD_REJECTED && record_token_is(&record, c->request->rejected))
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "%s refuses the access token; connect it again",
                                    c->id.platform);

        print_id(&c->id, to);
        record_print_public(&record, to);
        return 0;
}

static int op_store_token(const struct call *c, struct buffer *to, struct ae_error *error) {
        _cleanup_(record_done) struct record old = { 0 }, new = { 0 };
        _cleanup_(buffer_done) struct buffer plain = { 0 }, sealed = { 0 };
        int r;

        r = record_parse(c->request->credential, c->now_usec, &new, error);
        if (r < 0)
                return r;

        /* What this key cannot open may be all that is left of it: not to be written over. */
        r = load_record(c, &old, error);
        if (r < 0 && error->code != AE_NOT_CONNECTED)
                return r;
        ae_error_done(error);

        record_print(&new, &plain);
        r = buffer_error(&plain);
        if (r == 0)
                r = seal(c->keeper->key, &c->id, plain.data, plain.size, &sealed);
        if (plain.data)
                sodium_memzero(plain.data, plain.size);
        if (r < 0)
                return r;

        r = store_write(c->keeper->store, &c->id, sealed.data, sealed.size);
        if (r < 0)
                return store_error(c, r, error);

        log_info("Stored the credential of %s/%s/%s", c->id.user_id, c->id.platform, c->id.account);
        print_id(&c->id, to);
        return 0;
}

static int op_delete_token(const struct call *c, struct buffer *to, struct ae_error *error) {
        int r;

        r = store_delete(c->keeper->store, &c->id);
        if (r < 0)
                return store_error(c, r, error);

        log_info("Deleted the credential of %s/%s/%s", c->id.user_id, c->id.platform,
                 c->id.account);
        print_id(&c->id, to);
        return 0;
}

struct listing {
        const struct call *call;
        struct buffer *to;
        struct ae_error *error;
        const char *separator;
};

static int list_record(const struct record_id *id, const void *sealed, size_t size,
                       void *userdata) {
        _cleanup_(record_done) struct record record = { 0 };
        struct listing *l = userdata;
        int r;

        r = open_record(l->call, id, sealed, size, &record, l->error);
        if (r < 0)
                return r;

        buffer_printf(l->to, "%s{\"platform\":\"%s\",\"account\":\"%s\",\"status\":\"%s\"}",
                      l->separator, id->platform, id->account,
                      record_is_expired(&record, l->call->now_usec) ? "token_expired" : "active");
        l->separator = ",";
        return 0;
}

static int op_status(const struct call *c, struct buffer *to, struct ae_error *error) {
        struct listing listing = { .call = c, .to = to, .error = error, .separator = "" };
        int r;

        buffer_printf(to, "\"state\":\"ok\",\"records\":%zu", store_count(c->keeper->store));
        if (!c->id.user_id)
                return 0;

        buffer_puts(to, ",\"connected_platforms\":[");
        r = store_list(c->keeper->store, c->id.user_id, list_record, &listing);
        if (r < 0)
                return error->code == AE_NONE ? store_error(c, r, error) : r;
        buffer_putc(to, ']');
        return 0;
}

#define RECORD (FIELD_USER_ID | FIELD_PLATFORM)

/* clang-format off */
static const struct op {
        struct request_shape shape; /* its name, what it needs, what it may have */
        int (*run)(const struct call *c, struct buffer *to, struct ae_error *error);
} ops[] = {
        { { "delete_token", RECORD,                    FIELD_ACCOUNT                  }, op_delete_token },
        { { "get_token",    RECORD,                    FIELD_ACCOUNT | FIELD_REJECTED }, op_get_token    },
        { { "status",       0,                         FIELD_USER_ID                  }, op_status       },
        { { "store_token",  RECORD | FIELD_CREDENTIAL, FIELD_ACCOUNT                  }, op_store_token  },
};
/* clang-format on */

static int find_op(const struct json_envelope *e, const struct op **ret, struct ae_error *error) {
        const struct json_slice *s = json_envelope_find(e, "op");
        _cleanup_(freep) char *name = NULL;
        int r;

        if (!s || s->type != JSON_STRING)
                return ae_error_set(error, AE_INVALID_REQUEST, "'op' must be there, a string");
        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                if (json_slice_equals(s, ops[i].shape.op)) {
                        *ret = &ops[i];
                        return 0;
                }

        r = json_slice_string(s, &name);
        if (r < 0)
                return r;
        return ae_error_set(error, AE_UNKNOWN_OP, "there is no operation '%.64s'", name);
}

static int run_line(const struct keeper *keeper, struct request *q, const char *line, size_t size,
                    struct buffer *to, struct ae_error *error) {
        const struct op *op = NULL;
        struct call c;
        int r;

        r = request_scan(q, line, size, error);
        if (r < 0)
                return r;
        r = find_op(&q->envelope, &op, error);
        if (r < 0)
                return r;
        r = request_read(q, &op->shape, error);
        if (r < 0)
                return r;

        c = (struct call){
                .keeper = keeper,
                .request = q,
                .id = { q->user_id, q->platform, q->account ?: "default" },
                .now_usec = clock_usec(CLOCK_REALTIME),
        };
        buffer_puts(to, "{\"id\":");
        buffer_append(to, q->id->text, q->id->size);
        buffer_puts(to, ",\"status\":\"success\",\"result\":{");
        r = op->run(&c, to, error);
        buffer_puts(to, "}}");
        return r;
}

static void print_error(const struct json_slice *id, uint64_t number, const struct ae_error *error,
                        struct buffer *to) {
        if (to->data)
                sodium_memzero(to->data, to->size);
        buffer_clear(to);

        buffer_putc(to, '{');
        if (id) {
                buffer_puts(to, "\"id\":");
                buffer_append(to, id->text, id->size);
                buffer_putc(to, ',');
        } else if (number > 0)
                buffer_printf(to, "\"line\":%" PRIu64 ",", number);
        buffer_printf(to, "\"status\":\"error\",\"error\":{\"code\":\"%s\",\"message\":",
                      ae_code_name(error->code));
        json_print_string(error->message, strlen(error->message), to);
        buffer_printf(to, ",\"retryable\":%s}}", ae_code_retryable(error->code) ? "true" : "false");
}

void ops_answer(const struct keeper *keeper, const char *line, size_t size, uint64_t number,
                struct buffer *to) {
        _cleanup_(request_done) struct request q = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        int r;

        r = run_line(keeper, &q, line, size, to, &error);
        if (r >= 0)
                return;
        if (error.code == AE_NONE)
                (void)ae_error_set(&error, AE_INTERNAL, "the vault failed: %s", strerror(-r));
        print_error(q.id, number, &error, to);
}

void ops_refuse(const struct ae_error *error, uint64_t number, struct buffer *to) {
        print_error(NULL, number, error, to);
}
