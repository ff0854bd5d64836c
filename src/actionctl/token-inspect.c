/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/input.h"
#include "actionctl/output.h"
#include "actionctl/token-text.h"
#include "base/clock.h"

/*
 * Shows what any JWS says, also one that the engine would refuse: that is when a person looks.
 */

static int no_token(const char *why) {
        output_error("this is no signed token: %s", why);
        return CTL_USAGE;
}

static void print_time(const cJSON *claims, const char *name, const char *words) {
        char text[RFC3339_SIZE];
        int64_t seconds;

        if (json_integer(claims, name, &seconds) < 0 || seconds < 0 || seconds > 253402300799)
                return;
        clock_format_rfc3339((uint64_t)seconds * USEC_PER_SEC, text);
        printf("%s %s", words, text);
        if (strcmp(name, "exp") == 0)
                fputs((uint64_t)seconds * USEC_PER_SEC <= clock_usec(CLOCK_REALTIME)
                                      ? ", which is over"
                                      : "",
                      stdout);
        putchar('\n');
}

static void print_json(const cJSON *header, const cJSON *claims) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        buffer_puts(&text, "{\"verified\":false,\"header\":");
        json_print(header, &text);
        buffer_puts(&text, ",\"claims\":");
        json_print(claims, &text);
        buffer_puts(&text, "}");
        if (text.data)
                output_line(text.data, text.size);
}

static void print_words(const cJSON *header, const cJSON *claims) {
        puts("Not verified: anybody can write a token that says this.\n");
        puts("Header");
        output_value(header);
        puts("\nClaims");
        output_value(claims);
        putchar('\n');
        print_time(claims, "iat", "Issued  ");
        print_time(claims, "nbf", "Not before");
        print_time(claims, "exp", "Expires ");
        if (!json_member(claims, "cnf"))
                puts("Any uid may present it.");
}

static int inspect(const struct ctl *ctl, const char *token, size_t size) {
        _cleanup_(json_freep) cJSON *header = NULL, *claims = NULL;
        const char *why;

        if (token_text_read(token, size, &header, &claims, &why) < 0)
                return no_token(why);
        if (ctl->json)
                print_json(header, claims);
        else
                print_words(header, claims);
        return CTL_SUCCESS;
}

int ctl_token_inspect(const struct ctl *ctl) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        int r;

        r = ctl->n_arguments > 0 ? input_word_file(ctl->arguments[0], "token", &token)
                                 : input_token(ctl, &token);
        if (r != 0)
                return r;
        if (!token)
                return output_usage("which token? Name a file, or - for stdin");
        return inspect(ctl, token->data, token->size);
}
