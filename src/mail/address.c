/* SPDX-License-Identifier: MIT */
#include "mail/address.h"

#include <ctype.h>
#include <errno.h>
#include <idn2.h>
#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "mail/text.h"

/* RFC 5321 §4.5.3.1; a path of 256 octets has two angle brackets. */
#define LOCAL_MAX 64
#define DOMAIN_MAX 253
#define LABEL_MAX 63
#define ADDRESS_MAX 254
/* With "In-Reply-To: <>" well inside a line of 998. */
#define MESSAGE_ID_MAX 900

#define SEVERAL "holds more than one address; give an array with one address in each string"
#define GROUP "looks like a group; give an array with one address in each string"
#define COMMENT "holds a comment in parentheses; put the display name in double quotes"
#define STRAY "holds a character that needs double quotes around the display name"
#define NO_DOMAIN_NAME "has a domain that is no valid internationalised name"

struct span {
        const char *begin, *end;
};

static int fail(const char *reason, const char **ret_reason) {
        *ret_reason = reason;
        return -EINVAL;
}

static struct span trim(struct span s) {
        while (s.begin < s.end && *s.begin == ' ')
                s.begin++;
        while (s.begin < s.end && s.end[-1] == ' ')
                s.end--;
        return s;
}

/* The first `c` outside of quotes, or NULL. */
static const char *find_unquoted(struct span s, char c) {
        bool quoted = false;

        for (const char *p = s.begin; p < s.end; p++)
                if (quoted && *p == '\\' && p + 1 < s.end)
                        p++;
                else if (*p == '"')
                        quoted = !quoted;
                else if (!quoted && *p == c)
                        return p;
        return NULL;
}

static bool is_atext(char c) {
        return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
               (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* atext in runs with single dots between them. */
static bool is_dot_atom(const char *text) {
        bool after_dot = true;

        for (; *text; text++) {
                if (*text == '.' ? after_dot : !is_atext(*text))
                        return false;
                after_dot = *text == '.';
        }
        return !after_dot;
}

/* Reads the quoted-string at s->begin, unescaped, and moves behind it. False: it is not closed. */
static bool take_quoted(struct span *s, struct buffer *to) {
        const char *p = s->begin + 1;

        for (; p < s->end && *p != '"'; p++) {
                if (*p == '\\' && ++p == s->end)
                        return false;
                buffer_putc(to, *p);
        }
        if (p == s->end)
                return false;
        s->begin = p + 1;
        return true;
}

static int take_name(struct span s, char **ret, const char **ret_reason) {
        static const struct {
                char c;
                const char *reason;
        } refused[] = {
                { '(', COMMENT }, { ')', COMMENT }, { '@', SEVERAL }, { ':', GROUP },
                { ';', GROUP },   { '<', STRAY },   { '>', STRAY },   { '\\', STRAY },
        };
        _cleanup_(buffer_done) struct buffer name = { 0 };
        bool blank = false;

        while (s.begin < s.end) {
                if (*s.begin == ' ') {
                        blank = true;
                        s.begin++;
                        continue;
                }
                if (blank && name.size > 0)
                        buffer_putc(&name, ' ');
                blank = false;

                if (*s.begin == '"') {
                        if (!take_quoted(&s, &name))
                                return fail("has a quote that is not closed", ret_reason);
                        continue;
                }
                for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                        if (*s.begin == refused[i].c)
                                return fail(refused[i].reason, ret_reason);
                buffer_putc(&name, *s.begin++);
        }

        if (name.size == 0) {
                *ret = NULL;
                return buffer_error(&name);
        }
        return buffer_take(&name, ret, NULL);
}

/* Letters, digits and inner hyphens in labels of 1 to 63, lower case. */
static bool is_host_name(const char *text) {
        size_t n = 0;

        if (strlen(text) > DOMAIN_MAX)
                return false;
        for (; *text; text++) {
                if (*text == '.' || *text == '-') {
                        if (n == 0 || (*text == '.' && text[-1] == '-'))
                                return false;
                        n = *text == '.' ? 0 : n + 1;
                } else if (isalnum((unsigned char)*text))
                        n++;
                else
                        return false;
                if (n > LABEL_MAX)
                        return false;
        }
        return n > 0 && text[-1] != '-';
}

/* libidn2's strings are malloc()ed, and so may be owned and freed as any other. */
static int domain_to_ascii(const char *domain, char **ret, const char **ret_reason) {
        uint8_t *ascii = NULL;
        int r;

        r = idn2_lookup_u8((const uint8_t *)domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
        if (r == IDN2_MALLOC)
                return -ENOMEM;
        if (r != IDN2_OK)
                return fail(NO_DOMAIN_NAME, ret_reason);
        *ret = (char *)ascii;
        return 0;
}

/* Some A-labels of a stranger's making decode to what no name encodes to: those are refused. */
static int domain_to_unicode(const char *ascii, char **ret, const char **ret_reason) {
        _cleanup_(freep) char *unicode = NULL, *again = NULL;
        int r;

        r = idn2_to_unicode_8z8z(ascii, &unicode, 0);
        if (r == IDN2_MALLOC)
                return -ENOMEM;
        if (r != IDN2_OK)
                return fail(NO_DOMAIN_NAME, ret_reason);
        r = domain_to_ascii(unicode, &again, ret_reason);
        if (r < 0)
                return r;
        if (strcmp(ascii, again) != 0)
                return fail(NO_DOMAIN_NAME, ret_reason);
        *ret = TAKE_PTR(unicode);
        return 0;
}

static int take_domain(struct span s, bool keep_unicode, char **ret, const char **ret_reason) {
        _cleanup_(freep) char *domain = NULL, *ascii = NULL, *unicode = NULL;
        int r;

        if (s.begin < s.end && *s.begin == '[')
                return fail("has an address literal for its domain", ret_reason);

        domain = strndup(s.begin, (size_t)(s.end - s.begin));
        if (!domain)
                return -ENOMEM;
        if (mail_text_is_ascii(domain))
                ascii = TAKE_PTR(domain);
        else {
                r = domain_to_ascii(domain, &ascii, ret_reason);
                if (r < 0)
                        return r;
        }
        for (char *p = ascii; *p; p++)
                *p = (char)tolower((unsigned char)*p);
        if (!is_host_name(ascii))
                return fail("has a domain that is no host name", ret_reason);

        if (keep_unicode) {
                r = domain_to_unicode(ascii, &unicode, ret_reason);
                if (r < 0)
                        return r;
        }
        *ret = unicode ? TAKE_PTR(unicode) : TAKE_PTR(ascii);
        return 0;
}

/* Reads the local part and moves behind it, to the '@'. */
static int take_local(struct span *s, char **ret, const char **ret_reason) {
        static const struct {
                char c;
                const char *reason;
        } refused[] = {
                { '(', COMMENT }, { ')', COMMENT }, { ',', SEVERAL }, { ':', GROUP },
                { ';', GROUP },   { '<', SEVERAL }, { '>', SEVERAL },
        };
        _cleanup_(buffer_done) struct buffer local = { 0 };
        bool quoted = s->begin < s->end && *s->begin == '"';

        if (quoted) {
                if (!take_quoted(s, &local))
                        return fail("has a quote that is not closed", ret_reason);
        } else
                while (s->begin < s->end && *s->begin != '@') {
                        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                                if (*s->begin == refused[i].c)
                                        return fail(refused[i].reason, ret_reason);
                        buffer_putc(&local, *s->begin++);
                }

        if (buffer_error(&local) < 0)
                return -ENOMEM;
        if (s->begin == s->end || *s->begin != '@')
                return fail("has no '@': it is no address", ret_reason);
        if (local.size == 0)
                return fail("has nothing before its '@'", ret_reason);
        if (local.size > LOCAL_MAX)
                return fail("has more than 64 bytes before its '@'", ret_reason);
        if (mail_text_turns_direction(local.data))
                return fail("has a mark in its address that turns the writing direction",
                            ret_reason);
        if (!quoted && !is_dot_atom(local.data))
                return fail("has a character or a dot before its '@' that needs double quotes",
                            ret_reason);
        return buffer_take(&local, ret, NULL);
}

static void put_local(const char *local, struct buffer *to) {
        if (is_dot_atom(local)) {
                buffer_puts(to, local);
                return;
        }
        mail_text_quote(local, to);
}

static int take_address(struct span s, char **ret, const char **ret_reason) {
        _cleanup_(buffer_done) struct buffer address = { 0 };
        _cleanup_(freep) char *local = NULL, *domain = NULL;
        int r;

        r = take_local(&s, &local, ret_reason);
        if (r < 0)
                return r;

        s.begin++; /* the '@' */
        for (const char *p = s.begin; p < s.end; p++)
                if (strchr("@,;<>", *p))
                        return fail(SEVERAL, ret_reason);
                else if (*p == '(' || *p == ')')
                        return fail(COMMENT, ret_reason);

        r = take_domain(s, !mail_text_is_ascii(local), &domain, ret_reason);
        if (r < 0)
                return r;

        put_local(local, &address);
        buffer_putc(&address, '@');
        buffer_puts(&address, domain);
        if (address.size > ADDRESS_MAX)
                return fail("is longer than an address can be (254 bytes)", ret_reason);
        return buffer_take(&address, ret, NULL);
}

int mailbox_parse(const char *text, struct mailbox *ret, const char **ret_reason) {
        struct span s = { text, text + strlen(text) };
        _cleanup_(mailbox_done) struct mailbox m = { 0 };
        const char *open, *close;
        int r;

        r = mail_text_check(text, ret_reason);
        if (r < 0)
                return r;

        s = trim(s);
        open = find_unquoted(s, '<');
        if (open) {
                close = find_unquoted((struct span){ open + 1, s.end }, '>');
                if (!close)
                        return fail("has a '<' without its '>'", ret_reason);
                if (close + 1 != s.end)
                        return fail(SEVERAL, ret_reason);

                r = take_name((struct span){ s.begin, open }, &m.name, ret_reason);
                if (r < 0)
                        return r;
                s = trim((struct span){ open + 1, close });
        }

        r = take_address(s, &m.address, ret_reason);
        if (r < 0)
                return r;

        *ret = m;
        m = (struct mailbox){ 0 };
        return 0;
}

void mailbox_done(struct mailbox *m) {
        free(m->name);
        free(m->address);
        *m = (struct mailbox){ 0 };
}

void mailbox_write(const struct mailbox *m, struct buffer *to) {
        if (!m->name) {
                buffer_puts(to, m->address);
                return;
        }
        mail_text_quote(m->name, to);
        buffer_printf(to, " <%s>", m->address);
}

const char *mailbox_domain(const struct mailbox *m) {
        return strrchr(m->address, '@') + 1;
}

int message_id_parse(const char *text, char **ret, const char **ret_reason) {
        size_t size = strlen(text);
        const char *at;
        char *id;

        if (size >= 2 && text[0] == '<' && text[size - 1] == '>') {
                text++;
                size -= 2;
        }
        if (size > MESSAGE_ID_MAX)
                return fail("is longer than a message id can be (900 bytes)", ret_reason);
        for (size_t i = 0; i < size; i++)
                if (!isgraph((unsigned char)text[i]) || strchr("<>,;()\\\"", text[i]))
                        return fail("holds a character that a message id cannot hold", ret_reason);
        at = memchr(text, '@', size);
        if (!at || at == text || at + 1 == text + size ||
            memchr(at + 1, '@', size - (size_t)(at + 1 - text)))
                return fail("is no message id of the form left@right", ret_reason);

        id = strndup(text, size);
        if (!id)
                return -ENOMEM;
        *ret = id;
        return 0;
}
