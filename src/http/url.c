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
        char *host, *path;
        char *port; /* as written, or NULL */
};

static void parts_done(struct parts *p) {
        curl_free(p->host);
        curl_free(p->path);
        curl_free(p->port);
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
                char **to;
        } wanted[] = {
                { CURLUPART_HOST, &ret->host },
                { CURLUPART_PATH, &ret->path },
                { CURLUPART_PORT, &ret->port },
        };
        CURLUcode code;

        ret->parsed = curl_url();
        if (!ret->parsed)
                return -ENOMEM;

        code = curl_url_set(ret->parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
        for (size_t i = 0; code == CURLUE_OK && i < ELEMENTSOF(wanted); i++) {
                code = curl_url_get(ret->parsed, wanted[i].part, wanted[i].to, 0);
                if (code == CURLUE_NO_HOST || code == CURLUE_NO_PORT)
                        code = CURLUE_OK;
        }
        if (code == CURLUE_OUT_OF_MEMORY)
                return -ENOMEM;
        return code == CURLUE_OK ? 0 : -EINVAL;
}

static bool skip(const char **text, const char *prefix) {
        size_t n = strlen(prefix);

        if (strncasecmp(*text, prefix, n) != 0)
                return false;
        *text += n;
        return true;
}

/* From the host on: authority and path stand there as they were understood. */
static bool is_as_understood(const char *rest, const struct parts *p) {
        size_t n = strlen(p->path);

        if (!skip(&rest, p->host) || (p->port && (!skip(&rest, ":") || !skip(&rest, p->port))))
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

        snprintf(address, sizeof(address), "%s:%s", p->host, p->port ? p->port : "80");
        for (; *plain; plain++)
                if (strcmp(*plain, address) == 0)
                        return true;
        return false;
}

static int check(const char *url, const char *const *plain, bool is_local) {
        _cleanup_(parts_done) struct parts p = { 0 };
        const char *rest = url;
        bool encrypted;
        int r;

        if (!is_url_text(url))
                return -EINVAL;
        r = parts_read(url, &p);
        if (r < 0)
                return r;

        encrypted = skip(&rest, "https://");
        if (!encrypted && !skip(&rest, "http://"))
                return -EPERM;
        if (!p.host || !is_as_understood(rest, &p) || strchr(url, '#'))
                return -EPERM;
        if (p.port && strcmp(p.port, "0") == 0)
                return -EPERM;
        return encrypted || is_local || is_listed(&p, plain) ? 0 : -EPERM;
}

int http_url_check(const char *url, const char *const *plain) {
        return check(url, plain, /* is_local= */ false);
}

int http_url_check_local(const char *url) {
        return check(url, NULL, /* is_local= */ true);
}

static size_t origin_size(const char *url) {
        const char *host = strstr(url, "://");

        return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

bool http_url_is_of_same_origin(const char *url, const char *other) {
        size_t n = origin_size(other);

        return n > 0 && strncmp(url, other, n) == 0 && url[n] == '/';
}

void http_plain_done(char **list) {
        for (; *list; list++) {
                free(*list);
                *list = NULL;
        }
}

int http_parse_plain(const char *section, const char *value, void *target,
                     const char **ret_reason) {
        char **list = target;
        size_t n = 0;

        http_plain_done(list);
        for (const char *p = value + strspn(value, " "); *p; p += strspn(p, " ")) {
                const char *one[] = { NULL, NULL };
                char url[128];
                size_t size = strcspn(p, " ");

                list[n] = strndup(p, size);
                if (!list[n])
                        return -ENOMEM;
                one[0] = list[n];
                if ((size_t)snprintf(url, sizeof(url), "http://%s/", list[n]) >= sizeof(url) ||
                    http_url_check(url, one) < 0) {
                        *ret_reason = "is not a list of loopback addresses with ports, such as "
                                      "127.0.0.1:8080 [::1]:8080";
                        return -EINVAL;
                }
                if (++n == HTTP_MAX_PLAIN) {
                        *ret_reason = "names too many addresses";
                        return -E2BIG;
                }
                p += size;
        }
        return 0;
}
