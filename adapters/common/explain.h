/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What an adapter's explain() is made of: a sentence that no text in it can make say something
 * else, and facts that are whole.
 */

#include "action/adapter.h"

/* Appends the text in single quotes, of which it can hold none, and at most `max` characters of it. */
void explain_quote(struct buffer *summary, const char *text, size_t max);

/* One fact more, empty at first. `name` is static, and one of those in policy/details.c. */
struct buffer *explain_fact(struct adapter_explanation *e, const char *name);

/* Addresses of e-mail: named in the sentence as far as one can read them, and all of them in facts. */
struct explain_people {
        struct adapter_explanation *explanation;
        struct buffer *addresses, *domains; /* facts */
        size_t n;
};

struct explain_people explain_people(struct adapter_explanation *e, const char *addresses,
                                     const char *domains);
/* Domains are told in lower case and as A-labels, each once. Returns 0 or -ENOMEM. */
int explain_person(struct explain_people *p, const char *address);
/* Appends how many more there are. */
void explain_people_end(struct explain_people *p);

/* Returns 0 or -ENOMEM, for the end of an explain(). */
int explain_end(const struct adapter_explanation *e);
