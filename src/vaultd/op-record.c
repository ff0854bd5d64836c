/* SPDX-License-Identifier: MIT */
/*
 * Operations on records that ask no provider: store_token, status.
 */

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/json.h"
#include "vault/renew.h"
#include "vaultd/ops.h"
#include "vaultd/store.h"

int op_store_token(struct call *c, struct buffer *to, struct ae_error *error) {
        _cleanup_(record_done) struct record old = { 0 }, new = { 0 };
        static const struct keeper_writing over = { .only_if = NULL };
        struct keeper *k = &c->desk->keeper;
        int r;

        r = record_parse(c->request.credential, clock_usec(CLOCK_REALTIME), &new, error);
        if (r < 0)
                return r;

        /* What this key cannot open may be all that is left of it: not to be written over. */
        r = keeper_read(k, &c->id, &old, NULL, error);
        if (r < 0 && error->code != AE_NOT_CONNECTED)
                return r;
        ae_error_done(error);

        r = keeper_write(k, &c->id, &new, &over, error);
        if (r < 0)
                return r;
        log_info("Stored the credential of %s/%s/%s", c->id.user_id, c->id.platform, c->id.account);
        call_print_id(c, to);
        return CALL_ANSWERED;
}

/* Of identities in one answer: a line holds a user's records, and not the longest name of each. */
#define MAX_IDENTITIES ((size_t)48 << 10)

struct listing {
        struct buffer *to;
        uint64_t now_usec;
        size_t n_identities; /* bytes */
        const char *separator;
};

static int list_record(const struct record_id *id, const struct record *r, void *userdata) {
        struct listing *l = userdata;
        size_t start;

        buffer_printf(l->to, "%s{\"platform\":\"%s\",\"account\":\"%s\",\"status\":\"%s\"",
                      l->separator, id->platform, id->account,
                      record_renewal(r, l->now_usec, NULL) == RENEW_NEVER ? "token_expired"
                                                                          : "active");
        start = l->to->size;
        if (r->identity && l->n_identities < MAX_IDENTITIES) {
                buffer_puts(l->to, ",\"identity\":");
                json_print_string(r->identity, strlen(r->identity), l->to);
        }
        l->n_identities += l->to->size - start;
        buffer_putc(l->to, '}');
        l->separator = ",";
        return 0;
}

int op_status(struct call *c, struct buffer *to, struct ae_error *error) {
        struct listing listing = {
                .to = to,
                .now_usec = clock_usec(CLOCK_REALTIME),
                .separator = "",
        };
        int r;

        buffer_printf(to, "\"state\":\"ok\",\"records\":%zu", store_count(c->desk->keeper.store));
        if (!c->id.user_id)
                return CALL_ANSWERED;

        buffer_puts(to, ",\"connected_platforms\":[");
        r = keeper_list(&c->desk->keeper, c->id.user_id, list_record, &listing, error);
        if (r < 0)
                return r;
        buffer_putc(to, ']');
        return CALL_ANSWERED;
}
