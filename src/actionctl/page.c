/* SPDX-License-Identifier: MIT */
#include "actionctl/page.h"

#include <string.h>

#include "actionctl/clean.h"

enum page_slot {
        PAGE_END,
        PAGE_TITLE,
        PAGE_TONE,
        PAGE_TEXT,
        PAGE_FACTS,
        PAGE_NEXT,
};

#include "page-pieces.h"

const char *page_security_policy(void) {
        return "default-src 'none'; style-src '" PAGE_STYLE "'; base-uri 'none'; "
               "form-action 'none'; frame-ancestors 'none'";
}

static const char *entity(char c) {
        switch (c) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\'':
                return "&#39;";
        default:
                return NULL;
        }
}

static void put_escaped(const char *text, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer clean = { 0 };

        output_clean(text, &clean);
        for (size_t i = 0; i < clean.size; i++) {
                const char *e = entity(clean.data[i]);

                if (e)
                        buffer_puts(to, e);
                else
                        buffer_putc(to, clean.data[i]);
        }
        if (buffer_error(&clean) < 0)
                to->failed = true;
}

static void put_fact(const struct outcome_fact *f, struct buffer *to) {
        buffer_puts(to, "<dt>");
        put_escaped(f->name, to);
        buffer_puts(to, "</dt><dd>");
        if (f->is_list)
                buffer_puts(to, "<ul>");
        for (size_t i = 0; i < f->n_values; i++) {
                buffer_puts(to, f->is_list ? "<li><code>" : "");
                put_escaped(f->values[i], to);
                buffer_puts(to, f->is_list ? "</code></li>" : "");
        }
        buffer_puts(to, f->is_list ? "</ul></dd>\n" : "</dd>\n");
}

static void put_facts(const struct outcome *o, struct buffer *to) {
        if (o->n_facts == 0)
                return;
        buffer_puts(to, "<dl>\n");
        for (size_t i = 0; i < o->n_facts; i++)
                put_fact(&o->facts[i], to);
        buffer_puts(to, "</dl>");
}

static void put_slot(const struct outcome *o, enum page_slot slot, struct buffer *to) {
        switch (slot) {
        case PAGE_TITLE:
                put_escaped(outcome_title(o), to);
                break;
        case PAGE_TONE:
                buffer_puts(to, outcome_tone(o));
                break;
        case PAGE_TEXT:
                put_escaped(outcome_text(o), to);
                break;
        case PAGE_FACTS:
                put_facts(o, to);
                break;
        case PAGE_NEXT:
                put_escaped(outcome_next(o), to);
                break;
        case PAGE_END:
                break;
        }
}

void page_render(const struct outcome *o, struct buffer *to) {
        for (size_t i = 0; i < ELEMENTSOF(page_pieces); i++) {
                buffer_puts(to, page_pieces[i].text);
                put_slot(o, page_pieces[i].slot, to);
        }
}
