/* SPDX-License-Identifier: MIT */
/*
 * Grants: what travels to who sends them, and what he sends to whom.
 */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "oauth-fixture.h"
#include "oauth/grant.h"

#define G(kind, app, rest) "{\"kind\":\"" kind "\",\"app\":" app rest "}"
#define BARE "{\"profile\":\"google\"}"
#define ISSUER "{\"profile\":\"oidc\",\"issuer\":\"https://op.example/\"}"
#define OLD "{\"profile\":\"notion\",\"client_id\":\"i d\",\"client_secret\":\"s:+/%\"}"
#define POST \
        "{\"profile\":\"oidc\",\"client_id\":\"id\",\"client_secret\":\"s3cr3t\"," \
        "\"token_endpoint\":\"https://a/t\",\"revocation_endpoint\":\"https://a/r\"," \
        "\"device_authorization_endpoint\":\"https://a/" \
        "d\",\"client_auth\":\"client_secret_post\"}"
#define PUBLIC \
        "{\"profile\":\"oidc\",\"client_id\":\"id\",\"token_endpoint\":\"https://a/t\"," \
        "\"revocation_endpoint\":\"https://a/r\"}"

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"
#define BASIC "Basic aWQ6czNjcjN0LW9mLW91cnM="
#define URN "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"

/* clang-format off */
static const struct {
        const char *grant;
        const char *url, *authorization, *type, *body;
} requests[] = {
        { G("code", GOOGLE, ",\"code\":\"4/0+A\",\"verifier\":\"v\",\"redirect_uri\":\"http://[::1]/\""),
          "https://oauth2.googleapis.com/token", NULL, FORM,
          "grant_type=authorization_code&code=4%2F0%2BA&code_verifier=v"
          "&redirect_uri=http%3A%2F%2F%5B%3A%3A1%5D%2F&client_id=id&client_secret=s3cr3t-of-ours" },
        { G("code", NOTION, ",\"code\":\"c\\\"\\\\\",\"verifier\":\"v\",\"redirect_uri\":\"https://a\""),
          "https://api.notion.com/v1/oauth/token", BASIC, JSON,
          "{\"grant_type\":\"authorization_code\",\"code\":\"c\\\"\\\\\",\"redirect_uri\":\"https://a\"}" },
        { G("code", SLACK, ",\"code\":\"c\",\"redirect_uri\":\"https://a\""),
          "https://slack.com/api/oauth.v2.access", BASIC, FORM,
          "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fa" },
        { G("code", SLACK_PUBLIC, ",\"code\":\"c\",\"verifier\":\"v\",\"redirect_uri\":\"https://a\""),
          "https://slack.com/api/oauth.v2.access", NULL, FORM,
          "grant_type=authorization_code&code=c&code_verifier=v&redirect_uri=https%3A%2F%2Fa&client_id=id" },
        { G("code", OIDC, ",\"code\":\"c\",\"verifier\":\"v\""),
          "https://op.example/token", BASIC, FORM,
          "grant_type=authorization_code&code=c&code_verifier=v" },
        { G("code", PUBLIC, ",\"code\":\"c\",\"verifier\":\"v\""),
          "https://a/t", NULL, FORM,
          "grant_type=authorization_code&code=c&code_verifier=v&client_id=id" },
        { G("refresh", GOOGLE, ",\"token\":\"1//t\""),
          "https://oauth2.googleapis.com/token", NULL, FORM,
          "grant_type=refresh_token&refresh_token=1%2F%2Ft&client_id=id&client_secret=s3cr3t-of-ours" },
        { G("refresh", OLD, ",\"token\":\"t\""), /* i%20d:s%3A%2B%2F%25 */
          "https://api.notion.com/v1/oauth/token", "Basic aSUyMGQ6cyUzQSUyQiUyRiUyNQ==", JSON,
          "{\"grant_type\":\"refresh_token\",\"refresh_token\":\"t\"}" },
        { G("assertion", BARE, ",\"token\":\"a.b.c\""),
          "https://oauth2.googleapis.com/token", NULL, FORM,
          "grant_type=" URN "jwt-bearer&assertion=a.b.c" },
        { G("assertion", GOOGLE, ",\"token\":\"a.b.c\""),
          "https://oauth2.googleapis.com/token", NULL, FORM,
          "grant_type=" URN "jwt-bearer&assertion=a.b.c" },
        { G("device_start", GOOGLE, ",\"scopes\":\"a b email a\""),
          "https://oauth2.googleapis.com/device/code", NULL, FORM,
          "scope=openid%20email%20a%20b&client_id=id" },
        { G("device_start", POST, ""),
          "https://a/d", NULL, FORM,
          "scope=openid%20email%20offline_access&client_id=id&client_secret=s3cr3t" },
        { G("device", GOOGLE, ",\"token\":\"d\""),
          "https://oauth2.googleapis.com/token", NULL, FORM,
          "grant_type=" URN "device_code&device_code=d&client_id=id&client_secret=s3cr3t-of-ours" },
        { G("revoke", GOOGLE, ",\"token\":\"t&\""),
          "https://oauth2.googleapis.com/revoke", NULL, FORM, "token=t%26" },
        { G("revoke", NOTION, ",\"token\":\"t\""),
          "https://api.notion.com/v1/oauth/revoke", BASIC, JSON, "{\"token\":\"t\"}" },
        { G("revoke", POST, ",\"token\":\"t\""),
          "https://a/r", NULL, FORM, "token=t&client_id=id&client_secret=s3cr3t" },
        { G("revoke", PUBLIC, ",\"token\":\"t\""),
          "https://a/r", NULL, FORM, "token=t&client_id=id" },
        { G("test", NOTION, ""),
          "https://api.notion.com/v1/oauth/token", BASIC, JSON,
          "{\"grant_type\":\"authorization_code\",\"code\":\"no-such-code\","
          "\"redirect_uri\":\"http://127.0.0.1/oauth/callback\"}" },
        { G("test", GOOGLE, ""),
          "https://oauth2.googleapis.com/token", NULL, FORM,
          "grant_type=authorization_code&code=no-such-code"
          "&code_verifier=no-such-verifier-no-such-verifier-no-such-verifier"
          "&redirect_uri=http%3A%2F%2F127.0.0.1%2Foauth%2Fcallback"
          "&client_id=id&client_secret=s3cr3t-of-ours" },
        { G("metadata", ISSUER, ""),
          "https://op.example/.well-known/openid-configuration", NULL, NULL, NULL },
        { G("metadata", BARE, ""),
          "https://accounts.google.com/.well-known/openid-configuration", NULL, NULL, NULL },
};
/* clang-format on */

static const char *header_of(const struct http_request *q, const char *name, bool secret) {
        for (size_t i = 0; i < q->n_headers; i++)
                if (strcmp(q->headers[i].name, name) == 0) {
                        assert_int_equal(q->headers[i].secret, secret);
                        return q->headers[i].value;
                }
        return NULL;
}

static void assert_text(const char *is, const char *expected) {
        if (!expected)
                assert_null(is);
        else {
                assert_non_null(is);
                assert_string_equal(is, expected);
        }
}

static int parse(const char *text, struct oauth_grant *ret) {
        struct json_slice json = json_text(text);

        return oauth_grant_parse(&json, ret);
}

static void test_requests(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };
                _cleanup_(http_request_done) struct http_request q = { 0 };
                bool has_body = requests[i].body;

                assert_int_equal(parse(requests[i].grant, &g), 0);
                assert_int_equal(oauth_grant_build(&g, &q), 0);
                assert_string_equal(q.method, has_body ? "POST" : "GET");
                assert_string_equal(q.url, requests[i].url);
                assert_text(q.body.data, requests[i].body);
                assert_text(header_of(&q, "Authorization", true), requests[i].authorization);
                assert_text(header_of(&q, "Content-Type", false), requests[i].type);
                assert_text(header_of(&q, "Accept", false), "application/json");
                assert_int_equal(q.repeatable, !has_body);
                assert_null(q.bearer);
        }
}

static void test_there_and_back(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 }, again = { 0 };
                _cleanup_(buffer_done) struct buffer text = { 0 }, once_more = { 0 };

                assert_int_equal(parse(requests[i].grant, &g), 0);
                oauth_grant_print(&g, &text);
                assert_int_equal(text.size, strlen(requests[i].grant));
                assert_int_equal(parse(text.data, &again), 0);
                oauth_grant_print(&again, &once_more);
                assert_string_equal(text.data, once_more.data);
        }
}

static void test_no_endpoint(void **state) {
        static const char *const grants[] = {
                G("assertion", "{\"profile\":\"oidc\"}", ",\"token\":\"t\""),
                G("device_start", NOTION, ""),
                G("revoke", SLACK, ",\"token\":\"t\""),
                G("revoke", OIDC, ",\"token\":\"t\""),
                G("metadata", NOTION, ""),
                G("metadata", "{\"profile\":\"oidc\"}", ""),
        };

        for (size_t i = 0; i < ELEMENTSOF(grants); i++) {
                _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };
                _cleanup_(http_request_done) struct http_request q = { 0 };

                assert_int_equal(parse(grants[i], &g), 0);
                assert_int_equal(oauth_grant_build(&g, &q), -EOPNOTSUPP);
        }
}

static void test_bad_grants(void **state) {
        static const char *const grants[] = {
                "[]",
                "7",
                "{}",
                "{\"kind\":\"refresh\",\"token\":\"t\"}",
                "{\"app\":" GOOGLE ",\"token\":\"t\"}",
                "{\"kind\":null,\"app\":" GOOGLE "}",
                "{\"kind\":\"refresh\",\"app\":\"google\",\"token\":\"t\"}",
                "{\"kind\":\"refresh\",\"app\":null,\"token\":\"t\"}",
                "{\"kind\":\"refresh\",\"app\":{},\"token\":\"t\"}",
                G("refresh", "{\"profile\":\"gogle\",\"client_id\":\"i\"}", ",\"token\":\"t\""),
                G("refresh", "{\"profile\":\"google\",\"client_id\":\"i\",\"x\":1}",
                  ",\"token\":\"t\""),
                G("Refresh", GOOGLE, ",\"token\":\"t\""),
                G("", GOOGLE, ",\"token\":\"t\""),
                G("password", GOOGLE, ",\"token\":\"t\""),
                G("refresh", GOOGLE, ""),
                G("refresh", BARE, ",\"token\":\"t\""),
                G("refresh", GOOGLE, ",\"token\":\"\""),
                G("refresh", GOOGLE, ",\"token\":null"),
                G("refresh", GOOGLE, ",\"token\":7"),
                G("refresh", GOOGLE, ",\"token\":\"t\\n\""),
                G("refresh", GOOGLE, ",\"token\":\"\\u00e9\""),
                G("refresh", GOOGLE, ",\"token\":\"t\",\"Token\":\"t\""),
                G("refresh", GOOGLE, ",\"token\":\"t\",\"code\":\"c\""),
                G("refresh", GOOGLE, ",\"token\":\"t\",\"scopes\":\"s\""),
                G("code", GOOGLE, ""),
                G("code", GOOGLE, ",\"code\":\"c\""),
                G("code", OIDC, ",\"code\":\"c\",\"redirect_uri\":\"https://a\""),
                G("code", SLACK_PUBLIC, ",\"code\":\"c\""),
                G("code", GOOGLE, ",\"code\":\"c\",\"token\":\"t\""),
                G("code", GOOGLE, ",\"code\":\"c\",\"scopes\":\"s\""),
                G("code", BARE, ",\"code\":\"c\""),
                G("assertion", BARE, ""),
                G("assertion", BARE, ",\"token\":\"t\",\"verifier\":\"v\""),
                G("device_start", GOOGLE, ",\"token\":\"t\""),
                G("device_start", BARE, ""),
                G("device_start", GOOGLE, ",\"scopes\":[\"s\"]"),
                G("device", GOOGLE, ""),
                G("revoke", GOOGLE, ""),
                G("test", GOOGLE, ",\"code\":\"c\""),
                G("test", BARE, ""),
                G("metadata", ISSUER, ",\"token\":\"t\""),
                G("metadata", ISSUER, ",\"issuer\":\"https://a\""),
        };

        for (size_t i = 0; i < ELEMENTSOF(grants); i++) {
                _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };

                if (parse(grants[i], &g) != -EBADMSG)
                        fail_msg("%s", grants[i]);
                assert_null(g.app.profile);
        }
}

/* A token of the worst characters fits a line. */
static void test_limits(void **state) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        for (size_t size = 16384 + 1; size >= 16384; size--) {
                _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };

                buffer_clear(&text);
                buffer_puts(&text, "{\"kind\":\"revoke\",\"app\":" NOTION ",\"token\":\"");
                for (size_t i = 0; i < size; i++)
                        buffer_puts(&text, "\\\"");
                buffer_puts(&text, "\"}");
                assert_true(text.size < OAUTH_GRANT_MAX_LINE);
                assert_int_equal(parse(text.data, &g), size > 16384 ? -EBADMSG : 0);
        }
}

static void test_the_longest_secret_as_a_header(void **state) {
        _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };
        _cleanup_(http_request_done) struct http_request q = { 0 };

        assert_int_equal(parse(G("refresh", NOTION, ",\"token\":\"t\""), &g), 0);
        secret_free(g.app.client_secret);
        assert_int_equal(secret_new(NULL, 1024, &g.app.client_secret), 0);
        memset(g.app.client_secret->data, '%', 1024);
        free(g.app.client_id);
        g.app.client_id = calloc(1, OAUTH_MAX_CLIENT_ID + 1);
        memset(g.app.client_id, ':', OAUTH_MAX_CLIENT_ID);
        assert_int_equal(oauth_grant_build(&g, &q), 0);
        assert_int_equal(strlen(header_of(&q, "Authorization", true)),
                         6 + (3 * (1024 + OAUTH_MAX_CLIENT_ID) + 1 + 2) / 3 * 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_requests),
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_no_endpoint),
                cmocka_unit_test(test_bad_grants),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_the_longest_secret_as_a_header),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
