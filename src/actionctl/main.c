/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <sodium.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/ctl.h"
#include "actionctl/options.h"
#include "actionctl/output.h"

struct verb {
        const char *words[2]; /* the second is NULL in a verb of one word */
        const char *arguments;
        unsigned bit;
        unsigned short min, max; /* arguments */
        int (*run)(const struct ctl *ctl);
        const char *help;
        const char *more; /* of its own help */
        bool is_usual;    /* its second word may be left out */
};

#define MANY USHRT_MAX

/* clang-format off */
static const struct verb verbs[] = {
        { { "perform" }, "PLATFORM ACTION [KEY=TEXT | KEY:=JSON]... | -", CTL_PERFORM, 2, MANY, ctl_perform,
          "have an action carried out",
          "The payload comes from the arguments, from --payload FILE, or from stdin (-).\n"
          "  subject=Hello      a text, always\n"
          "  count:=3           any JSON: a number, true, [\"a\",\"b\"], {\"a\":1}\n"
          "  to=a@example.com to=b@example.com\n"
          "                     the same key again makes an array of all its values\n"
          "  start.date=2025-07-25\n"
          "                     a member of an object\n"
          "  guests[0].name=Ada an element of an array; [] is one more\n"
          "  body=@letter.txt   what the file holds; @- is stdin, @@home the text @home\n"
          "  attachments[]=@report.pdf\n"
          "                     its name, content and content type\n" },
        { { "ping" }, "", CTL_PING, 0, 0, ctl_ping,
          "see whether the engine answers", "" },
        { { "health" }, "", CTL_HEALTH, 0, 0, ctl_health,
          "see how the engine, its neighbours and adapters are", "" },
        { { "actions" }, "[PLATFORM [ACTION]]", CTL_ACTIONS, 0, 2, ctl_actions,
          "list what can be done, or describe one action", "" },
        { { "approvals", "approve" }, "ID", CTL_APPROVALS_APPROVE, 1, 1, ctl_approvals_approve,
          "let an action out that waits for you",
          "polkit wants to know that it is you: it asks on the desktop, or on this terminal.\n" },
        { { "approvals", "deny" }, "ID", CTL_APPROVALS_DENY, 1, 1, ctl_approvals_deny,
          "refuse an action that waits for you", "" },
        { { "approvals", "list" }, "", CTL_APPROVALS_LIST, 0, 0, ctl_approvals_list,
          "see what waits for you",
          "'actionctl approvals' is the same.\n", true },
        { { "approvals", "show" }, "ID", CTL_APPROVALS_SHOW, 1, 1, ctl_approvals_show,
          "see all that such an action would do", "" },
        { { "auth", "import" }, "PLATFORM", CTL_AUTH_IMPORT, 1, 1, ctl_auth_import,
          "store a credential that you already have, if the platform takes it",
          "One harmless call shows whose it is, before it is stored.\n"
          "It is a JSON object and never an argument, which others could read.\n" },
        { { "auth", "login" }, "PLATFORM", CTL_AUTH_LOGIN, 1, 1, ctl_auth_login,
          "connect an account through the browser",
          "The browser comes back to 127.0.0.1. Where there is none to open, the link is printed.\n" },
        { { "auth", "revoke" }, "PLATFORM", CTL_AUTH_REVOKE, 1, 1, ctl_auth_revoke,
          "end a grant with the platform, and forget it", "" },
        { { "auth", "status" }, "[PLATFORM]", CTL_AUTH_STATUS, 0, 1, ctl_auth_status,
          "see which accounts are connected", "" },
        { { "auth", "token" }, "PLATFORM", CTL_AUTH_TOKEN, 1, 1, ctl_auth_token,
          "store a credential that you already have",
          "The credential is a JSON object and never an argument, which others could read.\n" },
        { { "policy", "explain" }, "PLATFORM ACTION [KEY=TEXT | KEY:=JSON]... | -", CTL_POLICY_EXPLAIN, 2, MANY, ctl_policy_explain,
          "see whether an action would be allowed, and by whom",
          "Nothing is sent and nobody is asked. The payload is given as to perform.\n"
          "Shows what rules can decide by.\n" },
        { { "policy", "test" }, "FILE | -", CTL_POLICY_TEST, 1, 1, ctl_policy_test,
          "compare what policy says to a table of actions with what it should",
          "Each entry is an object, on a line of its own or in one array:\n"
          "  {\"expect\":\"no\",\"platform\":\"gmail\",\"action_type\":\"send_email\",\"payload\":{...}}\n"
          "with expect yes, no, ask or an error's code; by, user_id, account and name may be added.\n" },
        { { "provider", "add" }, "[google | notion | oidc | slack]", CTL_PROVIDER_ADD, 0, 1, ctl_provider_add,
          "register an app, so that people can connect their accounts",
          "Says what to do at the provider, step by step, and what will bite. The secret is asked for,\n"
          "or read from a file or stdin, and goes to the vault without passing the engine.\n" },
        { { "provider", "list" }, "", CTL_PROVIDER_LIST, 0, 0, ctl_provider_list,
          "see which apps there are", "" },
        { { "provider", "remove" }, "NAME", CTL_PROVIDER_REMOVE, 1, 1, ctl_provider_remove,
          "forget an app", "" },
        { { "provider", "test" }, "NAME", CTL_PROVIDER_TEST, 1, 1, ctl_provider_test,
          "ask the provider whether it knows the app", "" },
        { { "setup" }, "", CTL_SETUP, 0, 0, ctl_setup,
          "make ready what the machine, and a user, need",
          "As root, after the installation: users, keys, sockets; with --user, that user's group and\n"
          "token. What is there already is left as it is.\n" },
        { { "token", "keygen" }, "", CTL_TOKEN_KEYGEN, 0, 0, ctl_token_keygen,
          "make a pair of keys to sign tokens with",
          "No file is overwritten. With --issuer the key is good for tokens of that issuer only.\n" },
        { { "token", "create" }, "", CTL_TOKEN_CREATE, 0, 0, ctl_token_create,
          "make a token and print it", "" },
        { { "token", "inspect" }, "[FILE | -]", CTL_TOKEN_INSPECT, 0, 1, ctl_token_inspect,
          "show what a token says, without verifying it",
          "Without FILE: the token that the other verbs would use.\n" },
        { { "token", "revoke" }, "[JTI]", CTL_TOKEN_REVOKE, 0, 1, ctl_token_revoke,
          "have one token refused from now on",
          "JTI is the token's name for itself: see token inspect. --token-file names a file (or -) that\n"
          "holds the token; then the entry goes once the token is over.\n" },
};

static const struct {
        enum ctl_exit code;
        const char *meaning;
} exits[] = {
        { CTL_SUCCESS,     "done" },
        { CTL_REFUSED,     "the engine, the vault or the system said no, and would again" },
        { CTL_USAGE,       "wrong arguments, or a file that cannot be read or written" },
        { CTL_UNREACHABLE, "the engine or the vault cannot be reached" },
        { CTL_RETRY,       "not now: the same request may be sent again" },
        { CTL_UNKNOWN,     "nobody knows whether it happened: look before you repeat it" },
};

static const char *const variables[][2] = {
        { "ACTION_ENGINE_SOCKET",     "where the engine listens, unless --socket says" },
        { "ACTION_ENGINE_TOKEN",      "your token, unless --token-file says" },
        { "ACTION_ENGINE_TOKEN_FILE", "a file that holds it, unless the one above is set" },
        { "ACTION_VAULT_SOCKET",      "where the vault listens, unless --vault-socket says" },
        { "BROWSER",                  "what opens links: commands between colons, %s is the link" },
        { "NO_COLOR",                 "if set, no colour" },
};
/* clang-format on */

static void verb_name(const struct verb *v, char *ret, size_t size) {
        snprintf(ret, size, "%s%s%s", v->words[0], v->words[1] ? " " : "",
                 v->words[1] ? v->words[1] : "");
}

static void print_verb(const struct verb *v) {
        char name[32];

        verb_name(v, name, sizeof(name));
        printf("  %-18s %s\n", name, v->help);
}

static int help_all(void) {
        puts("Usage: actionctl [OPTION]... VERB [ARGUMENT]...\n\n"
             "Has actions carried out by the Action Engine.\n\nVerbs:");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                print_verb(&verbs[i]);
        puts("\nOptions ('actionctl VERB --help' says which belong to a verb):");
        options_print(CTL_ANY);
        puts("\nExit codes:");
        for (size_t i = 0; i < ELEMENTSOF(exits); i++)
                printf("  %d  %s\n", (int)exits[i].code, exits[i].meaning);
        puts("\nEnvironment:");
        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                printf("  %-24s  %s\n", variables[i][0], variables[i][1]);
        return CTL_SUCCESS;
}

static int help_verb(const struct verb *v) {
        char name[32];

        verb_name(v, name, sizeof(name));
        printf("Usage: actionctl %s%s%s [OPTION]...\n\nTo %s.\n%s\nOptions:\n", name,
               *v->arguments ? " " : "", v->arguments, v->help, v->more);
        options_print(v->bit);
        return CTL_SUCCESS;
}

/* Verbs of two words that share the first. */
static bool is_group(const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (verbs[i].words[1] && strcmp(verbs[i].words[0], word) == 0)
                        return true;
        return false;
}

static int help_group(const char *word) {
        printf("Usage: actionctl %s VERB [ARGUMENT]... [OPTION]...\n\nVerbs:\n", word);
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].words[0], word) == 0)
                        print_verb(&verbs[i]);
        printf("\n'actionctl %s VERB --help' says what one takes.\n", word);
        return CTL_SUCCESS;
}

/* The verb that stands first; *ret_n is how many words it has. */
static const struct verb *find_verb(char *const *arguments, size_t n, size_t *ret_n) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                const struct verb *v = &verbs[i];

                *ret_n = v->words[1] && !(v->is_usual && n == 1) ? 2 : 1;
                if (n >= *ret_n && strcmp(arguments[0], v->words[0]) == 0 &&
                    (*ret_n == 1 || strcmp(arguments[1], v->words[1]) == 0))
                        return v;
        }
        return NULL;
}

static int run_verb(const struct verb *v, struct ctl *ctl) {
        char name[32], error[OPTIONS_ERROR_SIZE];

        ctl->verb = v->bit;
        if (ctl->help)
                return help_verb(v);
        verb_name(v, name, sizeof(name));
        if (options_check(ctl, name, error) < 0)
                return output_usage("%s", error);
        if (ctl->n_arguments < v->min || ctl->n_arguments > v->max)
                return output_usage("it goes: actionctl %s%s%s", name, *v->arguments ? " " : "",
                                    v->arguments);
        return v->run(ctl);
}

static int run(int argc, char *argv[], struct ctl *ctl) {
        char error[OPTIONS_ERROR_SIZE];
        const struct verb *v;
        size_t n, n_words;
        int first;

        if (options_read(argc, argv, ctl, &first, error) < 0)
                return output_usage("%s", error);
        if (ctl->version) {
                puts("actionctl " AE_VERSION);
                return CTL_SUCCESS;
        }

        n = (size_t)(argc - first);
        v = n > 0 ? find_verb(argv + first, n, &n_words) : NULL;
        if (ctl->help && (!v || (n == 1 && v->is_usual)))
                return n > 0 && is_group(argv[first]) ? help_group(argv[first]) : help_all();
        if (n == 0)
                return output_usage("what is to be done? Name a verb");
        if (!v && n == 1 && is_group(argv[first])) {
                output_error("'%s' needs a second word: see 'actionctl %s --help'", argv[first],
                             argv[first]);
                return CTL_USAGE;
        }
        if (!v)
                return output_usage("there is no verb '%s%s%s'", argv[first], n > 1 ? " " : "",
                                    n > 1 ? argv[first + 1] : "");
        ctl->arguments = argv + first + n_words;
        ctl->n_arguments = n - n_words;
        return run_verb(v, ctl);
}

int main(int argc, char *argv[]) {
        _cleanup_(options_done) struct ctl ctl = { 0 };

        (void)setlocale(LC_CTYPE, "");
        if (sodium_init() < 0) {
                output_error("there are no random numbers to be had");
                return CTL_USAGE;
        }
        return output_end(run(argc, argv, &ctl));
}
