/* SPDX-License-Identifier: MIT */
/*
 * Which URLs the client goes to. libcurl's own parser reads them, so that there are no two opinions
 * on where one leads; and what it understood must be what is written, so that 0x7f.1, a user name
 * or a path with `..` in it never passes for something else.
 */
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_URL_BYTES 8192

struct parts {
        CURLU *parsed;
        /* All allocated by libcurl. */
        char *scheme, *host, *path;
        char *port;           /* as written, or NULL */
        char *effective_port; /* with the scheme's default */
};

static void parts_done(struct parts *p) {
        curl_free(p->scheme);
        curl_free(p->host);
        curl_free(p->path);
        curl_free(p->port);
        curl_free(p->effective_port);
        curl_url_cleanup(p->parsed);
}

/* RFC 3986 §2 and nothing else: no control characters, no space, no backslash, no raw UTF-8. */
static bool is_url_text(const char *url) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-._~:/?#[]@!$&'()*+,;=%";

        return strnlen(url, MAX_URL_BYTES + 1) <= MAX_URL_BYTES && url[strspn(url, allowed)] == 0;
}

/* Returns 0, -EINVAL or -ENOMEM; *ret is to be done in any case. */
static int parts_read(const char *url, struct parts *ret) {
        const struct {
                CURLUPart part;
                unsigned flags;
                char **to;
        } wanted[] = {
                { CURLUPART_SCHEME, 0, &ret->scheme },
                { CURLUPART_HOST, 0, &ret->host },
                { CURLUPART_PATH, 0, &ret->path },
                { CURLUPART_PORT, 0, &ret->port },
                { CURLUPART_PORT, CURLU_DEFAULT_PORT, &ret->effective_port },
        };
        CURLUcode code;

        ret->parsed = curl_url();
        if (!ret->parsed)
                return -ENOMEM;

        code = curl_url_set(ret->parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
        for (size_t i = 0; code == CURLUE_OK && i < ELEMENTSOF(wanted); i++) {
                code = curl_url_get(ret->parsed, wanted[i].part, wanted[i].to, wanted[i].flags);
                if (code == CURLUE_NO_HOST || code == CURLUE_NO_PORT)
                        code = CURLUE_OK;
        }
        if (code == CURLUE_OUT_OF_MEMORY)
                return -ENOMEM;
        return code == CURLUE_OK ? 0 : -EINVAL;
}

/* Returns what follows the authority if scheme and authority stand there as they are understood. */
static const char *after_authority(const char *url, const struct parts *p) {
        const char *const pieces[] = { p->scheme, "://", p->host, p->port ? ":" : "",
                                       p->port ? p->port : "" };

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                size_t n = strlen(pieces[i]);

                if (strncasecmp(url, pieces[i], n) != 0)
                        return NULL;
                url += n;
        }
        return url;
}

static bool is_as_understood(const char *url, const struct parts *p) {
        const char *rest = after_authority(url, p);
        size_t n = strlen(p->path);

        if (!rest)
                return false;
        if (*rest == 0 || *rest == '?')
                return true;
        return strncmp(rest, p->path, n) == 0 && (rest[n] == 0 || rest[n] == '?');
}

static bool is_loopback(const char *host) {
        struct in_addr v4;

        if (inet_pton(AF_INET, host, &v4) == 1)
                return ntohl(v4.s_addr) >> 24 == 127;
        return strcmp(host, "[::1]") == 0;
}

static bool is_listed(const struct parts *p, const char *const *plain) {
        char address[sizeof("255.255.255.255:65535")];

        if (!plain || !is_loopback(p->host))
                return false;

        snprintf(address, sizeof(address), "%s:%s", p->host, p->effective_port);
        for (; *plain; plain++)
                if (strcmp(*plain, address) == 0)
                        return true;
        return false;
}

int http_url_check(const char *url, const char *const *plain) {
        _cleanup_(parts_done) struct parts p = { 0 };
        int r;

        if (!is_url_text(url))
                return -EINVAL;
        r = parts_read(url, &p);
        if (r < 0)
                return r;

        if (!p.host || strchr(url, '#') || !is_as_understood(url, &p))
                return -EPERM;
        if (p.port && strcmp(p.port, "0") == 0)
                return -EPERM;
        if (strcmp(p.scheme, "https") == 0)
                return 0;
        return strcmp(p.scheme, "http") == 0 && is_listed(&p, plain) ? 0 : -EPERM;
}
