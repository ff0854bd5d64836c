/* SPDX-License-Identifier: MIT */
#include "common/explain.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/legible.h"
#include "mail/address.h"

#define MAX_NAMED 5 /* people in a sentence */

void explain_quote(struct buffer *summary, const char *text, size_t max) {
        _cleanup_(buffer_done) struct buffer legible = { 0 };

        legible_append(&legible, text, max);
        buffer_putc(summary, '\'');
        for (const char *p = legible.data; p && *p; p++)
                if (*p == '\'')
                        buffer_puts(summary, "’");
                else
                        buffer_putc(summary, *p);
        buffer_putc(summary, '\'');
        summary->failed |= legible.failed;
}

struct buffer *explain_fact(struct adapter_explanation *e, const char *name) {
        assert(e->n_facts < ADAPTER_MAX_FACTS);
        e->facts[e->n_facts].name = name;
        return &e->facts[e->n_facts++].value;
}

static bool holds_word(const struct buffer *list, const char *word) {
        size_t n = strlen(word);

        for (const char *p = list->data; p && *p;) {
                size_t size = strcspn(p, " ");

                if (size == n && memcmp(p, word, n) == 0)
                        return true;
                p += size;
                p += *p == ' ';
        }
        return false;
}

/* No element may hold a space, which parts them. */
static void add_word(struct buffer *list, const char *word) {
        if (list->size > 0)
                buffer_putc(list, ' ');
        for (; *word; word++)
                buffer_putc(list, *word == ' ' ? '?' : *word);
}

static void add_domain(struct buffer *list, const char *domain) {
        if (!holds_word(list, domain))
                add_word(list, domain);
}

/*
 * Beside a local part beyond ASCII a domain travels as U-labels; a rule knows one spelling alone.
 * What is no domain of an e-mail is told as it is.
 */
static int add_domain_of(struct buffer *list, const char *address) {
        const char *at = strrchr(address, '@');
        struct mailbox mailbox = { 0 };
        _cleanup_(freep) char *ascii = NULL;
        const char *reason;
        int r;

        if (asprintf(&ascii, "x@%s", at ? at + 1 : address) < 0) {
                ascii = NULL;
                return -ENOMEM;
        }
        r = mailbox_parse(ascii, &mailbox, &reason);
        if (r >= 0)
                add_domain(list, mailbox_domain(&mailbox));
        else if (r == -EINVAL)
                add_domain(list, ascii + 2);
        mailbox_done(&mailbox);
        return r == -EINVAL ? 0 : r;
}

struct explain_people explain_people(struct adapter_explanation *e, const char *addresses,
                                     const char *domains) {
        return (struct explain_people){
                .explanation = e,
                .addresses = explain_fact(e, addresses),
                .domains = explain_fact(e, domains),
        };
}

int explain_person(struct explain_people *p, const char *address) {
        struct buffer *summary = &p->explanation->summary;

        if (p->n < MAX_NAMED) {
                if (p->n > 0)
                        buffer_puts(summary, ", ");
                legible_append(summary, address, SIZE_MAX);
        }
        p->n++;
        add_word(p->addresses, address);
        return add_domain_of(p->domains, address);
}

void explain_people_end(struct explain_people *p) {
        size_t n = p->n > MAX_NAMED ? p->n - MAX_NAMED : 0;

        if (n > 0)
                buffer_printf(&p->explanation->summary, " and %zu other%s", n, n > 1 ? "s" : "");
}

int explain_end(const struct adapter_explanation *e) {
        int r = buffer_error(&e->summary);

        for (size_t i = 0; r >= 0 && i < e->n_facts; i++)
                r = buffer_error(&e->facts[i].value);
        return r;
}
