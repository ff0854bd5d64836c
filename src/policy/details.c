/* SPDX-License-Identifier: MIT */
#include "policy/details.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* The facts that an adapter may give. What is not in here would be ours to mend, not a client's. */
static const char *const fact_names[] = {
        "attendee_domains", "attendees",    "calendar_id", "data_source",       "database",
        "event_id",         "hook",         "page",        "recipient_domains", "recipients",
        "reply_to_domains", "send_updates",
};

/* Ranges of what a value must not hold: controls, marks of direction, and what is not seen. */
static const struct {
        uint32_t first, last;
} unwanted[] = {
        { 0x00, 0x1f },     { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
        { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
        { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
};

static bool is_unwanted(uint32_t c) {
        for (size_t i = 0; i < ELEMENTSOF(unwanted); i++)
                if (c >= unwanted[i].first && c <= unwanted[i].last)
                        return true;
        return false;
}

static uint32_t decode(const char *text, size_t n) {
        const unsigned char *at = (const unsigned char *)text;
        uint32_t c = n == 1 ? at[0] : at[0] & (0xffU >> (n + 1));

        for (size_t i = 1; i < n; i++)
                c = c << 6 | (at[i] & 0x3fU);
        return c;
}

void details_clean(const char *text, struct buffer *to) {
        size_t left = strlen(text), n;

        for (; left > 0; text += n, left -= n) {
                n = (unsigned char)*text < 0x80 ? 1 : utf8_span(text, left);
                if (n == 0 || is_unwanted(decode(text, n)) || (*text == '$' && text[1] == '(')) {
                        buffer_putc(to, '?');
                        n = n == 0 ? 1 : n;
                } else
                        buffer_append(to, text, n);
        }
}

void details_done(struct details *d) {
        for (size_t i = 0; i < d->n; i++)
                buffer_done(&d->of[i].value);
        *d = (struct details){ 0 };
}

static int add(struct details *d, const char *name, const char *value, struct ae_error *error) {
        struct buffer *to = &d->of[d->n].value;

        if (strlen(value) > POLICY_MAX_VALUE)
                return ae_error_set(error, AE_FORBIDDEN,
                                    "its '%s' are longer than the %d bytes that policy can decide "
                                    "by; send it in smaller parts",
                                    name, POLICY_MAX_VALUE);
        d->of[d->n++].name = name;
        details_clean(value, to);
        buffer_append(to, "", 0); /* so that there is text, if an empty one */
        return buffer_error(to);
}

static const char *find_fact_name(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(fact_names); i++)
                if (strcmp(fact_names[i], name) == 0)
                        return fact_names[i];
        return NULL;
}

int details_make(const struct policy_question *q, struct details *ret, struct ae_error *error) {
        const struct {
                const char *name, *value;
        } own[] = {
                { "account", q->account },       { "action_type", q->action_type },
                { "digest", q->digest },         { "platform", q->platform },
                { "request_id", q->request_id }, { "summary", q->summary },
                { "unit", q->peer->unit },       { "user_id", q->user_id },
        };
        int r;

        static_assert(ELEMENTSOF(own) == DETAILS_OWN, "there is room for each");
        for (size_t i = 0; i < ELEMENTSOF(own); i++) {
                r = add(ret, own[i].name, own[i].value, error);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < q->n_facts; i++) {
                const char *name = find_fact_name(q->facts[i].name);

                if (!name || i == POLICY_MAX_FACTS)
                        return -EINVAL;
                r = add(ret, name, q->facts[i].value, error);
                if (r < 0)
                        return r;
        }
        return 0;
}
