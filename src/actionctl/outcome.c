/* SPDX-License-Identifier: MIT */
#include "actionctl/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct {
        const char *tone, *title, *text, *next;
} kinds[OUTCOME_N_KINDS] = {
        [OUTCOME_CONNECTED] = { "good", "Connected",
                "The Action Engine can now act for you on this account.",
                "You can close this page." },
        [OUTCOME_PARTLY] = { "partly", "Connected, with less than was asked for",
                "Some permissions were not granted; what needs them will be refused.",
                "To grant them as well, log in again and leave every box ticked." },
        [OUTCOME_REFUSED] = { "bad", "Nothing was connected",
                "The consent was refused.",
                "If that was not meant, log in again." },
        [OUTCOME_EXPIRED] = { "bad", "Too late",
                "The time for this consent was over. Nothing was connected.",
                "Log in again; there are ten minutes for it." },
        [OUTCOME_FAILED] = { "bad", "Not connected",
                "The engine did not answer.",
                "The terminal says what to do about it." },
};
/* clang-format on */

const char *outcome_title(const struct outcome *o) {
        return kinds[o->kind].title;
}

const char *outcome_tone(const struct outcome *o) {
        return kinds[o->kind].tone;
}

const char *outcome_text(const struct outcome *o) {
        return o->text ?: kinds[o->kind].text;
}

const char *outcome_next(const struct outcome *o) {
        return kinds[o->kind].next;
}

void outcome_done(struct outcome *o) {
        free(o->text);
        for (size_t i = 0; i < o->n_facts; i++)
                for (size_t j = 0; j < o->facts[i].n_values; j++)
                        free(o->facts[i].values[j]);
        *o = (struct outcome){ 0 };
}

/* ---- facts ---- */

static struct outcome_fact *add_fact(struct outcome *o, const char *name, bool is_list) {
        struct outcome_fact *f = &o->facts[o->n_facts++];

        *f = (struct outcome_fact){ .name = name, .is_list = is_list };
        return f;
}

static void add_value(struct outcome_fact *f, const char *text) {
        char *copy;

        if (f->n_values >= OUTCOME_MAX_VALUES || !*text)
                return;
        copy = strdup(text);
        if (copy)
                f->values[f->n_values++] = copy;
}

static void add_text(struct outcome *o, const char *name, const char *text) {
        if (text && *text)
                add_value(add_fact(o, name, /* is_list= */ false), text);
}

static void add_list(struct outcome *o, const char *name, const cJSON *scopes) {
        struct outcome_fact *f = add_fact(o, name, /* is_list= */ true);
        const cJSON *scope;

        cJSON_ArrayForEach (scope, scopes)
                if (cJSON_IsString(scope))
                        add_value(f, scope->valuestring);
        if (f->n_values == 0)
                o->n_facts--;
}

static void read_success(const struct outcome_of *of, struct outcome *o) {
        const cJSON *result = json_member(of->response, "result");
        size_t n_facts;

        o->kind = OUTCOME_CONNECTED;
        add_text(o, "Connected as", json_string(result, "identity"));
        add_list(o, "Granted", json_member(result, "scopes"));
        n_facts = o->n_facts;
        add_list(o, "Not granted", json_member(result, "missing_scopes"));
        if (o->n_facts > n_facts)
                o->kind = OUTCOME_PARTLY;
}

static void read_failure(const struct outcome_of *of, struct outcome *o) {
        const char *message = json_string(json_member(of->response, "error"), "message");

        o->kind = of->refused ? OUTCOME_REFUSED : of->expired ? OUTCOME_EXPIRED : OUTCOME_FAILED;
        if (o->kind == OUTCOME_FAILED && message)
                o->text = strdup(message);
}

void outcome_read(const struct outcome_of *of, struct outcome *ret) {
        const char *status = json_string(of->response, "status");

        *ret = (struct outcome){ 0 };
        add_text(ret, "Platform", of->platform);
        add_text(ret, "Account", of->account);
        if (status && strcmp(status, "success") == 0)
                read_success(of, ret);
        else
                read_failure(of, ret);
}
