/* SPDX-License-Identifier: MIT */
#include "policy/details.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/legible.h"

/* The facts that an adapter may give. What is not in here would be ours to mend, not a client's. */
static const char *const fact_names[] = {
        "attendee_domains",  "attendees",  "calendar_id", "data_source_id",
        "database_id",       "event_id",   "message_id",  "page_id",
        "recipient_domains", "recipients", "reply_all",   "send_updates",
};

void details_clean(const char *text, struct buffer *to) {
        size_t before = to->size;

        legible_append(to, text, SIZE_MAX);
        for (size_t i = before; i + 1 < to->size; i++)
                if (to->data[i] == '$' && to->data[i + 1] == '(')
                        to->data[i] = '?';
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
