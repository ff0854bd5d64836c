/* SPDX-License-Identifier: MIT */
#include "actionctl/redirect.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static int hex(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* application/x-www-form-urlencoded. Returns 0, -EBADMSG, -ENOMEM. */
static int decode(const char *text, size_t size, char **ret) {
        _cleanup_(buffer_done) struct buffer to = { 0 };
        size_t n;

        for (size_t i = 0; i < size; i++) {
                int c = text[i] == '+' ? ' ' : (unsigned char)text[i];

                if (c == '%') {
                        int high = i + 2 < size ? hex(text[i + 1]) : -1;
                        int low = i + 2 < size ? hex(text[i + 2]) : -1;

                        if (high < 0 || low < 0)
                                return -EBADMSG;
                        c = high << 4 | low;
                        i += 2;
                }
                if (c < 0x20 || c == 0x7f)
                        return -EBADMSG;
                buffer_putc(&to, (char)c);
        }
        buffer_puts(&to, "");
        return buffer_take(&to, ret, &n);
}

static bool has_name(const char *pair, size_t size, const char *name) {
        size_t n = strlen(name);

        return size > n && pair[n] == '=' && strncmp(pair, name, n) == 0;
}

int redirect_parameter(const char *url, const char *name, char **ret) {
        const char *at = strchr(url, '?'), *found = NULL;
        size_t found_size = 0;

        while (at && *at && *at != '#') {
                size_t size = strcspn(++at, "&#");

                if (has_name(at, size, name)) {
                        if (found)
                                return -EBADMSG;
                        found = at + strlen(name) + 1;
                        found_size = size - strlen(name) - 1;
                }
                at += size;
        }
        return found ? decode(found, found_size, ret) : -ENOENT;
}

void redirect_done(struct redirect *r) {
        free(r->authority);
        free(r->path);
        *r = (struct redirect){ 0 };
}

/* What stands between "//" and the path, if 127.0.0.1 is what it means. */
static bool read_authority(const char *text, size_t size, uint16_t *ret_port) {
        static const char *const hosts[] = { "127.0.0.1", "localhost" };
        char copy[32], *end;
        unsigned long port;

        if (size >= sizeof(copy))
                return false;
        snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                const char *rest = copy + strlen(hosts[i]);

                if (strncmp(copy, hosts[i], strlen(hosts[i])) != 0)
                        continue;
                *ret_port = 80;
                if (!*rest)
                        return true;
                if (*rest++ != ':' || *rest < '1' || *rest > '9')
                        return false;
                port = strtoul(rest, &end, 10);
                *ret_port = (uint16_t)port;
                return !*end && port <= UINT16_MAX;
        }
        return false;
}

int redirect_parse(const char *uri, struct redirect *ret) {
        static const char scheme[] = "http://";
        _cleanup_(redirect_done) struct redirect r = { 0 };
        const char *authority = uri + strlen(scheme);
        size_t size;

        if (strncmp(uri, scheme, strlen(scheme)) != 0)
                return -EADDRNOTAVAIL;
        size = strcspn(authority, "/?#");
        if (!read_authority(authority, size, &r.port))
                return -EADDRNOTAVAIL;
        if (authority[size] != '/' || strpbrk(authority + size, "?#"))
                return -EADDRNOTAVAIL;

        r.authority = strndup(authority, size);
        r.path = strdup(authority + size);
        if (!r.authority || !r.path)
                return -ENOMEM;
        *ret = r;
        r = (struct redirect){ 0 };
        return 0;
}

static int check_state(const char *url, const char *state) {
        _cleanup_(freep) char *found = NULL;
        int r;

        r = redirect_parameter(url, "state", &found);
        if (r < 0)
                return r == -ENOENT ? -EBADMSG : r;
        if (strlen(found) != strlen(state) || sodium_memcmp(found, state, strlen(state)) != 0)
                return -EKEYREJECTED;
        return 0;
}

int redirect_check(const char *url, const char *state) {
        _cleanup_(freep) char *code = NULL, *error = NULL;
        int r;

        if (strlen(url) > REDIRECT_MAX)
                return -EBADMSG;
        r = check_state(url, state);
        if (r < 0)
                return r;
        r = redirect_parameter(url, "code", &code);
        if (r == -ENOENT)
                r = redirect_parameter(url, "error", &error);
        return r == -ENOENT ? -EBADMSG : r;
}

int redirect_check_target(const struct redirect *r, const char *target, const char *state) {
        size_t n = strlen(r->path);

        if (strncmp(target, r->path, n) != 0 || target[n] != '?')
                return -EBADMSG;
        return redirect_check(target, state);
}
