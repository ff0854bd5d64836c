/* SPDX-License-Identifier: MIT */
#include "smtp/mailbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define PORT_TLS 465
#define PORT_STARTTLS 587

/* The schema has looked at what was stored here; somebody else may have written to the vault. */
static const char *read_text(const cJSON *json, const char *name) {
        const char *text = json_string(json, name);

        for (const char *p = text; p && *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        return NULL;
        return text && *text ? text : NULL;
}

/* It becomes part of a URL. */
static bool is_host(const char *host) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-.";
        size_t n = strlen(host);

        if (host[0] == '[')
                return n > 2 && host[n - 1] == ']' &&
                       strspn(host + 1, "0123456789ABCDEFabcdef:.") == n - 2;
        return host[strspn(host, plain)] == 0;
}

static int read_security(const cJSON *json, struct smtp_envelope *e) {
        const char *security = read_text(json, "security");
        int64_t port;
        int r;

        if (!security || (strcmp(security, "tls") != 0 && strcmp(security, "starttls") != 0))
                return -EINVAL;
        e->tls_at_once = strcmp(security, "tls") == 0;

        r = json_integer(json, "port", &port);
        if (r == -ENOENT)
                port = e->tls_at_once ? PORT_TLS : PORT_STARTTLS;
        else if (r < 0 || port < 1 || port > UINT16_MAX)
                return -EINVAL;
        e->port = (uint16_t)port;
        return 0;
}

/* clang-format off */
static const struct {
        const char *auth;   /* or NULL: not said */
        const char *secret; /* the member that it takes */
        enum smtp_login login;
} logins[] = {
        { NULL,      "password",     SMTP_LOGIN_PASSWORD },
        { NULL,      "access_token", SMTP_LOGIN_XOAUTH2  },
        { "login",   "password",     SMTP_LOGIN_LOGIN    },
        { "plain",   "password",     SMTP_LOGIN_PLAIN    },
        { "xoauth2", "access_token", SMTP_LOGIN_XOAUTH2  },
};
/* clang-format on */

static int read_login(const cJSON *json, struct smtp_envelope *e) {
        const char *auth = json_string(json, "auth");

        for (size_t i = 0; i < ELEMENTSOF(logins); i++) {
                const char *secret = read_text(json, logins[i].secret);

                if (!secret || !auth != !logins[i].auth ||
                    (auth && strcmp(auth, logins[i].auth) != 0))
                        continue;
                e->login = logins[i].login;
                return secret_new(secret, strlen(secret), &e->secret);
        }
        return -EINVAL;
}

static int read_from(const cJSON *json, const char *username, struct mailbox *ret) {
        const char *from = json_string(json, "from"), *reason;
        int r;

        r = mailbox_parse(from ? from : username, ret, &reason);
        return r == -EINVAL && !from ? 0 : r;
}

int smtp_mailbox_read(const struct secret *credential, struct smtp_envelope **ret,
                      struct mailbox *ret_from) {
        _cleanup_(smtp_envelope_freep) struct smtp_envelope *e = NULL;
        _cleanup_(mailbox_done) struct mailbox from = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;
        const char *host, *username;
        int r;

        r = credential ? json_parse(credential->data, credential->size, &json, NULL) : -EINVAL;
        if (r < 0)
                return r == -ENOMEM ? r : -EINVAL;
        host = read_text(json, "host");
        username = read_text(json, "username");
        if (!host || !is_host(host) || !username)
                return -EINVAL;

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->host = strdup(host);
        e->username = strdup(username);
        if (!e->host || !e->username)
                return -ENOMEM;
        r = read_security(json, e);
        if (r >= 0)
                r = read_login(json, e);
        if (r >= 0)
                r = read_from(json, username, &from);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(e);
        *ret_from = from;
        from = (struct mailbox){ 0 };
        return 0;
}

int smtp_mailbox_describe(struct http_request *q) {
        const struct smtp_envelope *e = q->mail;

        q->method = "MAIL";
        if (asprintf(&q->url, "%s://%s:%u", e->tls_at_once ? "smtps" : "smtp", e->host, e->port) <
            0) {
                q->url = NULL;
                return -ENOMEM;
        }
        return 0;
}
