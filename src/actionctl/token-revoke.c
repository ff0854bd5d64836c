/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "actionctl/input.h"
#include "actionctl/output.h"
#include "actionctl/revoked-list.h"
#include "actionctl/token-text.h"
#include "auth/token.h"
#include "base/clock.h"

#define DEFAULT_LIST CONFIG_ADMIN_DIR "/revoked"
#define TIME_MAX_SEC INT64_C(253402300799)

struct wanted {
        char *jti;                /* owned */
        uint64_t expires_at_usec; /* 0: not known */
};

static void wanted_done(struct wanted *w) {
        free(w->jti);
}

static int take_jti(const char *jti, struct wanted *w) {
        if (!jti || !token_jti_is_valid(jti)) {
                output_error(jti ? "a jti is 1 to 128 bytes without control characters"
                                 : "this token has no 'jti' that it could be revoked by; take away "
                                   "the key that signed it");
                return CTL_USAGE;
        }
        w->jti = strdup(jti);
        return w->jti ? 0 : output_usage("out of memory");
}

static int take_token(const char *token, size_t size, struct wanted *w) {
        _cleanup_(json_freep) cJSON *header = NULL, *claims = NULL;
        const char *why;
        int64_t seconds;

        if (token_text_read(token, size, &header, &claims, &why) < 0) {
                output_error("this is no signed token: %s", why);
                return CTL_USAGE;
        }
        if (json_integer(claims, "exp", &seconds) >= 0 && seconds > 0 && seconds <= TIME_MAX_SEC)
                w->expires_at_usec = (uint64_t)seconds * USEC_PER_SEC;
        return take_jti(json_string(claims, "jti"), w);
}

static int take_token_file(const char *path, struct wanted *w) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        int r;

        r = input_word_file(path, "token", &token);
        return r != 0 ? r : take_token(token->data, token->size, w);
}

/* A jti, or a token: that one can be told from the other, and is good until this is over. */
static int take_argument(const char *text, struct wanted *w) {
        _cleanup_(json_freep) cJSON *header = NULL, *claims = NULL;
        const char *why;

        if (token_text_read(text, strlen(text), &header, &claims, &why) < 0)
                return take_jti(text, w);
        output_note("others can read a token among the arguments; --token-file keeps it from them");
        return take_token(text, strlen(text), w);
}

static int tell(const struct ctl *ctl, const struct wanted *w, const char *list,
                const struct revoked_result *result) {
        if (ctl->json) {
                _cleanup_(buffer_done) struct buffer text = { 0 };

                buffer_puts(&text, "{\"jti\":");
                json_print_string(w->jti, strlen(w->jti), &text);
                buffer_puts(&text, ",\"file\":");
                json_print_string(list, strlen(list), &text);
                buffer_printf(&text, ",\"added\":%s,\"pruned\":%zu}",
                              result->added ? "true" : "false", result->n_pruned);
                if (text.data)
                        output_line(text.data, text.size);
        } else if (result->added)
                output_note("revoked '%s' in %s; an engine that reads this list minds it at once",
                            w->jti, list);
        else
                output_note("'%s' is revoked in %s already, or was over more than a day ago",
                            w->jti, list);
        return CTL_SUCCESS;
}

int ctl_token_revoke(const struct ctl *ctl) {
        _cleanup_(wanted_done) struct wanted w = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        const char *list = ctl->file ? ctl->file : DEFAULT_LIST;
        struct revoked_change change = { .now_usec = clock_usec(CLOCK_REALTIME) };
        struct revoked_result result;
        int r;

        if ((ctl->n_arguments > 0) == (ctl->token_file != NULL))
                return output_usage("which token? Name its jti, or the file it is in by "
                                    "--token-file");
        r = ctl->token_file ? take_token_file(ctl->token_file, &w)
                            : take_argument(ctl->arguments[0], &w);
        if (r != 0)
                return r;

        change.jti = w.jti;
        change.expires_at_usec = w.expires_at_usec;
        if (revoked_list_add(list, &change, &result, &error) < 0) {
                output_error("'%s' is not revoked: of %s, %s", w.jti, list, error.message);
                return CTL_USAGE;
        }
        return tell(ctl, &w, list, &result);
}
