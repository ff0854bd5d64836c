/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/rfc3339.h"

static size_t span(const char *text, const char *also) {
        size_t n = 0;

        while (text[n] && (isalnum((unsigned char)text[n]) || strchr(also, text[n])))
                n++;
        return n;
}

/* A 60th second stands only at the end of a day in UTC. */
static bool take_time(const char **text) {
        static const int day = 24 * 60;
        struct rfc3339_time t;

        return rfc3339_take_time(text, &t) &&
               (t.second < 60 || (t.minutes - t.offset_minutes + day) % day == day - 1);
}

static bool is_date(const char *text) {
        struct rfc3339_date date;

        return rfc3339_take_date(&text, &date) && !*text;
}

static bool is_date_time(const char *text) {
        struct rfc3339_date date;

        return rfc3339_take_date(&text, &date) && rfc3339_take_char(&text, "Tt") &&
               take_time(&text) && !*text;
}

static bool is_time(const char *text) {
        return take_time(&text) && !*text;
}

static bool is_uuid(const char *text) {
        for (size_t i = 0; i < 36; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
                        return false;
        }
        return text[36] == 0;
}

/* An IP address between brackets, with what stands before it there. */
static bool is_address(const char *text, size_t size, int family) {
        char address[INET6_ADDRSTRLEN];
        struct in6_addr in;

        if (size >= sizeof(address))
                return false;
        memcpy(address, text, size);
        address[size] = 0;
        return inet_pton(family, address, &in) > 0;
}

static bool is_ipv4(const char *text) {
        return is_address(text, strlen(text), AF_INET);
}

static bool is_ipv6(const char *text) {
        return is_address(text, strlen(text), AF_INET6);
}

static bool is_mail_domain(const char *text) {
        size_t size = strlen(text), n;

        if (*text == '[' && size > 2 && text[size - 1] == ']')
                return strncasecmp(text + 1, "IPv6:", 5) == 0
                                       ? is_address(text + 6, size - 7, AF_INET6)
                                       : is_address(text + 1, size - 2, AF_INET);
        if (size > 255)
                return false;
        for (;; text += n + 1) {
                n = span(text, "-");
                if (n == 0 || n > 63 || text[0] == '-' || text[n - 1] == '-')
                        return false;
                if (text[n] != '.')
                        return text[n] == 0;
        }
}

/* RFC 5321 `Local-part`. Returns what follows it, or NULL. */
static const char *skip_local_part(const char *text) {
        size_t n;

        if (*text == '"') {
                for (text++; *text != '"'; text++) {
                        if (*text == '\\')
                                text++;
                        if (*text < ' ' || *text > '~')
                                return NULL;
                }
                return text + 1;
        }
        for (;; text += n + 1) {
                n = span(text, "!#$%&'*+-/=?^_`{|}~");
                if (n == 0)
                        return NULL;
                if (text[n] != '.')
                        return text + n;
        }
}

/* RFC 5321 `Mailbox`: one bare ASCII address. */
static bool is_email(const char *text) {
        const char *at = skip_local_part(text);

        return at && at - text <= 64 && *at == '@' && is_mail_domain(at + 1);
}

#define URI_PCHAR "-._~!$&'()*+,;=:@"

/* Skips characters of a URI and its percent-encodings. Returns what follows. */
static const char *skip_uri(const char *text, const char *also) {
        for (;;) {
                text += span(text, also);
                if (*text != '%' || !isxdigit((unsigned char)text[1]) ||
                    !isxdigit((unsigned char)text[2]))
                        return text;
                text += 3;
        }
}

/* [userinfo "@"] host [":" port]. Returns what follows, or NULL. */
static const char *skip_authority(const char *text) {
        const char *end = skip_uri(text, "-._~!$&'()*+,;=:");

        if (*end == '@')
                text = end + 1;
        if (*text == '[') {
                end = strchr(text, ']');
                if (!end || !is_address(text + 1, (size_t)(end - text - 1), AF_INET6))
                        return NULL;
                end++;
        } else
                end = skip_uri(text, "-._~!$&'()*+,;=");
        if (*end == ':')
                end += 1 + strspn(end + 1, "0123456789");
        return end;
}

/* RFC 3986 `URI`: absolute, ASCII. */
static bool is_uri(const char *text) {
        size_t n = span(text, "+-.");

        if (!isalpha((unsigned char)*text) || text[n] != ':')
                return false;
        text += n + 1;
        if (strncmp(text, "//", 2) == 0) {
                text = skip_authority(text + 2);
                if (!text || (*text && !strchr("/?#", *text)))
                        return false;
        }
        text = skip_uri(text, URI_PCHAR "/");
        if (*text == '?')
                text = skip_uri(text + 1, URI_PCHAR "/?");
        if (*text == '#')
                text = skip_uri(text + 1, URI_PCHAR "/?");
        return *text == 0;
}

/* clang-format off */
static const struct schema_format formats[] = {
        { "date",      is_date,      "must be a date such as 2025-07-25" },
        { "date-time", is_date_time, "must be a date and time such as 2025-07-25T15:21:00Z" },
        { "email",     is_email,     "must be one e-mail address such as user@example.com" },
        { "ipv4",      is_ipv4,      "must be an IPv4 address such as 192.0.2.1" },
        { "ipv6",      is_ipv6,      "must be an IPv6 address such as 2001:db8::1" },
        { "time",      is_time,      "must be a time such as 15:21:00Z" },
        { "uri",       is_uri,       "must be a whole URI such as https://example.com/" },
        { "uuid",      is_uuid,      "must be a UUID such as 0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b" },
};
/* clang-format on */

const struct schema_format *schema_format_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(formats); i++)
                if (strcmp(formats[i].name, name) == 0)
                        return &formats[i];
        return NULL;
}
