/* SPDX-License-Identifier: MIT */
#include "auth/revocation.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "base/json.h"

#define TIME_MAX_SIZE 40

struct span {
        const char *text;
        size_t size;
};

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct span *s) {
        for (; s->size > 0 && is_space(s->text[0]); s->size--)
                s->text++;
        while (s->size > 0 && is_space(s->text[s->size - 1]))
                s->size--;
}

/* With its quotes. */
static size_t quoted_size(const struct span *s) {
        for (size_t i = 1; i < s->size; i++)
                if (s->text[i] == '\\')
                        i++;
                else if (s->text[i] == '"')
                        return i + 1;
        return s->size;
}

static size_t word_size(const struct span *s) {
        size_t n = 0;

        while (n < s->size && !is_space(s->text[n]))
                n++;
        return n;
}

static int read_quoted(const struct span *word, char **ret) {
        struct json_envelope e;
        struct json_fault fault;
        int r;

        r = json_scan(word->text, word->size, &e, &fault);
        if (r == -EBADMSG)
                return -EINVAL;
        return r < 0 ? r : json_slice_string(&e.root, ret);
}

static int read_bare(const struct span *word, char **ret) {
        if (memchr(word->text, 0, word->size))
                return -EINVAL;
        *ret = strndup(word->text, word->size);
        return *ret ? 0 : -ENOMEM;
}

static int read_time(const struct span *s, uint64_t *ret) {
        char text[TIME_MAX_SIZE];

        if (s->size >= sizeof(text))
                return -EINVAL;
        memcpy(text, s->text, s->size);
        text[s->size] = 0;
        return strlen(text) == s->size ? clock_parse_rfc3339(text, ret) : -EINVAL;
}

void revocation_done(struct revocation *v) {
        free(v->jti);
        *v = (struct revocation){ 0 };
}

/* The jti, and what stands behind it. */
static int read_entry(const struct span *line, struct revocation *v, const char **ret_reason) {
        bool quoted = line->text[0] == '"';
        struct span word = { line->text, quoted ? quoted_size(line) : word_size(line) };
        struct span rest = { line->text + word.size, line->size - word.size };
        int r;

        r = quoted ? read_quoted(&word, &v->jti) : read_bare(&word, &v->jti);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !token_jti_is_valid(v->jti)) {
                *ret_reason = "its jti is no text of 1 to 128 bytes without control characters";
                return -EINVAL;
        }
        if (rest.size > 0 && !is_space(rest.text[0])) {
                *ret_reason = "something stands right behind the quotes";
                return -EINVAL;
        }
        trim(&rest);
        if (rest.size > 0 && read_time(&rest, &v->expires_at_usec) < 0) {
                *ret_reason = "what stands behind the jti is no time such as 2026-11-30T00:00:00Z "
                              "(a jti with spaces stands in quotes)";
                return -EINVAL;
        }
        return 0;
}

int revocation_read(const char *line, size_t size, struct revocation *ret,
                    const char **ret_reason) {
        _cleanup_(revocation_done) struct revocation v = { 0 };
        struct span s = { line, size };
        int r;

        trim(&s);
        if (s.size > 0 && s.text[0] != '#') {
                r = read_entry(&s, &v, ret_reason);
                if (r < 0)
                        return r;
        }
        *ret = v;
        v = (struct revocation){ 0 };
        return 0;
}

static bool is_bare(const char *jti) {
        for (const char *p = jti; *p; p++)
                if (*p <= 0x20 || *p > 0x7e)
                        return false;
        return *jti != '#' && *jti != '"';
}

void revocation_write(const char *jti, uint64_t expires_at_usec, struct buffer *to) {
        if (is_bare(jti))
                buffer_puts(to, jti);
        else
                json_print_string(jti, strlen(jti), to);
        if (expires_at_usec > 0) {
                char text[RFC3339_SIZE];

                clock_format_rfc3339(expires_at_usec, text);
                buffer_printf(to, " %s", text);
        }
        buffer_putc(to, '\n');
}
