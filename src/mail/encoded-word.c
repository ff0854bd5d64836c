/* SPDX-License-Identifier: MIT */
#include "mail/encoded-word.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <uniconv.h>

/* RFC 2047 §2 has 75; others write longer ones. */
#define WORD_MAX 1024
#define CHARSET_MAX 40

struct word {
        char charset[CHARSET_MAX + 1];
        char encoding;
        const char *text; /* encoded */
        size_t text_size;
        const char *end; /* behind the whole */
};

/* Reads =?charset?encoding?text?= at p; a language (RFC 2231 §5) is passed over. */
static bool read_word(const char *p, struct word *ret) {
        const char *charset = p + 2, *encoding, *text, *end;
        size_t n;

        if (strncmp(p, "=?", 2) != 0)
                return false;
        encoding = charset + strcspn(charset, "? ");
        if (encoding[0] != '?' || !encoding[1] || encoding[2] != '?')
                return false;
        text = encoding + 3;
        end = text + strcspn(text, "? ");
        if (end[0] != '?' || end[1] != '=' || end - p > WORD_MAX)
                return false;
        n = strcspn(charset, "?*");
        if (n == 0 || n > CHARSET_MAX)
                return false;

        *ret = (struct word){
                .encoding = encoding[1],
                .text = text,
                .text_size = (size_t)(end - text),
                .end = end + 2,
        };
        memcpy(ret->charset, charset, n);
        return true;
}

static int hex_digit(char c) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *p = c ? strchr(digits, c) : NULL;

        return p ? (int)(p - digits) % 16 : -1;
}

static int decode_q(const struct word *w, char *ret) {
        int n = 0;

        for (size_t i = 0; i < w->text_size; i++) {
                char c = w->text[i];

                if (c == '=') {
                        int high = i + 2 < w->text_size ? hex_digit(w->text[i + 1]) : -1;
                        int low = high < 0 ? -1 : hex_digit(w->text[i + 2]);

                        if (low < 0)
                                return -EBADMSG;
                        c = (char)(high * 16 + low);
                        i += 2;
                } else if (c == '_')
                        c = ' ';
                ret[n++] = c;
        }
        return n;
}

static int decode_b(const struct word *w, char *ret) {
        size_t n, size = w->text_size;

        while (size > 0 && w->text[size - 1] == '=')
                size--;
        if (sodium_base642bin((unsigned char *)ret, WORD_MAX, w->text, size, NULL, &n, NULL,
                              sodium_base64_VARIANT_ORIGINAL_NO_PADDING) < 0)
                return -EBADMSG;
        return (int)n;
}

static bool decode_word(const struct word *w, struct buffer *to) {
        char bytes[WORD_MAX];
        uint8_t *text;
        size_t size = 0;
        int n = -EBADMSG;

        if (w->encoding == 'q' || w->encoding == 'Q')
                n = decode_q(w, bytes);
        else if (w->encoding == 'b' || w->encoding == 'B')
                n = decode_b(w, bytes);
        if (n <= 0)
                return n == 0;

        text = u8_conv_from_encoding(w->charset, iconveh_error, bytes, (size_t)n, NULL, NULL,
                                     &size);
        if (text && !memchr(text, 0, size))
                buffer_append(to, text, size);
        else
                n = -EBADMSG;
        free(text);
        return n > 0;
}

void encoded_words_decode(const char *text, struct buffer *to) {
        bool after_word = false;
        struct word w;

        buffer_puts(to, "");
        while (*text) {
                /* Blanks between two of them are no part of the text. */
                size_t blanks = after_word ? strspn(text, " ") : 0;

                after_word = read_word(text + blanks, &w) && decode_word(&w, to);
                if (after_word)
                        text = w.end;
                else
                        buffer_putc(to, *text++);
        }
}
