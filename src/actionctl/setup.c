/* SPDX-License-Identifier: MIT */
/*
 * setup: goes through the steps, says of each what became of it, and what is to be done next.
 */
#include "actionctl/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actionctl/output.h"
#include "actionctl/token-make.h"

enum state {
        FOUND,
        MADE,
        MISSING, /* and with --dry-run it stays so */
        LEFT,    /* to the machine itself, with --root */
        FAILED,
        N_STATES,
};

/* clang-format off */
static const struct {
        const char *name, *word;
} states[N_STATES] = {
        [FOUND]   = { "found",   "there already" },
        [MADE]    = { "made",    "made" },
        [MISSING] = { "missing", "to be made" },
        [LEFT]    = { "left",    "left to the machine itself" },
        [FAILED]  = { "failed",  "failed" },
};
/* clang-format on */

static void setup_done(struct setup *s) {
        jwk_free(s->key);
}

/* ---- the steps ---- */

static bool concerns(const struct setup *s, const struct setup_step *step) {
        return !(step->flags & SETUP_VAULT && s->ctl->no_vault) &&
               !(step->flags & SETUP_USER && !s->ctl->user);
}

static enum state take(struct setup *s, const struct setup_step *step) {
        int r;

        if (step->flags & SETUP_RUNNING && *s->root)
                return LEFT;
        r = step->find(s);
        if (r > 0)
                return FOUND;
        if (r == 0 && s->ctl->dry_run)
                return MISSING;
        if (r == 0)
                r = step->make(s);
        return r < 0 ? FAILED : MADE;
}

static void tell(const struct setup *s, const struct setup_step *step, enum state state,
                 cJSON *steps) {
        const char *file = step->make == setup_make_token ? s->token : NULL;
        cJSON *o;

        if (!s->ctl->json) {
                printf("%s%s%s: %s\n", step->what, file ? ", " : "", file ?: "",
                       states[state].word);
                fflush(stdout);
                return;
        }
        o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "step", step->name);
        cJSON_AddStringToObject(o, "state", states[state].name);
        if (file)
                cJSON_AddStringToObject(o, "file", file);
        if (state == FAILED)
                cJSON_AddStringToObject(o, "reason", s->reason);
        if (!cJSON_AddItemToArray(steps, o))
                cJSON_Delete(o);
}

/* Ends at the first that fails: what follows rests on it. */
static int take_all(struct setup *s, cJSON *steps) {
        for (size_t i = 0; i < setup_n_steps; i++) {
                const struct setup_step *step = &setup_steps[i];
                enum state state;

                if (!concerns(s, step))
                        continue;
                state = take(s, step);
                tell(s, step, state, steps);
                if (state == FAILED) {
                        output_error("%s", s->reason);
                        return CTL_REFUSED;
                }
        }
        return CTL_SUCCESS;
}

/* ---- before and after ---- */

/* What is asked of the token is better heard of before anything is made. */
static int check_token(const struct setup *s) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        _cleanup_(jwk_freep) struct jwk *key = NULL;
        struct token_facts facts;

        if (jwk_generate(&jwk_ed25519, "trial", NULL, &key) < 0)
                return output_usage("out of memory");
        return token_make(s->ctl, key, &token, &facts);
}

static int check_user(struct setup *s) {
        if (!s->ctl->user)
                return s->ctl->scopes.n + s->ctl->users.n > 0 || s->ctl->token_file
                                       ? output_usage("whose token? Name the user with --user")
                                       : 0;
        if (s->ctl->scopes.n == 0)
                return output_usage("say with --scope what the token allows, for example "
                                    "--scope 'gmail:* auth:gmail'");
        if (s->ctl->token_file && *s->ctl->token_file != '/')
                return output_usage("--token-file takes a whole path here, from / on");
        if (setup_look_up(s, s->ctl->user) == 0)
                return output_usage("there is no user '%s' on this system", s->ctl->user);
        return check_token(s);
}

static int check(struct setup *s) {
        struct stat st;

        if (geteuid() != 0) {
                output_error("only root can set the system up: try it with sudo");
                return CTL_USAGE;
        }
        if (*s->root && (*s->root != '/' || strlen(s->root) > PATH_MAX / 2 ||
                         stat(s->root, &st) < 0 || !S_ISDIR(st.st_mode)))
                return output_usage("--root takes a folder's whole path, not '%s'", s->root);
        return check_user(s);
}

/* In the order in which a person gets from here to the first e-mail. */
static void tell_next(const struct setup *s) {
        const char *user = s->ctl->user ?: "the user";

        if (s->ctl->dry_run) {
                puts("\nNothing was changed.");
                return;
        }
        puts("\nNext:");
        if (*s->root)
                puts("  actionctl setup              on the machine itself, once it runs");
        if (!s->ctl->user)
                puts("  actionctl setup --user NAME --scope 'gmail:* auth:gmail'\n"
                     "                               for each who may use the engine");
        if (!s->ctl->no_vault)
                puts("  actionctl provider add       once for each provider");
        printf("  actionctl auth login gmail   as %s, after a new login: the group counts from "
               "then on\n",
               user);
}

int ctl_setup(const struct ctl *ctl) {
        _cleanup_(setup_done) struct setup s = { .ctl = ctl, .root = ctl->root ?: "" };
        _cleanup_(json_freep) cJSON *result = NULL;
        cJSON *steps;
        int r;

        if (strcmp(s.root, "/") == 0)
                s.root = "";
        r = check(&s);
        if (r != 0)
                return r;
        result = cJSON_CreateObject();
        steps = cJSON_AddArrayToObject(result, "steps");
        if (!steps)
                return output_usage("out of memory");

        (void)umask(0022); /* whatever root's own is: the engine reads some of it */
        r = take_all(&s, steps);
        cJSON_AddBoolToObject(result, "dry_run", ctl->dry_run);
        cJSON_AddStringToObject(result, "status", r == CTL_SUCCESS ? "success" : "error");
        if (ctl->json)
                output_json(result);
        else if (r == CTL_SUCCESS)
                tell_next(&s);
        return r;
}
