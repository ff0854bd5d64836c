/* SPDX-License-Identifier: MIT */
#include "actionctl/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define DAY_MSEC (UINT64_C(24) * 3600 * 1000)

/* Reads one value; `target` is where the row's offset points. Returns 0 or a negative errno. */
typedef int option_set_fn(const char *value, void *target);

struct option_row {
        const char *name;
        const char *value; /* what it is called in the help; NULL: a switch */
        option_set_fn *set;
        size_t offset;
        unsigned verbs;    /* where it means something */
        unsigned required; /* where nothing goes without it */
        char letter;
        const char *help;
};

static int set_true(const char *value, void *target) {
        *(bool *)target = true;
        return 0;
}

static int set_text(const char *value, void *target) {
        if (!*value)
                return -EINVAL;
        *(const char **)target = value;
        return 0;
}

static int set_list(const char *value, void *target) {
        struct ctl_list *list = target;
        const char **items;

        if (!*value)
                return -EINVAL;
        items = reallocarray(list->items, list->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        items[list->n++] = value;
        list->items = items;
        return 0;
}

static int set_deadline(const char *value, void *target) {
        return options_parse_duration(value, DAY_MSEC, target);
}

static int set_ttl(const char *value, void *target) {
        return options_parse_duration(value, 366 * DAY_MSEC, target);
}

static int set_uid(const char *value, void *target) {
        unsigned long long uid;
        char *end;

        if (strspn(value, "0123456789") == 0)
                return -EINVAL;
        errno = 0;
        uid = strtoull(value, &end, 10);
        if (errno != 0 || *end || uid >= UINT32_MAX)
                return -EINVAL;
        *(int64_t *)target = (int64_t)uid;
        return 0;
}

static int set_port(const char *value, void *target) {
        unsigned long port;
        char *end;

        if (strspn(value, "0123456789") == 0)
                return -EINVAL;
        port = strtoul(value, &end, 10);
        if (*end || port == 0 || port > UINT16_MAX)
                return -EINVAL;
        *(uint64_t *)target = port;
        return 0;
}

#define AT(field) offsetof(struct ctl, field)
#define STORING_VERBS (CTL_AUTH_IMPORT | CTL_AUTH_TOKEN)
#define CREDENTIAL_VERBS (CTL_ACTION | CTL_AUTH_LOGIN | CTL_AUTH_REVOKE | STORING_VERBS)

/* clang-format off */
static const struct option_row rows[] = {
        { "account",    "NAME",   set_text,     AT(account),       CREDENTIAL_VERBS, 0, 0, "which of the user's accounts there (default: default)" },
        { "any-uid",    NULL,     set_true,     AT(any_uid),       CTL_TOKEN_CREATE, 0, 0, "a token that any uid may present" },
        { "ask",        NULL,     set_true,     AT(ask),           CTL_PERFORM, 0, 0, "wait for a person, if policy wants one asked" },
        { "client-id",  "ID",     set_text,     AT(client_id),     CTL_PROVIDER_ADD, 0, 0, "what the provider calls your client" },
        { "credential", "FILE|-", set_text,     AT(credential),    STORING_VERBS, STORING_VERBS, 0, "a JSON object, from a file or stdin" },
        { "deadline",   "SEC",    set_deadline, AT(deadline_msec), CTL_PERFORM, 0, 0, "give up after this long: 2.5, 90s, 15m" },
        { "device",     NULL,     set_true,     AT(device),        CTL_AUTH_LOGIN, 0, 0, "consent on another device: a code is entered there" },
        { "dry-run",    NULL,     set_true,     AT(dry_run),       CTL_PERFORM | CTL_SETUP, 0, 0, "everything but the call to the platform; of setup, only say what is missing" },
        { "file",       "FILE",   set_text,     AT(file),          CTL_TOKEN_REVOKE, 0, 0, "the list of revoked tokens (default: /etc/action-engine/revoked)" },
        { "from",       "FILE|-", set_text,     AT(from),          CTL_PROVIDER_ADD, 0, 0, "the JSON file that Google hands out for a client" },
        { "help",       NULL,     set_true,     AT(help),          CTL_ANY, 0, 'h', "this text, or that of one verb" },
        { "issuer",     "NAME",   set_text,     AT(issuer),        CTL_TOKEN_KEYGEN | CTL_TOKEN_CREATE | CTL_PROVIDER_ADD, 0, 0, "who issues the tokens (default: whom the key names, or actionctl); of oidc, its URL" },
        { "json",       NULL,     set_true,     AT(json),          CTL_ENGINE | CTL_PROVIDER | CTL_SETUP | CTL_TOKEN, 0, 0, "the result as JSON; of what the engine answers, its line as it came" },
        { "key",        "FILE",   set_text,     AT(key),           CTL_TOKEN_CREATE, CTL_TOKEN_CREATE, 0, "the private key to sign with" },
        { "kid",        "KID",    set_text,     AT(kid),           CTL_TOKEN_KEYGEN, CTL_TOKEN_KEYGEN, 0, "the key's name" },
        { "name",       "NAME",   set_text,     AT(name),          CTL_PROVIDER_ADD, 0, 0, "what it is kept by (default: the kind's name)" },
        { "no-browser", NULL,     set_true,     AT(no_browser),    CTL_AUTH_LOGIN, 0, 0, "print the link, and ask for the address it ends at" },
        { "no-validate", NULL,    set_true,     AT(no_validate),   CTL_ACTION, 0, 0, "leave it to the engine to look at the payload first" },
        { "no-vault",   NULL,     set_true,     AT(no_vault),      CTL_SETUP, 0, 0, "leave out the embedded vault, as another one is configured" },
        { "payload",    "FILE|-", set_text,     AT(payload),       CTL_ACTION, 0, 0, "a JSON object, from a file or stdin" },
        { "port",       "N",      set_port,     AT(port),          CTL_AUTH_LOGIN, 0, 0, "the port that the browser comes back to (default: any, or the app's)" },
        { "print",      NULL,     set_true,     AT(print),         CTL_PROVIDER_ADD, 0, 0, "only show the steps, and how to keep it as a systemd credential" },
        { "private",    "FILE",   set_text,     AT(private_key),   CTL_TOKEN_KEYGEN, CTL_TOKEN_KEYGEN, 0, "where to write the private key, mode 0600" },
        { "public",     "FILE",   set_text,     AT(public_key),    CTL_TOKEN_KEYGEN, CTL_TOKEN_KEYGEN, 0, "where to write the public key" },
        { "redirect",   "URL",    set_text,     AT(redirect),      CTL_PROVIDER_ADD, 0, 0, "where the browser comes back to" },
        { "root",       "FOLDER", set_text,     AT(root),          CTL_SETUP, 0, 0, "set up the system in that folder, which does not run" },
        { "scope",      "SCOPE",  set_list,     AT(scopes),        CTL_AUTH_LOGIN | CTL_SETUP | CTL_TOKEN_CREATE, 0, 0, "what it allows: gmail:send_email, gmail:*, auth:gmail, *; of a login, in the platform's words; may be repeated" },
        { "secret-file", "FILE|-", set_text,    AT(secret_file),   CTL_PROVIDER_ADD, 0, 0, "a file that holds the client secret (default: asks for it)" },
        { "socket",     "PATH",   set_text,     AT(socket),        CTL_ENGINE, 0, 0, "where the engine listens" },
        { "token-file", "FILE",   set_text,     AT(token_file),    CTL_ENGINE | CTL_SETUP | CTL_TOKEN_INSPECT | CTL_TOKEN_REVOKE, 0, 0, "a file that holds your token (default: ~/.config/action-engine/token), or the one to revoke" },
        { "ttl",        "TIME",   set_ttl,      AT(ttl_msec),      CTL_SETUP | CTL_TOKEN_CREATE, 0, 0, "how long it is good: 90s, 15m, 1h (default; of setup: 90d), at most 366d" },
        { "uid",        "N",      set_uid,      AT(uid),           CTL_TOKEN_CREATE, 0, 0, "the only uid that may present it (default: your own)" },
        { "user",       "USER",   set_text,     AT(user),          CREDENTIAL_VERBS | CTL_AUTH_STATUS | CTL_SETUP | CTL_TOKEN_CREATE | CTL_APPROVALS, CTL_TOKEN_CREATE, 0, "on whose behalf (default: the token's user); whom the token is for" },
        { "users",      "USER",   set_list,     AT(users),         CTL_SETUP | CTL_TOKEN_CREATE, 0, 0, "a further user it may act for, or *; may be repeated" },
        { "vault-socket", "PATH", set_text,     AT(vault_socket),  CTL_PROVIDER, 0, 0, "where the vault listens" },
        { "verbose",    NULL,     set_true,     AT(verbose),       CTL_ENGINE | CTL_PROVIDER | CTL_TOKEN_CREATE, 0, 'v', "show the request lines on stderr, secrets masked; of a new token, its jti" },
        { "version",    NULL,     set_true,     AT(version),       CTL_ANY, 0, 0, "the program's version" },
        { "watch",      NULL,     set_true,     AT(watch),         CTL_APPROVALS_LIST, 0, 0, "go on, and tell what comes and goes, here and on the desktop" },
};

/* Where one option is another thing to several verbs, what it is to these. */
static const struct {
        const char *name;
        unsigned verbs;
        const char *help;
} meanings[] = {
        { "dry-run",    CTL_PERFORM,       "everything but the call to the platform" },
        { "dry-run",    CTL_SETUP,         "only say what is missing" },
        { "help",       CTL_ANY,           "this text" },
        { "issuer",     CTL_PROVIDER_ADD,  "of oidc: its URL" },
        { "issuer",     CTL_TOKEN_CREATE,  "who issues it (default: whom the key names, or actionctl)" },
        { "issuer",     CTL_TOKEN_KEYGEN,  "whose tokens alone it is good for" },
        { "json",       CTL_PROVIDER,      "the result as JSON" },
        { "json",       CTL_ENGINE,        "raw JSON: the engine's response line as it came" },
        { "json",       CTL_SETUP | CTL_TOKEN, "the result as JSON" },
        { "scope",      CTL_AUTH_LOGIN,    "what to ask for, in the platform's words (default: the least); may be repeated" },
        { "scope",      CTL_SETUP | CTL_TOKEN_CREATE, "what the token allows: gmail:send_email, gmail:*, auth:gmail, *; may be repeated" },
        { "token-file", CTL_ENGINE | CTL_TOKEN_INSPECT, "a file that holds your token (default: ~/.config/action-engine/token)" },
        { "token-file", CTL_SETUP,         "where to put the token (default: ~/.config/action-engine/token of the user)" },
        { "token-file", CTL_TOKEN_REVOKE,  "a file that holds the token, or - for stdin" },
        { "ttl",        CTL_SETUP,         "how long the token is good: 90s, 15m, 12h (default: 90d), at most 366d" },
        { "ttl",        CTL_TOKEN_CREATE,  "how long it is good: 90s, 15m, 12h (default: 1h), at most 366d" },
        { "user",       CTL_SETUP,         "make ready what this user needs, too" },
        { "user",       CTL_TOKEN_CREATE,  "whom the token is for" },
        { "user",       CTL_ANY,           "on whose behalf (default: the token's user)" },
        { "verbose",    CTL_TOKEN_CREATE,  "tell its jti, and when it expires, on stderr" },
        { "verbose",    CTL_ANY,           "show the request lines on stderr, secrets masked" },
};
/* clang-format on */

#define LONG_BASE 256

static const struct option_row *find(int c) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (c == LONG_BASE + (int)i || (rows[i].letter && c == rows[i].letter))
                        return &rows[i];
        return NULL;
}

static bool is_set(const struct ctl *ctl, const struct option_row *row) {
        const void *at = (const char *)ctl + row->offset;

        if (row->set == set_true)
                return *(const bool *)at;
        if (row->set == set_text)
                return *(const char *const *)at;
        if (row->set == set_list)
                return ((const struct ctl_list *)at)->n > 0;
        if (row->set == set_uid)
                return *(const int64_t *)at >= 0;
        return *(const uint64_t *)at > 0;
}

/* What a value has to be. */
static const char *value_words(const struct option_row *row) {
        static const struct {
                option_set_fn *set;
                const char *words;
        } table[] = {
                { set_deadline, "a time of up to a day, such as 2.5, 90s or 15m" },
                { set_port, "a number from 1 to 65535" },
                { set_ttl, "a time of up to 366 days, such as 90s, 15m, 12h or 30d" },
                { set_uid, "the number of a user" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (table[i].set == row->set)
                        return table[i].words;
        return row->value;
}

static int set(const struct option_row *row, const char *value, struct ctl *ctl, char *error) {
        int r = row->set(value, (char *)ctl + row->offset);

        if (r < 0)
                snprintf(error, OPTIONS_ERROR_SIZE, "--%s takes %s, not '%s'", row->name,
                         value_words(row), value);
        return r;
}

int options_read(int argc, char *argv[], struct ctl *ret, int *ret_first,
                 char error[static OPTIONS_ERROR_SIZE]) {
        struct option options[ELEMENTSOF(rows) + 1] = { 0 };
        int c, r;

        *ret = (struct ctl){ .uid = -1 };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                options[i] = (struct option){
                        .name = rows[i].name,
                        .has_arg = rows[i].value ? required_argument : no_argument,
                        .val = LONG_BASE + (int)i,
                };

        opterr = 0;
        while ((c = getopt_long(argc, argv, ":hv", options, NULL)) >= 0) {
                const struct option_row *row = find(c == ':' ? optopt : c);

                if (!row || c == ':') {
                        snprintf(error, OPTIONS_ERROR_SIZE,
                                 row ? "'%s' needs a value" : "there is no option '%s'",
                                 argv[optind - 1]);
                        return -EINVAL;
                }
                r = set(row, optarg, ret, error);
                if (r < 0)
                        return r;
        }
        *ret_first = optind;
        return 0;
}

void options_done(struct ctl *ctl) {
        free(ctl->scopes.items);
        free(ctl->users.items);
}

int options_check(const struct ctl *ctl, const char *verb, char error[static OPTIONS_ERROR_SIZE]) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                bool given = is_set(ctl, &rows[i]);

                if (given && !(rows[i].verbs & ctl->verb))
                        snprintf(error, OPTIONS_ERROR_SIZE, "'%s' has no option --%s", verb,
                                 rows[i].name);
                else if (!given && rows[i].required & ctl->verb)
                        snprintf(error, OPTIONS_ERROR_SIZE, "'%s' needs --%s %s", verb,
                                 rows[i].name, rows[i].value);
                else
                        continue;
                return -EINVAL;
        }
        return 0;
}

/* For one verb, what it is to that one. */
static const char *help_of(const struct option_row *row, unsigned verbs) {
        for (size_t i = 0; i < ELEMENTSOF(meanings) && verbs != CTL_ANY; i++)
                if (strcmp(meanings[i].name, row->name) == 0 && meanings[i].verbs & verbs)
                        return meanings[i].help;
        return row->help;
}

void options_print(unsigned verbs) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char name[32], letter[8] = "    ";

                if (!(rows[i].verbs & verbs))
                        continue;
                if (rows[i].letter)
                        snprintf(letter, sizeof(letter), "-%c, ", rows[i].letter);
                snprintf(name, sizeof(name), "--%s %s", rows[i].name,
                         rows[i].value ? rows[i].value : "");
                printf("  %s%-20s %s%s\n", letter, name, help_of(&rows[i], verbs),
                       verbs & ~rows[i].required ? "" : " (required)");
        }
}

int options_parse_duration(const char *text, uint64_t max_msec, uint64_t *ret) {
        static const struct {
                const char *unit;
                double msec;
        } units[] = {
                { "", 1000 }, { "s", 1000 }, { "m", 60e3 }, { "h", 3600e3 }, { "d", 86400e3 },
        };
        char *end;
        double n;

        if (strspn(text, "0123456789") == 0) /* no sign, no "inf", no "0x" */
                return -EINVAL;
        if (strspn(text, "0123456789.") != strcspn(text, "smhd"))
                return -EINVAL;
        n = strtod(text, &end);
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strcmp(end, units[i].unit) == 0) {
                        n *= units[i].msec;
                        if (n < 1 || n > (double)max_msec)
                                return -EINVAL;
                        *ret = (uint64_t)n;
                        return 0;
                }
        return -EINVAL;
}
