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

static void add_value(struct outcome_fact *f, const char *text, size_t size) {
        char *copy;

        if (f->n_values >= OUTCOME_MAX_VALUES || size == 0)
                return;
        copy = strndup(text, size);
        if (copy)
                f->values[f->n_values++] = copy;
}

static void add_text(struct outcome *o, const char *name, const char *text) {
        if (text && *text)
                add_value(add_fact(o, name, /* is_list= */ false), text, strlen(text));
}

/* Calls each() with every scope of a list in one string. */
static void split_scopes(const char *list, void (*each)(const char *, size_t, void *),
                         void *userdata) {
        for (const char *p = list + strspn(list, " ,"); *p; p += strspn(p, " ,")) {
                size_t size = strcspn(p, " ,");

                each(p, size, userdata);
                p += size;
        }
}

static void add_scope(const char *scope, size_t size, void *userdata) {
        add_value(userdata, scope, size);
}

/* `scopes` of the engine's answer: an array, or one string. */
static void add_granted(struct outcome *o, const cJSON *scopes) {
        struct outcome_fact *f = add_fact(o, "Granted", /* is_list= */ true);
        const cJSON *scope;

        if (cJSON_IsString(scopes))
                split_scopes(scopes->valuestring, add_scope, f);
        cJSON_ArrayForEach (scope, scopes)
                if (cJSON_IsString(scope))
                        add_value(f, scope->valuestring, strlen(scope->valuestring));
        if (f->n_values == 0)
                o->n_facts--;
}

struct missing {
        const struct outcome_fact *granted;
        struct outcome_fact *missing;
};

/* Those that say who somebody is come back by other names, and no action needs them. */
static bool is_identity(const char *scope, size_t size) {
        static const char *const names[] = { "email", "openid", "profile", "offline_access" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strlen(names[i]) == size && strncmp(names[i], scope, size) == 0)
                        return true;
        return false;
}

static void add_missing(const char *scope, size_t size, void *userdata) {
        const struct missing *m = userdata;

        for (size_t i = 0; i < m->granted->n_values; i++)
                if (strlen(m->granted->values[i]) == size &&
                    strncmp(m->granted->values[i], scope, size) == 0)
                        return;
        if (!is_identity(scope, size))
                add_value(m->missing, scope, size);
}

/* Who does not say what he granted granted what was asked for: RFC 6749 §5.1. */
static void compare_scopes(const struct outcome_of *of, struct outcome *o) {
        struct missing m = { .granted = o->n_facts > 0 ? &o->facts[o->n_facts - 1] : NULL };

        if (!of->requested || !m.granted || !m.granted->is_list)
                return;
        m.missing = add_fact(o, "Not granted", /* is_list= */ true);
        split_scopes(of->requested, add_missing, &m);
        if (m.missing->n_values > 0)
                o->kind = OUTCOME_PARTLY;
        else
                o->n_facts--;
}

static void read_success(const struct outcome_of *of, struct outcome *o) {
        const cJSON *result = json_member(of->response, "result");

        o->kind = OUTCOME_CONNECTED;
        add_text(o, "Connected as", json_string(result, "identity"));
        add_granted(o, json_member(result, "scopes"));
        compare_scopes(of, o);
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
