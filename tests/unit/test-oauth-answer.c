/* SPDX-License-Identifier: MIT */
/*
 * What answers are taken for. Bad ones are the more: whoever has the endpoint, or stands in front of
 * it, writes them.
 */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/json.h"
#include "oauth-fixture.h"
#include "oauth/grant.h"

#define NOW_SEC UINT64_C(1784000000)
#define NOW_USEC (NOW_SEC * USEC_PER_SEC + 999999)

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

#define SENT "1//0refresh-token-that-was-sent"

static void grant_for(enum oauth_grant_kind kind, const char *app, struct oauth_grant *ret) {
        *ret = (struct oauth_grant){ .kind = kind };
        app_from(app, &ret->app);
        assert_int_equal(secret_new(SENT, strlen(SENT), &ret->token), 0);
        assert_int_equal(secret_new(SENT, strlen(SENT), &ret->code), 0);
}

static void interpret(enum oauth_grant_kind kind, const char *app, int status, const char *body,
                      struct oauth_answer *ret) {
        _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };
        const struct http_response response = { .status = status,
                                                .body = body,
                                                .body_size = strlen(body),
                                                .content_type = "",
                                                .retry_after = "",
                                                .left = true };

        grant_for(kind, app, &g);
        assert_int_equal(oauth_grant_interpret(&g, &response, NOW_USEC, ret), 0);
        /* A reason for what failed, and for nothing else; and then there is nothing else. */
        assert_int_equal(ret->result == OAUTH_OK, !ret->reason[0]);
        if (ret->result != OAUTH_OK) {
                assert_null(ret->tokens.access_token);
                assert_null(ret->tokens.refresh_token);
                assert_null(ret->facts);
        }
        for (const char *c = ret->reason; *c; c++)
                assert_true(*c >= 0x20 || *c < 0);
}

/* clang-format off */
static const struct {
        enum oauth_grant_kind kind;
        const char *app;
        int status;
        const char *body;
        enum oauth_result result;
        const char *said; /* stands in the reason */
} refusals[] = {
        { OAUTH_GRANT_REFRESH, GOOGLE, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Bad Request\"}",
          OAUTH_GRANT_REFUSED, "'invalid_grant': 'Bad Request'" },
        { OAUTH_GRANT_REFRESH, GOOGLE, 401, "{\"error\":\"invalid_grant\"}", OAUTH_GRANT_REFUSED, "'invalid_grant'" },
        { OAUTH_GRANT_REFRESH, GOOGLE, 401, "{\"error\":\"invalid_client\"}", OAUTH_CLIENT_REFUSED, "'invalid_client'" },
        { OAUTH_GRANT_REFRESH, GOOGLE, 400, "{\"error\":\"unauthorized_client\"}", OAUTH_CLIENT_REFUSED, "HTTP 400" },
        { OAUTH_GRANT_REFRESH, GOOGLE, 401, "{\"error\":\"deleted_client\"}", OAUTH_CLIENT_REFUSED, "deleted" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "{\"error\":\"redirect_uri_mismatch\"}", OAUTH_REQUEST_REFUSED, "'redirect_uri_mismatch'" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "{\"error\":\"invalid_request\"}", OAUTH_REQUEST_REFUSED, "invalid_request" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "{\"error\":\"INVALID_GRANT\"}", OAUTH_REQUEST_REFUSED, "INVALID_GRANT" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "{\"error\":{\"code\":400,\"message\":\"m\"}}", OAUTH_REQUEST_REFUSED, "no reason" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "{\"Error\":\"invalid_grant\"}", OAUTH_REQUEST_REFUSED, "no reason" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "{\"error\":null,\"error_description\":null}", OAUTH_REQUEST_REFUSED, "no reason" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "{}", OAUTH_REQUEST_REFUSED, "no reason" },
        { OAUTH_GRANT_CODE, GOOGLE, 400, "", OAUTH_REQUEST_REFUSED, "no reason" },
        { OAUTH_GRANT_CODE, GOOGLE, 404, "<html>invalid_grant</html>", OAUTH_REQUEST_REFUSED, "HTTP 404" },
        { OAUTH_GRANT_CODE, GOOGLE, 401, "<html></html>", OAUTH_CLIENT_REFUSED, "HTTP 401" },
        { OAUTH_GRANT_CODE, GOOGLE, 401, "{\"error\":\"what_is_this\"}", OAUTH_CLIENT_REFUSED, "what_is_this" },
        { OAUTH_GRANT_METADATA, OIDC, 401, "{}", OAUTH_REQUEST_REFUSED, "HTTP 401" },
        { OAUTH_GRANT_CODE, GOOGLE, 302, "", OAUTH_NONSENSE, "HTTP 302" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"error\":\"invalid_grant\",\"access_token\":\"t\"}", OAUTH_GRANT_REFUSED, "invalid_grant" },
        { OAUTH_GRANT_CODE, NOTION, 400, "{\"object\":\"error\",\"status\":400,\"code\":\"invalid_grant\",\"message\":\"Invalid code.\"}",
          OAUTH_GRANT_REFUSED, "'invalid_grant': 'Invalid code.'" },
        { OAUTH_GRANT_CODE, NOTION, 401, "{\"object\":\"error\",\"code\":\"unauthorized\",\"message\":\"m\"}", OAUTH_CLIENT_REFUSED, "unauthorized" },
        { OAUTH_GRANT_REVOKE, GOOGLE, 400, "{\"error\":\"invalid_token\"}", OAUTH_GRANT_REFUSED, "invalid_token" },

        { OAUTH_GRANT_DEVICE, GOOGLE, 428, "{\"error\":\"authorization_pending\"}", OAUTH_PENDING, "pending" },
        { OAUTH_GRANT_DEVICE, GOOGLE, 403, "{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, "slow_down" },
        { OAUTH_GRANT_DEVICE, GOOGLE, 403, "{\"error\":\"access_denied\"}", OAUTH_GRANT_REFUSED, "the consent was refused: the provider answers with HTTP 403 and says 'access_denied'" },
        { OAUTH_GRANT_DEVICE, GOOGLE, 400, "{\"error\":\"expired_token\"}", OAUTH_GRANT_REFUSED, "nobody consented in time: " },

        { OAUTH_GRANT_CODE, SLACK, 200, "{\"ok\":false,\"error\":\"invalid_code\"}", OAUTH_GRANT_REFUSED, "invalid_code" },
        { OAUTH_GRANT_CODE, SLACK, 200, "{\"ok\":false,\"error\":\"bad_client_secret\"}", OAUTH_CLIENT_REFUSED, "client_secret" },
        { OAUTH_GRANT_CODE, SLACK, 200, "{\"ok\":false,\"error\":\"ratelimited\"}", OAUTH_UNREACHABLE, "ratelimited" },
        { OAUTH_GRANT_CODE, SLACK, 200, "{\"ok\":false,\"error\":\"fatal_error\"}", OAUTH_NO_ANSWER, "fatal_error" },
        { OAUTH_GRANT_CODE, SLACK, 200, "{\"ok\":false,\"error\":\"bad_redirect_uri\"}", OAUTH_REQUEST_REFUSED, "bad_redirect_uri" },
        { OAUTH_GRANT_CODE, SLACK, 200, "{\"ok\":false,\"access_token\":\"t\"}", OAUTH_NONSENSE, "no reason" },
        { OAUTH_GRANT_CODE, SLACK, 200, "{\"ok\":\"true\",\"access_token\":\"t\"}", OAUTH_NONSENSE, "no reason" },
        { OAUTH_GRANT_CODE, SLACK, 200, "{\"access_token\":\"t\"}", OAUTH_NONSENSE, "no reason" },

        { OAUTH_GRANT_REFRESH, GOOGLE, 429, "{\"error\":\"invalid_grant\"}", OAUTH_UNREACHABLE, "429" },
        { OAUTH_GRANT_REFRESH, GOOGLE, 500, "{\"error\":\"invalid_grant\"}", OAUTH_NO_ANSWER, "HTTP 500" },
        { OAUTH_GRANT_REFRESH, GOOGLE, 503, "", OAUTH_NO_ANSWER, "HTTP 503" },
        { OAUTH_GRANT_REFRESH, GOOGLE, 599, "{\"access_token\":\"t\"}", OAUTH_NO_ANSWER, "HTTP 599" },
        { OAUTH_GRANT_REVOKE, GOOGLE, 503, "", OAUTH_NO_ANSWER, "HTTP 503" },

        { OAUTH_GRANT_TEST, GOOGLE, 401, "{\"error\":\"invalid_client\"}", OAUTH_CLIENT_REFUSED, "invalid_client" },
        { OAUTH_GRANT_TEST, GOOGLE, 400, "{\"error\":\"invalid_request\"}", OAUTH_REQUEST_REFUSED, "invalid_request" },
        { OAUTH_GRANT_TEST, GOOGLE, 200, "{\"access_token\":\"t\"}", OAUTH_NONSENSE, "cannot have given" },
        { OAUTH_GRANT_TEST, SLACK, 200, "{\"ok\":false,\"error\":\"invalid_client_id\"}", OAUTH_CLIENT_REFUSED, "invalid_client_id" },

        { OAUTH_GRANT_CODE, GOOGLE, 200, "<html>access_token</html>", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "null", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "[{\"access_token\":\"t\"}]", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "access_token=t&token_type=bearer", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\"", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\"} x", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"access_token\":\"u\"}", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\\u0000u\"}", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"\xff\"}", OAUTH_NONSENSE, "no JSON object" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{}", OAUTH_NONSENSE, "no access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"Access_token\":\"t\"}", OAUTH_NONSENSE, "no access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":null}", OAUTH_NONSENSE, "no access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"\"}", OAUTH_NONSENSE, "access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":7}", OAUTH_NONSENSE, "access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":{\"t\":\"t\"}}", OAUTH_NONSENSE, "access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\\r\\nX-Evil: 1\"}", OAUTH_NONSENSE, "access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\\u00e9\"}", OAUTH_NONSENSE, "access_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"refresh_token\":\"\\n\"}", OAUTH_NONSENSE, "refresh_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"refresh_token\":[]}", OAUTH_NONSENSE, "refresh_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"token_type\":\"mac\"}", OAUTH_NONSENSE, "bearer" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"token_type\":\"DPoP\"}", OAUTH_NONSENSE, "bearer" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"token_type\":\"N_A\"}", OAUTH_NONSENSE, "bearer" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"token_type\":\"\"}", OAUTH_NONSENSE, "bearer" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"token_type\":\"Bearer \"}", OAUTH_NONSENSE, "bearer" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"token_type\":1}", OAUTH_NONSENSE, "bearer" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"token_type\":\"bot\"}", OAUTH_NONSENSE, "bearer" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"scope\":7}", OAUTH_NONSENSE, "scopes" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"scope\":\"a\\\"b\"}", OAUTH_NONSENSE, "scopes" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"scope\":\"a\\nb\"}", OAUTH_NONSENSE, "scopes" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"scope\":[\"a b\"]}", OAUTH_NONSENSE, "scopes" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"scope\":[1]}", OAUTH_NONSENSE, "scopes" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"scope\":{\"a\":\"b\"}}", OAUTH_NONSENSE, "scopes" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"id_token\":7}", OAUTH_NONSENSE, "id_token" },
        { OAUTH_GRANT_CODE, GOOGLE, 200, "{\"access_token\":\"t\",\"id_token\":\"\"}", OAUTH_NONSENSE, "id_token" },
};
/* clang-format on */

static void test_refusals(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };

                interpret(refusals[i].kind, refusals[i].app, refusals[i].status, refusals[i].body,
                          &a);
                if (a.result != refusals[i].result || !strstr(a.reason, refusals[i].said))
                        fail_msg("%s: %d %s", refusals[i].body, a.result, a.reason);
        }
}

static void test_what_must_not_be_repeated(void **state) {
        /* clang-format off */
        static const struct {
                const char *body, *said;
        } cases[] = {
                { "{\"error\":\"invalid_grant\",\"error_description\":\"no " SENT "\"}", "says 'invalid_grant'" },
                { "{\"error\":\"invalid_grant\",\"error_description\":\"no -that-was\"}", "says 'invalid_grant'" },
                { "{\"error\":\"" SENT "\"}", "says what cannot be repeated" },
                { "{\"error\":\"" SENT "\",\"error_description\":\"sorry\"}", "says 'sorry'" },
                { "{\"error\":\"e\",\"error_description\":\"client_secret s3cr3t-of-ours\"}", "says 'e'" },
                { "{\"error\":\"e\",\"error_description\":\"Authorization: Bearer abc\"}", "says 'e'" },
                { "{\"error\":\"e\",\"error_description\":\"got ya29.abc\"}", "says 'e'" },
                { "{\"error\":\"e\",\"error_description\":\"0123456789abcdef0123456789abcdef0123456789\"}", "says 'e'" },
                { "{\"error\":\"e\",\"error_description\":\"<b>\\u001b[2J\\n\\u202e\"}", "'e': '<b>?[2J?" },
                { "{\"error\":\"e\",\"access_token\":\"t0k3n-t0k3n\"}", "says 'e'" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };

                interpret(OAUTH_GRANT_REFRESH, GOOGLE, 400, cases[i].body, &a);
                if (!strstr(a.reason, cases[i].said) || strstr(a.reason, "token-that") ||
                    strstr(a.reason, "that-was") || strstr(a.reason, "s3cr3t") ||
                    strstr(a.reason, "t0k3n"))
                        fail_msg("%s: %s", cases[i].body, a.reason);
        }
}

static void test_failures(void **state) {
        /* clang-format off */
        static const struct {
                enum http_failure failure;
                bool left;
                int status;
                enum oauth_result result;
        } cases[] = {
                { HTTP_REFUSED_URL,      false, 0,   OAUTH_ADDRESS_REFUSED },
                { HTTP_REFUSED_ADDRESS,  false, 0,   OAUTH_ADDRESS_REFUSED },
                { HTTP_NOT_CONNECTED,    false, 0,   OAUTH_UNREACHABLE },
                { HTTP_CONNECT_TIMEOUT,  false, 0,   OAUTH_UNREACHABLE },
                { HTTP_NO_ANSWER,        false, 0,   OAUTH_UNREACHABLE },
                { HTTP_NO_ANSWER,        true,  0,   OAUTH_NO_ANSWER   },
                { HTTP_NO_ANSWER,        true,  200, OAUTH_NO_ANSWER   },
                { HTTP_ANSWER_TIMEOUT,   false, 0,   OAUTH_UNREACHABLE },
                { HTTP_ANSWER_TIMEOUT,   true,  0,   OAUTH_NO_ANSWER   },
                { HTTP_ANSWER_TOO_LARGE, true,  200, OAUTH_NONSENSE    },
                { HTTP_ANSWER_TOO_LARGE, true,  502, OAUTH_NO_ANSWER   },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
                const struct http_response response = { .failure = cases[i].failure,
                                                        .reason = "why",
                                                        .status = cases[i].status,
                                                        .body = "{\"access_token\":\"t\"}",
                                                        .body_size = 20,
                                                        .left = cases[i].left };

                grant_for(OAUTH_GRANT_REFRESH, GOOGLE, &g);
                assert_int_equal(oauth_grant_interpret(&g, &response, NOW_USEC, &a), 0);
                assert_int_equal(a.result, cases[i].result);
                assert_true(a.reason[0]);
                assert_null(a.tokens.access_token);
        }
}

static void assert_text(const char *is, const char *expected) {
        if (!expected)
                assert_null(is);
        else {
                assert_non_null(is);
                assert_string_equal(is, expected);
        }
}

static void assert_json(const cJSON *is, const char *expected) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        if (is)
                json_print(is, &text);
        assert_text(text.data, expected);
}

static void test_tokens(void **state) {
        /* clang-format off */
        static const struct {
                const char *app, *body;
                const char *access, *refresh, *type, *scopes, *identity;
                uint64_t expires_in;
        } cases[] = {
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":3599,\"refresh_token\":\"r\","
                          "\"scope\":\"s1 s2\",\"token_type\":\"Bearer\",\"extra\":{\"a\":[1]}}",
                  "a", "r", "Bearer", "[\"s1\",\"s2\"]", NULL, 3599 },
                { GOOGLE, "{\"access_token\":\"a\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"refresh_token\":null,\"scope\":null,\"token_type\":null,"
                          "\"expires_in\":null,\"id_token\":null}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"refresh_token\":\"\",\"scope\":\"\",\"token_type\":\"bEARER\"}",
                  "a", NULL, "Bearer", NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"scope\":\"  s1   s2 \"}", "a", NULL, NULL, "[\"s1\",\"s2\"]", NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"scope\":\"s1,s2\"}", "a", NULL, NULL, "[\"s1,s2\"]", NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"scope\":[\"s1\",\"s2\"]}", "a", NULL, NULL, "[\"s1\",\"s2\"]", NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"scope\":[]}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"workspace_name\":\"w\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { NOTION, "{\"access_token\":\"a\",\"token_type\":\"bearer\",\"refresh_token\":null,\"bot_id\":\"b\","
                          "\"workspace_name\":\"Acme's\",\"owner\":{\"type\":\"user\"}}",
                  "a", NULL, "Bearer", NULL, "Acme's (b)", 0 },
                { NOTION, "{\"access_token\":\"a\",\"workspace_name\":\"Acme\"}", "a", NULL, NULL, NULL, "Acme", 0 },
                { NOTION, "{\"access_token\":\"a\",\"workspace_name\":\"\",\"bot_id\":\"b\"}", "a", NULL, NULL, NULL, "b", 0 },
                { NOTION, "{\"access_token\":\"a\",\"workspace_name\":\"Acme\",\"bot_id\":7}", "a", NULL, NULL, NULL, "Acme", 0 },
                { NOTION, "{\"access_token\":\"a\",\"bot_id\":\"b\",\"workspace_name\":\"" X64 X64 X64 X64 "\"}",
                  "a", NULL, NULL, NULL, "b", 0 },
                { NOTION, "{\"access_token\":\"a\",\"workspace_name\":null}", "a", NULL, NULL, NULL, NULL, 0 },
                { NOTION, "{\"access_token\":\"a\",\"workspace_name\":\"a\\nb\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { NOTION, "{\"access_token\":\"a\",\"workspace_name\":[\"a\"]}", "a", NULL, NULL, NULL, NULL, 0 },
                { SLACK,  "{\"ok\":true,\"access_token\":\"xoxb-1\",\"token_type\":\"bot\",\"scope\":\"chat:write,users:read\","
                          "\"team\":{\"id\":\"T1\",\"name\":\"Acme\"},\"authed_user\":{\"id\":\"U1\"}}",
                  "xoxb-1", NULL, "Bearer", "[\"chat:write\",\"users:read\"]", "Acme (T1)", 0 },
                { SLACK,  "{\"ok\":true,\"access_token\":\"a\",\"team\":\"Acme\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { SLACK,  "{\"ok\":true,\"access_token\":\"a\",\"team\":null}", "a", NULL, NULL, NULL, NULL, 0 },

                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":\"3600\"}", "a", NULL, NULL, NULL, NULL, 3600 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":3599.9}", "a", NULL, NULL, NULL, NULL, 3599 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":3.6e3}", "a", NULL, NULL, NULL, NULL, 3600 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":3162240000}", "a", NULL, NULL, NULL, NULL, 3162240000 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":3162240001}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":0}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":-1}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":0.5}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":1e300}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":18446744073709551616}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":\"99999999999999999999999\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":\"-3600\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":\" 3600\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":\"3600s\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":\"\"}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":true}", "a", NULL, NULL, NULL, NULL, 0 },
                { GOOGLE, "{\"access_token\":\"a\",\"expires_in\":[3600]}", "a", NULL, NULL, NULL, NULL, 0 },
        };
        /* clang-format on */
        static const enum oauth_grant_kind kinds[] = { OAUTH_GRANT_CODE, OAUTH_GRANT_REFRESH,
                                                       OAUTH_GRANT_ASSERTION, OAUTH_GRANT_DEVICE };

        for (size_t i = 0; i < ELEMENTSOF(cases) * ELEMENTSOF(kinds); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
                const typeof(cases[0]) *c = &cases[i / ELEMENTSOF(kinds)];

                interpret(kinds[i % ELEMENTSOF(kinds)], c->app, 200, c->body, &a);
                if (a.result != OAUTH_OK)
                        fail_msg("%s: %s", c->body, a.reason);
                assert_text(a.tokens.access_token->data, c->access);
                assert_text(a.tokens.refresh_token ? a.tokens.refresh_token->data : NULL,
                            c->refresh);
                assert_text(a.tokens.token_type, c->type);
                assert_json(a.tokens.scopes, c->scopes);
                assert_text(a.tokens.identity, c->identity);
                if (a.tokens.expires_at_usec !=
                    (c->expires_in ? (NOW_SEC + c->expires_in) * USEC_PER_SEC : 0))
                        fail_msg("%s", c->body);
        }
}

static void put_repeated(struct buffer *to, const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                buffer_puts(to, text);
}

/* The limit, and one past it. */
static void test_limits(void **state) {
        /* clang-format off */
        static const struct {
                const char *start, *unit, *end;
                size_t max;
        } cases[] = {
                { "{\"access_token\":\"",                                   "x",  "\"}", 16384 },
                { "{\"access_token\":\"a\",\"refresh_token\":\"",           "x",  "\"}", 16384 },
                { "{\"access_token\":\"a\",\"scope\":\"",                   "x",  "\"}", 256   },
                { "{\"access_token\":\"a\",\"scope\":\"",                   "x ", "\"}", 128   },
                { "{\"access_token\":\"a\",\"scope\":[\"x\"",               ",\"x\"", "]}", 127 },
                { "{\"access_token\":\"a\",\"deep\":",                      "[",  "",    0     },
                { "{\"access_token\":\"a\",\"more\":\"",                    "x",  "\"}", (256 << 10) - 30 },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t more = 0; more <= 1; more++) {
                        _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
                        _cleanup_(buffer_done) struct buffer body = { 0 };

                        if (cases[i].max == 0 && !more)
                                continue;
                        buffer_puts(&body, cases[i].start);
                        put_repeated(&body, cases[i].unit,
                                     cases[i].max ? cases[i].max + more : 9999);
                        buffer_puts(&body, cases[i].end);
                        interpret(OAUTH_GRANT_CODE, GOOGLE, 200, body.data, &a);
                        if (a.result != (more ? OAUTH_NONSENSE : OAUTH_OK))
                                fail_msg("%zu %zu: %s", i, more, a.reason);
                }
}

/* G6: whatever is the matter with the scopes, the new refresh token is kept: the old one is spent. */
static void test_a_renewal_outlives_its_scopes(void **state) {
        static const char *const scopes[] = { "7", "{}", "[1]", "[\"a b\"]", "\"a\\nb\"", NULL };

        for (size_t i = 0; i < ELEMENTSOF(scopes); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
                _cleanup_(buffer_done) struct buffer body = { 0 };

                buffer_puts(&body, "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"scope\":");
                buffer_puts(&body, scopes[i] ?: "\"");
                if (!scopes[i])
                        put_repeated(&body, "x ", 129);
                buffer_puts(&body, scopes[i] ? "}" : "\"}");
                interpret(OAUTH_GRANT_REFRESH, GOOGLE, 200, body.data, &a);
                assert_int_equal(a.result, OAUTH_OK);
                assert_string_equal(a.tokens.refresh_token->data, "r");
                assert_null(a.tokens.scopes);
        }
}

static void test_too_many_members(void **state) {
        _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
        _cleanup_(buffer_done) struct buffer body = { 0 };

        buffer_putc(&body, '{');
        for (int i = 0; i < JSON_ENVELOPE_MAX; i++)
                buffer_printf(&body, "\"m%d\":1,", i);
        buffer_puts(&body, "\"access_token\":\"a\"}");
        interpret(OAUTH_GRANT_CODE, GOOGLE, 200, body.data, &a);
        assert_int_equal(a.result, OAUTH_NONSENSE);
}

static void put_jwt(const char *claims, struct buffer *to) {
        buffer_puts(to, "{\"access_token\":\"a\",\"id_token\":\"");
        base64url_append(to, "{\"alg\":\"none\"}", 14);
        buffer_putc(to, '.');
        base64url_append(to, claims, strlen(claims));
        buffer_puts(to, ".c2ln\"}");
}

#define ISS "\"iss\":\"https://accounts.google.com\""
#define AUD "\"aud\":\"id\""
#define EXP "\"exp\":1784003600"
#define SUB "\"sub\":\"1\""

static void test_id_tokens(void **state) {
        /* clang-format off */
        static const struct {
                const char *claims;
                const char *identity; /* NULL: it is refused */
                const char *complaint;
        } cases[] = {
                { "{" ISS "," AUD "," EXP "," SUB "}", "1" },
                { "{" ISS "," AUD "," EXP "," SUB ",\"email\":\"u@example.com\"}", "u@example.com" },
                { "{" ISS "," AUD "," EXP "," SUB ",\"email\":\"u@example.com\",\"email_verified\":true}", "u@example.com" },
                { "{" ISS "," AUD "," EXP "," SUB ",\"email\":\"u@example.com\",\"email_verified\":false}", "1" },
                { "{" ISS "," AUD "," EXP "," SUB ",\"email\":\"u@example.com\",\"email_verified\":\"false\"}", "1" },
                { "{" ISS "," AUD "," EXP "," SUB ",\"azp\":\"id\"}", "1" },
                { "{" ISS ",\"aud\":[\"id\"]," EXP "," SUB "}", "1" },
                { "{" ISS ",\"aud\":[\"x\",\"id\"]," EXP "," SUB ",\"azp\":\"id\"}", "1" },
                { "{\"iss\":\"accounts.google.com\"," AUD "," EXP "," SUB "}", "1" },
                { "{" ISS "," AUD ",\"exp\":1784003600.5," SUB "}", "1" },
                { "{" ISS "," AUD ",\"exp\":1783999701," SUB "}", "1" }, /* within the leeway */

                { "{" ISS "," AUD ",\"exp\":1783999700," SUB "}", NULL, "expired" },
                { "{" ISS "," AUD ",\"exp\":0," SUB "}", NULL, "expired" },
                { "{" ISS "," AUD ",\"exp\":-1," SUB "}", NULL, "expired" },
                { "{" ISS "," AUD ",\"exp\":1e300," SUB "}", NULL, "expired" },
                { "{" ISS "," AUD ",\"exp\":\"1784003600\"," SUB "}", NULL, "expired" },
                { "{" ISS "," AUD ",\"exp\":null," SUB "}", NULL, "expired" },
                { "{" ISS "," AUD "," SUB "}", NULL, "expired" },
                { "{\"iss\":\"https://accounts.google.com/\"," AUD "," EXP "," SUB "}", NULL, "issuer" },
                { "{\"iss\":\"http://accounts.google.com\"," AUD "," EXP "," SUB "}", NULL, "issuer" },
                { "{\"iss\":\"\"," AUD "," EXP "," SUB "}", NULL, "refused" },
                { "{\"iss\":[\"https://accounts.google.com\"]," AUD "," EXP "," SUB "}", NULL, "refused" },
                { "{" AUD "," EXP "," SUB "}", NULL, "issuer" },
                { "{" ISS ",\"aud\":\"ID\"," EXP "," SUB "}", NULL, "client" },
                { "{" ISS ",\"aud\":\"id2\"," EXP "," SUB "}", NULL, "client" },
                { "{" ISS ",\"aud\":[]," EXP "," SUB "}", NULL, "client" },
                { "{" ISS ",\"aud\":[\"x\"]," EXP "," SUB "}", NULL, "client" },
                { "{" ISS ",\"aud\":[\"x\",\"id\"]," EXP "," SUB "}", NULL, "client" },
                { "{" ISS ",\"aud\":[\"x\",\"id\"]," EXP "," SUB ",\"azp\":\"x\"}", NULL, "client" },
                { "{" ISS "," AUD "," EXP "," SUB ",\"azp\":\"x\"}", NULL, "client" },
                { "{" ISS ",\"aud\":{\"id\":\"id\"}," EXP "," SUB "}", NULL, "client" },
                { "{" ISS ",\"aud\":null," EXP "," SUB "}", NULL, "client" },
                { "{" ISS "," EXP "," SUB "}", NULL, "client" },
                { "{" ISS "," AUD "," EXP "}", NULL, "whose" },
                { "{" ISS "," AUD "," EXP ",\"email\":\"u@example.com\"}", NULL, "whose" },
                { "{" ISS "," AUD "," EXP ",\"sub\":1}", NULL, "refused" },
                { "{" ISS "," AUD "," EXP "," SUB ",\"email\":\"u\\n@example.com\"}", NULL, "refused" },
                { "{" ISS "," AUD "," EXP "," SUB "," SUB "}", NULL, "no JWT" },
                { "[]", NULL, "refused" },
                { "", NULL, "no JWT" },
                { "{", NULL, "no JWT" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
                _cleanup_(oauth_answer_done) struct oauth_answer refreshed = { 0 };
                _cleanup_(buffer_done) struct buffer body = { 0 };

                put_jwt(cases[i].claims, &body);
                interpret(OAUTH_GRANT_CODE, GOOGLE, 200, body.data, &a);
                assert_text(a.tokens.identity, cases[i].identity);
                if (!cases[i].identity &&
                    (a.result != OAUTH_NONSENSE || !strstr(a.reason, cases[i].complaint)))
                        fail_msg("%s: %s", cases[i].claims, a.reason);

                /* When a token is renewed it is known whose it is. */
                interpret(OAUTH_GRANT_REFRESH, GOOGLE, 200, body.data, &refreshed);
                assert_int_equal(refreshed.result, OAUTH_OK);
                assert_null(refreshed.tokens.identity);
        }
}

static void test_what_is_no_jwt(void **state) {
        static const char *const tokens[] = {
                "a", "a.b", "..", "a..b", "a.e30", "a.e30.b.c", "a.e30=.b", "a.e3 0.b", "a.e30+.b",
        };

        for (size_t i = 0; i < ELEMENTSOF(tokens); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
                char body[128];

                snprintf(body, sizeof(body), "{\"access_token\":\"a\",\"id_token\":\"%s\"}",
                         tokens[i]);
                interpret(OAUTH_GRANT_CODE, GOOGLE, 200, body, &a);
                assert_int_equal(a.result, OAUTH_NONSENSE);
        }
}

#define DEVICE "\"device_code\":\"d\",\"user_code\":\"U-C\""
#define METADATA \
        "\"issuer\":\"https://op.example\",\"token_endpoint\":\"https://op.example/t\"," \
        "\"authorization_endpoint\":\"https://op.example/a\""
#define FACTS \
        "{\"issuer\":\"https://op.example\",\"authorization_endpoint\":\"https://op.example/a\"," \
        "\"token_endpoint\":\"https://op.example/t\","

static void test_facts(void **state) {
        /* clang-format off */
        static const struct {
                enum oauth_grant_kind kind;
                const char *body;
                const char *facts; /* NULL: nonsense */
        } cases[] = {
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"https://a/d\",\"expires_in\":1800,\"interval\":7}",
                  "{\"device_code\":\"d\",\"user_code\":\"U-C\",\"verification_uri\":\"https://a/d\",\"expires_in\":1800,\"interval\":7}" },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_url\":\"https://a/d\",\"expires_in\":1800}",
                  "{\"device_code\":\"d\",\"user_code\":\"U-C\",\"verification_uri\":\"https://a/d\",\"expires_in\":1800,\"interval\":5}" },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"https://a/d\",\"verification_url\":\"https://b\","
                  "\"verification_uri_complete\":\"https://a/d?c=U\",\"expires_in\":\"60\",\"interval\":0}",
                  "{\"device_code\":\"d\",\"user_code\":\"U-C\",\"verification_uri\":\"https://a/d\","
                  "\"verification_uri_complete\":\"https://a/d?c=U\",\"expires_in\":60,\"interval\":5}" },
                { OAUTH_GRANT_DEVICE_START, "{}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"expires_in\":1800}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{\"device_code\":\"d\",\"verification_uri\":\"https://a\",\"expires_in\":1800}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{\"user_code\":\"u\",\"verification_uri\":\"https://a\",\"expires_in\":1800}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"https://a/d\"}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"https://a/d\",\"expires_in\":-1}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"https://a/d\",\"expires_in\":86401}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"http://a/d\",\"expires_in\":1800}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"javascript:a\",\"expires_in\":1800}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{" DEVICE ",\"verification_uri\":\"https://a\",\"verification_uri_complete\":\"file:///\",\"expires_in\":1}", NULL },
                { OAUTH_GRANT_DEVICE_START, "{\"device_code\":\"d\",\"user_code\":\"U\\u001b[2J\",\"verification_uri\":\"https://a\",\"expires_in\":1}", NULL },

                { OAUTH_GRANT_METADATA, "{" METADATA "}", FACTS "\"client_auth\":\"client_secret_basic\"}" },
                { OAUTH_GRANT_METADATA, "{" METADATA ",\"revocation_endpoint\":\"https://op.example/r\","
                  "\"device_authorization_endpoint\":\"https://op.example/d\",\"jwks_uri\":\"https://op.example/j\","
                  "\"code_challenge_methods_supported\":[\"plain\",\"S256\"],"
                  "\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_post\",\"private_key_jwt\"],"
                  "\"authorization_response_iss_parameter_supported\":true}",
                  FACTS "\"revocation_endpoint\":\"https://op.example/r\","
                  "\"device_authorization_endpoint\":\"https://op.example/d\","
                  "\"client_auth\":\"client_secret_post\",\"iss_required\":true}" },
                { OAUTH_GRANT_METADATA, "{" METADATA ",\"token_endpoint_auth_methods_supported\":[\"none\"],"
                  "\"authorization_response_iss_parameter_supported\":false}", FACTS "\"client_auth\":\"none\"}" },
                { OAUTH_GRANT_METADATA, "{}", NULL },
                { OAUTH_GRANT_METADATA, "{\"issuer\":\"https://op.example\"}", NULL },
                { OAUTH_GRANT_METADATA, "{\"token_endpoint\":\"https://op.example/t\"}", NULL },
                { OAUTH_GRANT_METADATA, "{\"issuer\":\"https://op.example/\",\"token_endpoint\":\"https://op.example/t\"}", NULL },
                { OAUTH_GRANT_METADATA, "{\"issuer\":\"https://OP.example\",\"token_endpoint\":\"https://op.example/t\"}", NULL },
                { OAUTH_GRANT_METADATA, "{\"issuer\":\"https://evil.example\",\"token_endpoint\":\"https://op.example/t\"}", NULL },
                { OAUTH_GRANT_METADATA, "{\"issuer\":null,\"token_endpoint\":\"https://op.example/t\"}", NULL },
                { OAUTH_GRANT_METADATA, "{\"issuer\":\"https://op.example\",\"token_endpoint\":\"http://op.example/t\"}", NULL },
                { OAUTH_GRANT_METADATA, "{\"issuer\":\"https://op.example\",\"token_endpoint\":[\"https://op.example/t\"]}", NULL },
                { OAUTH_GRANT_METADATA, "{" METADATA ",\"revocation_endpoint\":\"http://op.example/r\"}", NULL },
                { OAUTH_GRANT_METADATA, "{" METADATA ",\"revocation_endpoint\":null}", NULL },
                { OAUTH_GRANT_METADATA, "{" METADATA ",\"code_challenge_methods_supported\":[\"plain\"]}", NULL },
                { OAUTH_GRANT_METADATA, "{" METADATA ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}", NULL },
                { OAUTH_GRANT_METADATA, "{" METADATA ",\"token_endpoint_auth_methods_supported\":\"client_secret_basic\"}", NULL },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };

                interpret(cases[i].kind, OIDC, 200, cases[i].body, &a);
                if (a.result != (cases[i].facts ? OAUTH_OK : OAUTH_NONSENSE))
                        fail_msg("%s: %s", cases[i].body, a.reason);
                assert_json(a.facts, cases[i].facts);
        }
}

static void test_what_brings_nothing(void **state) {
        /* clang-format off */
        static const struct {
                enum oauth_grant_kind kind;
                const char *app;
                int status;
                const char *body;
        } cases[] = {
                { OAUTH_GRANT_REVOKE, GOOGLE, 200, ""                                         },
                { OAUTH_GRANT_REVOKE, GOOGLE, 200, "<html>"                                   },
                { OAUTH_GRANT_REVOKE, GOOGLE, 204, ""                                         },
                { OAUTH_GRANT_REVOKE, NOTION, 200, "{\"request_id\":\"r\"}"                   },
                { OAUTH_GRANT_TEST,   GOOGLE, 400, "{\"error\":\"invalid_grant\"}"            },
                { OAUTH_GRANT_TEST,   NOTION, 400, "{\"code\":\"invalid_grant\"}"             },
                { OAUTH_GRANT_TEST,   SLACK,  200, "{\"ok\":false,\"error\":\"invalid_code\"}" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };

                interpret(cases[i].kind, cases[i].app, cases[i].status, cases[i].body, &a);
                if (a.result != OAUTH_OK)
                        fail_msg("%s: %s", cases[i].body, a.reason);
                assert_null(a.tokens.access_token);
                assert_null(a.facts);
        }
}

static int parse(const char *text, struct oauth_answer *ret) {
        struct json_slice json = json_text(text);

        return oauth_answer_parse(&json, ret);
}

static void test_there_and_back(void **state) {
        static const char *const answers[] = {
                "{\"result\":\"ok\"}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\\\"\",\"refresh_token\":\"r\","
                "\"token_type\":\"Bearer\",\"identity\":\"u@example.com\","
                "\"expires_at\":\"2026-07-14T04:33:20Z\",\"scopes\":[\"s1\",\"s2\"]}}",
                "{\"result\":\"ok\",\"facts\":{\"issuer\":\"https://a\",\"a\":[1,true]}}",
                "{\"result\":\"pending\",\"reason\":\"r\"}",
                "{\"result\":\"slow_down\",\"reason\":\"r\"}",
                "{\"result\":\"grant_refused\",\"reason\":\"it says 'x'\"}",
                "{\"result\":\"client_refused\",\"reason\":\"r\"}",
                "{\"result\":\"request_refused\",\"reason\":\"r\"}",
                "{\"result\":\"unreachable\",\"reason\":\"r\"}",
                "{\"result\":\"no_answer\",\"reason\":\"r\"}",
                "{\"result\":\"nonsense\",\"reason\":\"r\"}",
        };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
                _cleanup_(buffer_done) struct buffer text = { 0 };

                assert_int_equal(parse(answers[i], &a), 0);
                oauth_answer_print(&a, &text);
                assert_string_equal(text.data, answers[i]);
        }
}

static void test_bad_answers(void **state) {
        static const char *const answers[] = {
                "[]",
                "{}",
                "{\"result\":\"OK\"}",
                "{\"result\":0}",
                "{\"result\":\"\"}",
                "{\"reason\":\"r\"}",
                "{\"result\":\"ok\",\"reason\":\"r\"}",
                "{\"result\":\"pending\"}",
                "{\"result\":\"pending\",\"reason\":\"\"}",
                "{\"result\":\"pending\",\"reason\":\"a\\nb\"}",
                "{\"result\":\"pending\",\"reason\":\"r\",\"facts\":{}}",
                "{\"result\":\"pending\",\"reason\":\"r\",\"tokens\":{\"access_token\":\"a\"}}",
                "{\"result\":\"ok\",\"more\":1}",
                "{\"result\":\"ok\",\"facts\":[]}",
                "{\"result\":\"ok\",\"facts\":null}",
                "{\"result\":\"ok\",\"tokens\":null}",
                "{\"result\":\"ok\",\"tokens\":{}}",
                "{\"result\":\"ok\",\"tokens\":[]}",
                "{\"result\":\"ok\",\"tokens\":{\"refresh_token\":\"r\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\\n\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"id_token\":\"i\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"refresh_token\":null}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"token_type\":\"a b\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"identity\":\"a\\u0007\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"expires_at\":1}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"expires_at\":\"soon\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"scopes\":\"s\"}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"scopes\":[\"a b\"]}}",
                "{\"result\":\"ok\",\"tokens\":{\"access_token\":\"a\",\"scopes\":[1]}}",
        };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };

                if (parse(answers[i], &a) != -EBADMSG)
                        fail_msg("%s", answers[i]);
                assert_null(a.tokens.access_token);
        }
}

/* The longest of everything fits a line. */
static void test_the_longest_answer(void **state) {
        _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 }, again = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        char longest[16385];

        memset(longest, '"', sizeof(longest));
        assert_int_equal(secret_new(longest, 16384, &a.tokens.access_token), 0);
        assert_int_equal(secret_new(longest, 16384, &a.tokens.refresh_token), 0);
        longest[256] = 0;
        a.tokens.identity = strdup(longest);
        memset(longest, 's', 256);
        a.tokens.scopes = cJSON_CreateArray();
        for (size_t i = 0; i < 128; i++)
                cJSON_AddItemToArray(a.tokens.scopes, cJSON_CreateString(longest));
        oauth_answer_print(&a, &text);
        assert_true(text.size < OAUTH_GRANT_MAX_LINE);
        assert_int_equal(parse(text.data, &again), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_what_must_not_be_repeated),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_tokens),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_a_renewal_outlives_its_scopes),
                cmocka_unit_test(test_too_many_members),
                cmocka_unit_test(test_id_tokens),
                cmocka_unit_test(test_what_is_no_jwt),
                cmocka_unit_test(test_facts),
                cmocka_unit_test(test_what_brings_nothing),
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_bad_answers),
                cmocka_unit_test(test_the_longest_answer),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
