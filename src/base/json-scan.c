/* SPDX-License-Identifier: MIT */
/*
 * One walk over the bytes, with a stack of its own. Reading what was found is json-slice.c's.
 */
#include "base/json-scan.h"

#include <errno.h>
#include <string.h>

#include "base/json-escape.h"
#include "base/json-keys.h"
#include "base/json-number.h"
#include "base/utf8.h"

/* A key's place and size have 32 and 31 bits. */
#define MAX_TEXT ((size_t)INT32_MAX)

struct level {
        const char *start; /* its bracket */
        enum json_type type;
        bool fresh;       /* nothing but the bracket has been read */
        size_t first_key; /* in the array of keys */
};

struct scan {
        const char *text, *at, *end;
        struct json_envelope *envelope;
        struct json_fault *fault;
        struct json_slice key; /* of the root's member that is being read */
        size_t n_values;
        size_t depth;
        struct level levels[JSON_MAX_DEPTH];
        struct json_keys keys;
};

static int refuse_at(struct scan *s, const char *at, const char *reason) {
        *s->fault = (struct json_fault){ .reason = reason, .offset = (size_t)(at - s->text) };
        return -EBADMSG;
}

static int refuse(struct scan *s, const char *reason) {
        return refuse_at(s, s->at, s->at == s->end ? "it ends too early" : reason);
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scan *s) {
        while (s->at < s->end && is_space(*s->at))
                s->at++;
}

static bool reads_hex4(const char *at, const char *end) {
        if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
                return false;
        for (size_t i = 2; i < 6; i++)
                if (!((at[i] >= '0' && at[i] <= '9') ||
                      ((at[i] | 0x20) >= 'a' && (at[i] | 0x20) <= 'f')))
                        return false;
        return true;
}

static int scan_escape(struct scan *s) {
        unsigned code, low;

        if (s->end - s->at >= 2 && s->at[1] && strchr("\"\\/bfnrt", s->at[1])) {
                s->at += 2;
                return 0;
        }
        if (!reads_hex4(s->at, s->end))
                return refuse(s, "no such escape in a string");

        code = json_hex4(s->at + 2);
        if (code == 0)
                return refuse(s, "U+0000 in a string");
        if (code >= 0xdc00 && code < 0xe000)
                return refuse(s, "a lone surrogate in a string");
        if (code >= 0xd800 && code < 0xdc00) {
                low = reads_hex4(s->at + 6, s->end) ? json_hex4(s->at + 8) : 0;
                if (low < 0xdc00 || low >= 0xe000)
                        return refuse(s, "a lone surrogate in a string");
                s->at += 6;
        }
        s->at += 6;
        return 0;
}

/* From its quote to behind the other. */
static int scan_string(struct scan *s, bool *ret_escaped) {
        size_t n;
        int r;

        *ret_escaped = false;
        for (s->at++;;) {
                s->at = json_skip_plain(s->at, s->end);
                if (s->at == s->end)
                        return refuse(s, NULL);

                if (*s->at == '"') {
                        s->at++;
                        return 0;
                }

                if (*s->at == '\\') {
                        r = scan_escape(s);
                        if (r < 0)
                                return r;
                        *ret_escaped = true;
                        continue;
                }

                if ((unsigned char)*s->at < 0x20)
                        return refuse(s, "a raw control character in a string");
                while (s->at < s->end && (signed char)*s->at < 0) {
                        n = utf8_span(s->at, (size_t)(s->end - s->at));
                        if (n == 0)
                                return refuse(s, "invalid UTF-8");
                        s->at += n;
                }
        }
}

/* Whether a number may end here, and was not cut off before its next digit. */
static bool ends_number(const struct scan *s) {
        if (s->at == s->end)
                return s->depth == 0;
        return *s->at == ',' || *s->at == ']' || *s->at == '}' || is_space(*s->at);
}

static int scan_number(struct scan *s) {
        const char *start = s->at;
        bool integer;
        size_t n = json_number_span(start, (size_t)(s->end - start), &integer);

        s->at += n;
        if (n == 0 || !ends_number(s))
                return refuse(s, "not a number as JSON writes it");
        if (!json_number_in_range(start, n))
                return refuse_at(s, start, "a number outside the double range");
        if (integer && json_integer_is_big(start, n))
                s->envelope->has_big_integer = true;
        return 0;
}

static int scan_word(struct scan *s, const char *word) {
        size_t n = strlen(word);

        if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
                return refuse(s, "an unexpected character");
        s->at += n;
        return 0;
}

/* Remembers what has been read whole, if it is the root or a member of it. */
static void note_value(struct scan *s, const char *start, enum json_type type) {
        struct json_envelope *e = s->envelope;
        struct json_slice value = { start, (size_t)(s->at - start), type };

        if (s->depth == 0)
                e->root = value;
        else if (s->depth == 1 && s->levels[0].type == JSON_OBJECT &&
                 e->n_members < JSON_ENVELOPE_MAX)
                e->members[e->n_members++] = (struct json_member){ s->key, value };
}

static int open_level(struct scan *s, enum json_type type) {
        if (s->depth == JSON_MAX_DEPTH)
                return refuse(s, "nesting deeper than 64");

        s->levels[s->depth++] = (struct level){
                .start = s->at,
                .type = type,
                .fresh = true,
                .first_key = s->keys.n,
        };
        s->at++;
        return 0;
}

static int close_level(struct scan *s) {
        const struct level *level = &s->levels[s->depth - 1];
        size_t offset;

        s->at++;
        if (level->type == JSON_OBJECT &&
            json_keys_close(&s->keys, s->text, level->first_key, &offset) < 0)
                return refuse_at(s, s->text + offset, "a key that stands twice in its object");

        s->depth--;
        note_value(s, level->start, level->type);
        return 0;
}

/* A value that is no container, or the bracket of one that is. */
static int scan_value(struct scan *s) {
        const char *start = s->at;
        enum json_type type;
        bool escaped;
        int r;

        if (s->at == s->end)
                return refuse(s, NULL);
        if (s->n_values++ == JSON_MAX_VALUES)
                return refuse(s, "more than 262144 values");

        switch (*s->at) {
        case '{':
                return open_level(s, JSON_OBJECT);
        case '[':
                return open_level(s, JSON_ARRAY);
        case '"':
                type = JSON_STRING;
                r = scan_string(s, &escaped);
                break;
        case 'n':
                type = JSON_NULL;
                r = scan_word(s, "null");
                break;
        case 'f':
                type = JSON_FALSE;
                r = scan_word(s, "false");
                break;
        case 't':
                type = JSON_TRUE;
                r = scan_word(s, "true");
                break;
        case '-':
        case '0' ... '9':
                type = JSON_NUMBER;
                r = scan_number(s);
                break;
        default:
                return refuse(s, "an unexpected character");
        }
        if (r < 0)
                return r;

        note_value(s, start, type);
        return 0;
}

static int scan_key(struct scan *s) {
        const char *start = s->at;
        bool escaped;
        int r;

        if (s->at == s->end || *s->at != '"')
                return refuse(s, "a key was expected");
        r = scan_string(s, &escaped);
        if (r < 0)
                return r;

        if (s->depth == 1)
                s->key = (struct json_slice){ start, (size_t)(s->at - start), JSON_STRING };
        r = json_keys_add(&s->keys, (size_t)(start + 1 - s->text), (size_t)(s->at - start - 2),
                          escaped);
        if (r < 0)
                return r;

        skip_space(s);
        if (s->at == s->end || *s->at != ':')
                return refuse(s, "a colon was expected");
        s->at++;
        skip_space(s);
        return 0;
}

/* The next step inside the innermost container: its end, or one more element. */
static int scan_step(struct scan *s) {
        struct level *level = &s->levels[s->depth - 1];
        int r;

        skip_space(s);
        if (s->at == s->end)
                return refuse(s, NULL);
        if (*s->at == (level->type == JSON_OBJECT ? '}' : ']'))
                return close_level(s);

        if (!level->fresh) {
                if (*s->at != ',')
                        return refuse(s, "a comma or the closing bracket was expected");
                s->at++;
                skip_space(s);
        }
        level->fresh = false;

        if (level->type == JSON_OBJECT) {
                r = scan_key(s);
                if (r < 0)
                        return r;
        }
        return scan_value(s);
}

static int scan_text(struct scan *s) {
        int r;

        if (s->end - s->at > (ptrdiff_t)MAX_TEXT)
                return refuse(s, "longer than 2 GiB");
        if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
                return refuse(s, "a byte order mark");

        skip_space(s);
        r = scan_value(s);
        while (r == 0 && s->depth > 0)
                r = scan_step(s);
        if (r < 0)
                return r;

        skip_space(s);
        return s->at == s->end ? 0 : refuse(s, "more than one value");
}

int json_scan(const char *text, size_t size, struct json_envelope *ret,
              struct json_fault *ret_fault) {
        struct scan s; /* mostly arrays that are filled as they are needed */
        int r;

        s.text = s.at = text;
        s.end = text + size;
        s.envelope = ret;
        s.fault = ret_fault;
        s.n_values = 0;
        s.depth = 0;
        json_keys_init(&s.keys);

        ret->root = (struct json_slice){ 0 };
        ret->n_members = 0;
        ret->has_big_integer = false;

        r = scan_text(&s);
        json_keys_done(&s.keys);
        return r;
}
