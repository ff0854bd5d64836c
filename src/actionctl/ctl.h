/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * actionctl: a person's or a script's way to the engine. One verb a run; each row of the verb table
 * (main.c) has one function here, which tells what it has to tell and returns the exit code.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Scripts rely on these: --help and the manual page name them. */
enum ctl_exit {
        CTL_SUCCESS = 0,
        CTL_REFUSED = 1,
        CTL_USAGE = 2,
        CTL_UNREACHABLE = 3,
        CTL_RETRY = 4,
        CTL_UNKNOWN = 5,
};

enum ctl_verb {
        CTL_PERFORM = 1 << 0,
        CTL_PING = 1 << 1,
        CTL_HEALTH = 1 << 2,
        CTL_ACTIONS = 1 << 3,
        CTL_AUTH_LOGIN = 1 << 4,
        CTL_AUTH_STATUS = 1 << 5,
        CTL_AUTH_IMPORT = 1 << 6,
        CTL_AUTH_REVOKE = 1 << 7,
        CTL_AUTH_TOKEN = 1 << 8,
        CTL_PROVIDER_ADD = 1 << 9,
        CTL_PROVIDER_LIST = 1 << 10,
        CTL_PROVIDER_REMOVE = 1 << 11,
        CTL_PROVIDER_TEST = 1 << 12,
        CTL_TOKEN_KEYGEN = 1 << 13,
        CTL_TOKEN_CREATE = 1 << 14,
        CTL_TOKEN_INSPECT = 1 << 15,
        CTL_TOKEN_REVOKE = 1 << 16,
        CTL_POLICY_EXPLAIN = 1 << 17,
        CTL_POLICY_TEST = 1 << 18,
        CTL_SETUP = 1 << 19,
        CTL_APPROVALS_APPROVE = 1 << 20,
        CTL_APPROVALS_DENY = 1 << 21,
        CTL_APPROVALS_LIST = 1 << 22,
        CTL_APPROVALS_SHOW = 1 << 23,
        CTL_APPROVALS = CTL_APPROVALS_APPROVE | CTL_APPROVALS_DENY | CTL_APPROVALS_LIST |
                        CTL_APPROVALS_SHOW,
        CTL_ACTION = CTL_PERFORM | CTL_POLICY_EXPLAIN, /* names one, with a payload */
        CTL_PROVIDER = CTL_PROVIDER_ADD | CTL_PROVIDER_LIST | CTL_PROVIDER_REMOVE |
                       CTL_PROVIDER_TEST,
        CTL_TOKEN = CTL_TOKEN_KEYGEN | CTL_TOKEN_CREATE | CTL_TOKEN_INSPECT | CTL_TOKEN_REVOKE,
        CTL_ENGINE = CTL_PERFORM | CTL_PING | CTL_HEALTH | CTL_ACTIONS | CTL_AUTH_LOGIN |
                     CTL_AUTH_STATUS | CTL_AUTH_IMPORT | CTL_AUTH_REVOKE | CTL_AUTH_TOKEN |
                     CTL_PROVIDER_ADD | CTL_POLICY_EXPLAIN | CTL_POLICY_TEST | CTL_APPROVALS,
        CTL_ANY = (1 << 24) - 1,
};

struct ctl_list {
        const char **items; /* owned; the strings are argv's */
        size_t n;
};

/* The command line, read. Strings are argv's. */
struct ctl {
        char *const *arguments; /* what follows the verb */
        size_t n_arguments;
        unsigned verb;

        const char *account;
        const char *client_id;
        const char *credential;
        const char *file;
        const char *from;
        const char *issuer;
        const char *key;
        const char *kid;
        const char *name;
        const char *payload;
        const char *private_key;
        const char *public_key;
        const char *redirect;
        const char *root;
        const char *secret_file;
        const char *socket;
        const char *token_file;
        const char *user;
        const char *vault_socket;
        struct ctl_list scopes;
        struct ctl_list users;
        uint64_t deadline_msec; /* 0: not said */
        uint64_t port;          /* 0: not said */
        uint64_t ttl_msec;      /* 0: not said */
        int64_t uid;            /* -1: not said */
        bool any_uid;
        bool ask;
        bool device;
        bool dry_run;
        bool help;
        bool json;
        bool no_browser;
        bool no_validate;
        bool no_vault;
        bool print;
        bool verbose;
        bool version;
        bool watch;
};

int ctl_perform(const struct ctl *ctl);
int ctl_ping(const struct ctl *ctl);
int ctl_health(const struct ctl *ctl);
int ctl_actions(const struct ctl *ctl);
int ctl_approvals_approve(const struct ctl *ctl);
int ctl_approvals_deny(const struct ctl *ctl);
int ctl_approvals_list(const struct ctl *ctl);
int ctl_approvals_show(const struct ctl *ctl);
int ctl_auth_login(const struct ctl *ctl);
int ctl_auth_status(const struct ctl *ctl);
int ctl_auth_import(const struct ctl *ctl);
int ctl_auth_revoke(const struct ctl *ctl);
int ctl_auth_token(const struct ctl *ctl);
int ctl_policy_explain(const struct ctl *ctl);
int ctl_policy_test(const struct ctl *ctl);
int ctl_provider_add(const struct ctl *ctl);
int ctl_provider_list(const struct ctl *ctl);
int ctl_provider_remove(const struct ctl *ctl);
int ctl_provider_test(const struct ctl *ctl);
int ctl_token_keygen(const struct ctl *ctl);
int ctl_token_create(const struct ctl *ctl);
int ctl_token_inspect(const struct ctl *ctl);
int ctl_token_revoke(const struct ctl *ctl);
int ctl_setup(const struct ctl *ctl);
