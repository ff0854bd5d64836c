/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a machine needs before the engine can act for somebody, step by step. Each step can look
 * whether it is done already, and do it; nothing that is there and of use is ever replaced. The verb that goes
 * through them is in setup.c.
 */

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "actionctl/ctl.h"
#include "auth/jwk.h"

#define SETUP_REASON_SIZE 600

struct setup {
        const struct ctl *ctl;
        const char *root; /* "": the running system */
        struct jwk *key;  /* owned: that signs tokens; NULL until its step */
        uid_t uid;        /* with these, of ctl->user */
        gid_t gid;
        char home[PATH_MAX]; /* below the root */
        char token[PATH_MAX];
        bool replaces_token;            /* for it is over */
        char reason[SETUP_REASON_SIZE]; /* why a step failed */
};

enum setup_flags {
        SETUP_RUNNING = 1 << 0, /* means something on the running system alone */
        SETUP_VAULT = 1 << 1,   /* not with --no-vault */
        SETUP_USER = 1 << 2,    /* with --user only */
};

/* Each returns a negative errno when it failed, with `reason` set. */
struct setup_step {
        const char *name;
        const char *what; /* what is there afterwards */
        unsigned flags;
        int (*find)(struct setup *s); /* 1 when it is there, else 0 */
        int (*make)(struct setup *s);
};

extern const struct setup_step setup_steps[];
extern const size_t setup_n_steps;

/* Sets the reason. Returns r. */
int setup_fail(struct setup *s, int r, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));

/* A path of the system's, below the root. Too long a one is cut, and not found. */
void setup_path(const struct setup *s, const char *path, char ret[static PATH_MAX]);

/*
 * As program_run(), but anything else than its success is a failure with a reason; with `option`,
 * --root= or what the program has instead, where there is a root.
 */
int setup_run_in_root(struct setup *s, const char *option, const char *const argv[]);

/* ---- setup-user.c ---- */

/* Fills in uid, gid, home and token. Returns 1; 0 when there is no such user. */
int setup_look_up(struct setup *s, const char *name);
/* Whether the system knows a user of that name. */
bool setup_has_user(const struct setup *s, const char *name);

int setup_find_member(struct setup *s);
int setup_make_member(struct setup *s);
int setup_find_token(struct setup *s);
int setup_make_token(struct setup *s);
