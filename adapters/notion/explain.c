/* SPDX-License-Identifier: MIT */
#include "notion/explain.h"

#include <ctype.h>

#include "base/json.h"
#include "common/explain.h"

/* Characters of foreign text in the sentence. */
#define MAX_TITLE 100
#define MAX_OPTION 40

/* Small letters, and dashes behind the digits 8, 12, 16 and 20. */
static void write_id(const char *id, struct buffer *to) {
        size_t n = 0;

        for (; *id; id++) {
                if (*id == '-')
                        continue;
                if (n == 8 || n == 12 || n == 16 || n == 20)
                        buffer_putc(to, '-');
                buffer_putc(to, (char)tolower((unsigned char)*id));
                n++;
        }
}

/* A fact, and in the sentence behind `lead`. */
static void explain_id(const cJSON *payload, const char *name, const char *lead,
                       struct adapter_explanation *ret) {
        const char *id = json_string(payload, name);

        if (!id)
                return;
        buffer_puts(&ret->summary, lead);
        write_id(id, &ret->summary);
        write_id(id, explain_fact(ret, name));
}

static void explain_source(const cJSON *payload, const char *preposition,
                           struct adapter_explanation *ret) {
        buffer_puts(&ret->summary, preposition);
        explain_id(payload, "data_source_id", " the data source ", ret);
        explain_id(payload, "database_id", " the database ", ret);
}

static void explain_text(const cJSON *payload, const char *name, const char *lead, size_t max,
                         struct adapter_explanation *ret) {
        const char *text = json_string(payload, name);

        if (!text)
                return;
        buffer_puts(&ret->summary, lead);
        explain_quote(&ret->summary, text, max);
}

int create_task_explain(const cJSON *payload, struct adapter_explanation *ret) {
        explain_text(payload, "title", "Create the task ", MAX_TITLE, ret);
        explain_source(payload, " in", ret);
        return explain_end(ret);
}

int query_tasks_explain(const cJSON *payload, struct adapter_explanation *ret) {
        buffer_puts(&ret->summary, "Read tasks");
        explain_source(payload, " of", ret);
        return explain_end(ret);
}

int update_task_explain(const cJSON *payload, struct adapter_explanation *ret) {
        const cJSON *in_trash = json_member(payload, "in_trash");

        explain_id(payload, "page_id", "Change the task ", ret);
        explain_text(payload, "title", ", title ", MAX_TITLE, ret);
        explain_text(payload, "status", ", status ", MAX_OPTION, ret);
        if (cJSON_IsBool(in_trash))
                buffer_puts(&ret->summary,
                            cJSON_IsTrue(in_trash) ? ", into the trash" : ", out of the trash");
        return explain_end(ret);
}
