/* SPDX-License-Identifier: MIT */
/*
 * Answers as JSON, back from who has a network.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "oauth/answer.h"
#include "oauth/members.h"
#include "oauth/scopes.h"

/* clang-format off */
static const char *const results[OAUTH_N_RESULTS] = {
        [OAUTH_OK]              = "ok",
        [OAUTH_PENDING]         = "pending",
        [OAUTH_SLOW_DOWN]       = "slow_down",
        [OAUTH_GRANT_REFUSED]   = "grant_refused",
        [OAUTH_CLIENT_REFUSED]  = "client_refused",
        [OAUTH_REQUEST_REFUSED] = "request_refused",
        [OAUTH_ADDRESS_REFUSED] = "address_refused",
        [OAUTH_UNREACHABLE]     = "unreachable",
        [OAUTH_NO_ANSWER]       = "no_answer",
        [OAUTH_NONSENSE]        = "nonsense",
};
/* clang-format on */

struct draft {
        char *result, *reason;
        struct json_slice tokens, facts;
};

struct token_draft {
        struct oauth_tokens tokens;
        char *expires_at;
        struct json_slice scopes;
};

#define DRAFT(field) offsetof(struct draft, field)
#define TOKEN(field) offsetof(struct token_draft, tokens.field)

/* clang-format off */
static const struct member draft_members[] = {
        { "result", MEMBER_TEXT,  DRAFT(result), 16, text_is_vschar, "" },
        { "reason", MEMBER_TEXT,  DRAFT(reason), OAUTH_REASON_SIZE - 1, text_is_line, "" },
        { "tokens", MEMBER_SLICE, DRAFT(tokens), 0, NULL, "" },
        { "facts",  MEMBER_SLICE, DRAFT(facts), 0, NULL, "" },
};

static const struct member token_members[] = {
        { "access_token",  MEMBER_SECRET, TOKEN(access_token), OAUTH_MAX_TOKEN, text_is_vschar, "" },
        { "refresh_token", MEMBER_SECRET, TOKEN(refresh_token), OAUTH_MAX_TOKEN, text_is_vschar, "" },
        { "token_type",    MEMBER_TEXT,   TOKEN(token_type), 64, text_is_scope, "" },
        { "identity",      MEMBER_TEXT,   TOKEN(identity), OAUTH_MAX_IDENTITY, text_is_line, "" },
        { "expires_at",    MEMBER_TEXT,   offsetof(struct token_draft, expires_at), 64,
          text_is_vschar, "" },
        { "scopes",        MEMBER_SLICE,  offsetof(struct token_draft, scopes), 0, NULL, "" },
};
/* clang-format on */

static void draft_done(struct draft *d) {
        free(d->result);
        free(d->reason);
}

static void token_draft_done(struct token_draft *d) {
        oauth_tokens_done(&d->tokens);
        free(d->expires_at);
}

static int find_result(const char *name, enum oauth_result *ret) {
        for (size_t i = 0; name && i < ELEMENTSOF(results); i++)
                if (strcmp(results[i], name) == 0) {
                        *ret = (enum oauth_result)i;
                        return 0;
                }
        return -EBADMSG;
}

static int read_tokens(const struct json_slice *s, struct oauth_tokens *ret) {
        _cleanup_(token_draft_done) struct token_draft d = { 0 };
        struct members_fault fault;
        int r;

        if (!s->text)
                return 0;
        r = members_read(&MEMBERS(token_members), s, &d, &fault);
        if (r < 0)
                return r;
        if (!d.tokens.access_token ||
            (d.expires_at && clock_parse_rfc3339(d.expires_at, &d.tokens.expires_at_usec) < 0))
                return -EBADMSG;
        if (d.scopes.text) {
                r = json_slice_tree(&d.scopes, &d.tokens.scopes);
                if (r < 0)
                        return r;
                if (!scopes_are_valid(d.tokens.scopes))
                        return -EBADMSG;
        }

        *ret = d.tokens;
        d.tokens = (struct oauth_tokens){ 0 };
        return 0;
}

static int read_facts(const struct json_slice *s, cJSON **ret) {
        if (!s->text)
                return 0;
        return s->type == JSON_OBJECT ? json_slice_tree(s, ret) : -EBADMSG;
}

int oauth_answer_parse(const struct json_slice *json, struct oauth_answer *ret) {
        _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
        _cleanup_(draft_done) struct draft d = { 0 };
        struct members_fault fault;
        int r;

        r = members_read(&MEMBERS(draft_members), json, &d, &fault);
        if (r >= 0)
                r = find_result(d.result, &a.result);
        if (r >= 0)
                r = read_tokens(&d.tokens, &a.tokens);
        if (r >= 0)
                r = read_facts(&d.facts, &a.facts);
        if (r < 0)
                return r;
        /* Only a success brings something, and only a failure says why. */
        if ((a.result == OAUTH_OK) == (d.reason != NULL) ||
            (a.result != OAUTH_OK && (a.tokens.access_token || a.facts)))
                return -EBADMSG;
        if (d.reason)
                strcpy(a.reason, d.reason);

        *ret = a;
        a = (struct oauth_answer){ 0 };
        return 0;
}

static void print_tokens(const struct oauth_tokens *t, struct buffer *to) {
        struct token_draft d = { .tokens = *t };
        char expires_at[RFC3339_SIZE];

        if (t->expires_at_usec) {
                clock_format_rfc3339(t->expires_at_usec, expires_at);
                d.expires_at = expires_at;
        }

        (void)buffer_reserve(to, members_size(&MEMBERS(token_members), &d) +
                                                 OAUTH_MAX_SCOPES * (OAUTH_MAX_SCOPE + 3));
        buffer_putc(to, '{');
        members_print(&MEMBERS(token_members), &d, to);
        if (t->scopes) {
                member_print_name("scopes", to);
                json_print(t->scopes, to);
        }
        buffer_putc(to, '}');
}

void oauth_answer_print(const struct oauth_answer *a, struct buffer *to) {
        struct draft d = { .result = (char *)results[a->result],
                           .reason = a->reason[0] ? (char *)a->reason : NULL };

        buffer_putc(to, '{');
        members_print(&MEMBERS(draft_members), &d, to);
        if (a->tokens.access_token) {
                member_print_name("tokens", to);
                print_tokens(&a->tokens, to);
        }
        if (a->facts) { /* never beside tokens, of which a buffer that grows would leave copies */
                member_print_name("facts", to);
                json_print(a->facts, to);
        }
        buffer_putc(to, '}');
}
