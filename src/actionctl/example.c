/* SPDX-License-Identifier: MIT */
#include "actionctl/example.h"

#include <stdbool.h>
#include <string.h>

/* What no shell takes for anything else. */
static bool is_bare(const char *text) {
        static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-._@:/+,=";

        return text[strspn(text, bare)] == 0;
}

static void put_quoted(const char *text, struct buffer *to) {
        if (is_bare(text)) {
                buffer_puts(to, text);
                return;
        }
        buffer_putc(to, '\'');
        for (; *text; text++)
                if (*text == '\'')
                        buffer_puts(to, "'\\''");
                else
                        buffer_putc(to, *text);
        buffer_putc(to, '\'');
}

static void put_key(const char *name, struct buffer *to) {
        for (; *name; name++) {
                if (strchr(".[\\", *name))
                        buffer_putc(to, '\\');
                buffer_putc(to, *name);
        }
}

static void put_argument(const cJSON *member, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer argument = { 0 };

        put_key(member->string, &argument);
        if (cJSON_IsString(member)) {
                buffer_puts(&argument, member->valuestring[0] == '@' ? "=@" : "=");
                buffer_puts(&argument, member->valuestring);
        } else {
                buffer_puts(&argument, ":=");
                json_print(member, &argument);
        }
        if (buffer_error(&argument) < 0) {
                to->failed = true;
                return;
        }
        buffer_putc(to, ' ');
        put_quoted(argument.data, to);
}

void example_put_arguments(const cJSON *payload, struct buffer *to) {
        const cJSON *member;

        cJSON_ArrayForEach (member, payload)
                put_argument(member, to);
}
