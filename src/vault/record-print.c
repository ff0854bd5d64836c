/* SPDX-License-Identifier: MIT */
#include "vault/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

static void print_text(const char *name, const char *text, size_t size, struct buffer *to) {
        buffer_printf(to, ",\"%s\":", name);
        json_print_string(text, size, to);
}

static void print_string(const char *name, const char *text, struct buffer *to) {
        if (text)
                print_text(name, text, strlen(text), to);
}

static void print_secret(const char *name, const struct secret *s, struct buffer *to) {
        if (s)
                print_text(name, s->data, s->size, to);
}

void record_print_facts(const struct record *r, struct buffer *to) {
        char expires_at[RFC3339_SIZE];

        if (r->expires_at_usec) {
                clock_format_rfc3339(r->expires_at_usec, expires_at);
                print_string("expires_at", expires_at, to);
        }
        if (r->scopes) {
                buffer_puts(to, ",\"scopes\":");
                json_print(r->scopes, to);
        }
}

/* Room for all of it at once: a buffer that has to grow leaves copies behind. */
static void reserve(const struct record *r, struct buffer *to) {
        const struct secret *const secrets[] = {
                r->access_token,
                r->refresh_token,
                r->service_account,
        };
        size_t n = RECORD_MAX_SCOPES * (RECORD_MAX_SCOPE + 3) + 6 * RECORD_MAX_IDENTITY + 1024;

        for (size_t i = 0; i < ELEMENTSOF(secrets); i++)
                n += secrets[i] ? 2 * secrets[i]->size : 0;
        (void)buffer_reserve(to, n);
}

/* Each member behind a comma. */
static void print_whole(const struct record *r, struct buffer *to) {
        reserve(r, to);
        print_secret("access_token", r->access_token, to);
        print_secret("refresh_token", r->refresh_token, to);
        if (r->service_account) {
                buffer_puts(to, ",\"service_account\":");
                buffer_append(to, r->service_account->data, r->service_account->size);
        }
        print_string("provider", r->provider, to);
        print_string("identity", r->identity, to);
        print_string("token_type", r->token_type, to);
        record_print_facts(r, to);
        if (r->refused)
                buffer_puts(to, ",\"refused\":true");
}

void record_print(const struct record *r, struct buffer *to) {
        size_t start = to->size;

        print_whole(r, to);
        if (to->size > start)
                to->data[start] = '{'; /* there is always a first member */
        buffer_putc(to, '}');
}

void record_print_owned(const struct record *r, const struct record_id *id, struct buffer *to) {
        buffer_puts(to, "\"user_id\":");
        json_print_string(id->user_id, strlen(id->user_id), to);
        buffer_printf(to, ",\"platform\":\"%s\",\"account\":\"%s\"", id->platform, id->account);
        print_whole(r, to);
}

void record_print_public(const struct record *r, struct buffer *to) {
        reserve(r, to);
        print_secret("access_token", r->access_token, to);
        print_string("token_type", r->token_type ? r->token_type : "Bearer", to);
        record_print_facts(r, to);
}
