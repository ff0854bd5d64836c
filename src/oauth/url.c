/* SPDX-License-Identifier: MIT */
#include "oauth/url.h"

#include <stdio.h>
#include <string.h>

#include "http/http.h"
#include "oauth/app.h"

#define PLAIN "http://"

/* The client goes to plain addresses that are listed: this one is, if it is a loopback's. */
static bool is_plain_loopback(const char *url) {
        const char *authority = url + strlen(PLAIN);
        size_t n = strcspn(authority, "/?");
        char address[sizeof("255.255.255.255:65535")];
        bool has_port = memchr(authority, ':', n) && authority[n - 1] != ']';

        if (n == 0 || n + strlen(":80") >= sizeof(address))
                return false;
        snprintf(address, sizeof(address), "%.*s%s", (int)n, authority, has_port ? "" : ":80");
        return http_url_check(url, (const char *[]){ address, NULL }) == 0;
}

bool url_is_valid(const char *url) {
        if (strnlen(url, OAUTH_MAX_URL + 1) > OAUTH_MAX_URL)
                return false;
        if (strncmp(url, PLAIN, strlen(PLAIN)) == 0)
                return is_plain_loopback(url);
        return http_url_check(url, /* plain= */ NULL) == 0;
}

bool url_is_redirect(const char *url) {
        static const char name[] = PLAIN "localhost", address[] = PLAIN "127.0.0.1";
        char with_address[OAUTH_MAX_URL + sizeof(address)];

        if (strncmp(url, name, strlen(name)) != 0 || !strchr(":/", url[strlen(name)]))
                return url_is_valid(url);
        if (strnlen(url, OAUTH_MAX_URL + 1) > OAUTH_MAX_URL)
                return false;
        snprintf(with_address, sizeof(with_address), "%s%s", address, url + strlen(name));
        return url_is_valid(with_address);
}

bool url_split_loopback(const char *url, const char **ret_host, const char **ret_rest) {
        static const char *const hosts[] = { "127.0.0.1", "[::1]" };

        if (strncmp(url, PLAIN, strlen(PLAIN)) != 0 || !url_is_valid(url))
                return false;

        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                const char *after = url + strlen(PLAIN) + strlen(hosts[i]);

                if (strncmp(url + strlen(PLAIN), hosts[i], strlen(hosts[i])) != 0 ||
                    !strchr(":/?", *after)) /* finds the end as well */
                        continue;
                *ret_host = hosts[i];
                *ret_rest = after + strcspn(after, "/?");
                return true;
        }
        return false;
}
