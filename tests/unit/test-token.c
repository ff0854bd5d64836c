/* SPDX-License-Identifier: MIT */
/*
 * What a token says. C6 to C9 stand for the attacks: claims absent or of another type or time (C6),
 * another uid (C7), other users and scopes (C8), claims that stand twice (C9).
 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/token.h"
#include "base/clock.h"

#define NOW (UINT64_C(1500) * USEC_PER_SEC)
#define SKEW (UINT64_C(60) * USEC_PER_SEC)
#define UID 1000

#define ISS "\"iss\":\"issuer\","
#define AUD "\"aud\":\"action-engine\","
#define SUB "\"sub\":\"anna\","
#define IAT "\"iat\":1400,"
#define EXP "\"exp\":1600"
#define GOOD ISS AUD SUB IAT EXP

#define X16 "0123456789abcdef"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16

static int parse(const char *text, uid_t uid, struct token_claims *ret, struct ae_error *error) {
        return token_claims_parse(text, strlen(text), NOW, SKEW, uid, ret, error);
}

static void test_claims(void **state) {
        static const struct {
                const char *payload;
                enum ae_code code;
        } cases[] = {
                { "{" GOOD "}", AE_NONE },
                { "{" GOOD ",\"unknown\":{\"a\":[1,2,null]}}", AE_NONE },

                /* no object at all */
                { "", AE_TOKEN_INVALID },
                { "{}", AE_TOKEN_INVALID },
                { "[]", AE_TOKEN_INVALID },
                { "null", AE_TOKEN_INVALID },
                { "\"" X16 "\"", AE_TOKEN_INVALID },
                { "{" GOOD, AE_TOKEN_INVALID },
                { "{" GOOD "}{}", AE_TOKEN_INVALID },
                { "{" GOOD ",}", AE_TOKEN_INVALID },
                { "\xef\xbb\xbf{" GOOD "}", AE_TOKEN_INVALID },

                /* C6: exp */
                { "{" ISS AUD SUB IAT "\"exp\":1441}",
                  AE_NONE }, /* the skew and not a second more */
                { "{" ISS AUD SUB IAT "\"exp\":1440}", AE_TOKEN_EXPIRED },
                { "{" ISS AUD SUB IAT "\"exp\":0}", AE_TOKEN_EXPIRED },
                { "{" ISS AUD SUB IAT "\"exp\":253402300799}", AE_NONE },
                { "{" ISS AUD SUB IAT "\"exp\":253402300800}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":9007199254740993}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":1e300}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":1600.5}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":-1}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":-1e300}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":1e999}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":\"1600\"}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":true}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":null}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":[1600]}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":NaN}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB "\"iat\":1400}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"Exp\":1600}", AE_TOKEN_INVALID },

                /* C6: iat */
                { "{" ISS AUD SUB "\"iat\":1560," EXP "}", AE_NONE },
                { "{" ISS AUD SUB "\"iat\":1561," EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB "\"iat\":0," EXP "}", AE_NONE },
                { "{" ISS AUD SUB "\"iat\":-1," EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB "\"iat\":1400.5," EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB "\"iat\":\"1400\"," EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB EXP "}", AE_TOKEN_INVALID },

                /* C6: nbf */
                { "{" GOOD ",\"nbf\":1560}", AE_NONE },
                { "{" GOOD ",\"nbf\":1561}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"nbf\":-1}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"nbf\":\"1500\"}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"nbf\":null}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"nbf\":1e300}", AE_TOKEN_INVALID },

                /* C6, C10: aud */
                { "{" ISS "\"aud\":[\"action-engine\"]," SUB IAT EXP "}", AE_NONE },
                { "{" ISS "\"aud\":[\"a\",\"action-engine\",\"b\"]," SUB IAT EXP "}", AE_NONE },
                { "{" ISS SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":\"another\"," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":\"Action-Engine\"," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":\"action-engine2\"," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":\"action-engine \"," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":\"\"," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":[]," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":[\"another\"]," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":[\"action-engine\",1]," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":[[\"action-engine\"]]," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":{\"action-engine\":1}," SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS "\"aud\":null," SUB IAT EXP "}", AE_TOKEN_INVALID },

                /* C6: iss */
                { "{" AUD SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{\"iss\":\"\"," AUD SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{\"iss\":1," AUD SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{\"iss\":[\"issuer\"]," AUD SUB IAT EXP "}", AE_TOKEN_INVALID },
                { "{\"iss\":\"a\\nb\"," AUD SUB IAT EXP "}", AE_TOKEN_INVALID },

                /* C6: sub */
                { "{" ISS AUD IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":7," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":null," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":[\"anna\"]," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"*\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"a\\u0000\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"a\\r\\nb\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"a\\u001bb\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"a\\u007f\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"a\\u0085\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"a\\u009f\"," IAT EXP "}", AE_TOKEN_INVALID },
                { "{" ISS AUD "\"sub\":\"a\\u00a0 \xc3\xa9\"," IAT EXP "}", AE_NONE },
                { "{" ISS AUD "\"sub\":\"" X128 "\"," IAT EXP "}", AE_NONE },
                { "{" ISS AUD "\"sub\":\"" X128 "x\"," IAT EXP "}", AE_TOKEN_INVALID },

                { "{" GOOD ",\"jti\":\"id-1\"}", AE_NONE },
                { "{" GOOD ",\"jti\":\"" X128 "\"}", AE_NONE },
                { "{" GOOD ",\"jti\":\"" X128 "x\"}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"jti\":\"\"}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"jti\":1}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"jti\":\"a\\tb\"}", AE_TOKEN_INVALID },

                /* C7 */
                { "{" GOOD ",\"cnf\":{\"uid\":1000}}", AE_NONE },
                { "{" GOOD ",\"cnf\":{\"uid\":1001}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":0}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":\"1000\"}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":1000.5}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":-1}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":4294968296}}", AE_TOKEN_INVALID }, /* 1000 + 2^32 */
                { "{" GOOD ",\"cnf\":{\"uid\":4294967295}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":null}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"Uid\":1000}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"jkt\":\"x\"}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":1000,\"jkt\":\"x\"}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"jkt\":\"x\",\"uid\":1000}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{\"uid\":1001,\"uid\":1000}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":{}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":[1000]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":1000}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"cnf\":null}", AE_TOKEN_INVALID },

                /* C8 */
                { "{" GOOD ",\"scope\":\"\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"*\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"gmail:send_email jobs:* http.x-y:POST_1\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"gmail\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"gmail:\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\":send_email\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\":\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"gmail:send:email\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"gmail:send_*\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"gmail:**\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"g*:send_email\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"*:send_email\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"*:*\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"**\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\" a:b\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"a:b \"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"a:b  c:d\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\" \"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"a:b\\tc:d\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"a:b,c:d\"}", AE_NONE },
                { "{" GOOD ",\"scope\":\"a:\xc3\xa9\"}", AE_NONE },
                { "{" GOOD ",\"scope\":[\"a:b\"]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"scope\":null}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":[]}", AE_NONE },
                { "{" GOOD ",\"users\":[\"*\"]}", AE_NONE },
                { "{" GOOD ",\"users\":[\"ben\",\"cleo\"]}", AE_NONE },
                { "{" GOOD ",\"users\":[\"ben\",\"*\"]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":[\"*\",\"ben\"]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":[\"*\",\"*\"]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":[\"\"]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":[\"" X128 "x\"]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":[1]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":[[\"*\"]]}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":\"*\"}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":{\"0\":\"ben\"}}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"users\":null}", AE_TOKEN_INVALID },

                /* C9 */
                { "{" GOOD ",\"sub\":\"anna\"}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"exp\":1600}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"s\\u0075b\":\"ben\"}", AE_TOKEN_INVALID },
                { "{" GOOD ",\"x\":{\"a\":1,\"a\":1}}", AE_TOKEN_INVALID },

                /* old and wrong is wrong */
                { "{" ISS SUB IAT "\"aud\":\"another\",\"exp\":1}", AE_TOKEN_INVALID },
                { "{" ISS AUD SUB IAT "\"exp\":1,\"cnf\":{\"uid\":1}}", AE_TOKEN_INVALID },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct token_claims c;
                struct ae_error error = { 0 };
                int r = parse(cases[i].payload, UID, &c, &error);

                if (error.code != cases[i].code)
                        print_error("payload: %s\n", cases[i].payload);
                assert_int_equal(error.code, cases[i].code);
                if (cases[i].code == AE_NONE) {
                        assert_int_equal(r, 0);
                        token_claims_done(&c);
                } else {
                        assert_int_equal(r, ae_code_errno(cases[i].code));
                        assert_non_null(strstr(error.message, "ask its issuer"));
                }
        }
}

static void test_claims_come_out_as_they_stand(void **state) {
        struct token_claims c;
        struct ae_error error = { 0 };

        assert_int_equal(parse("{" GOOD ",\"jti\":\"id\",\"users\":[\"b\",\"c\"],"
                               "\"scope\":\"gmail:send_email jobs:*\"}",
                               UID, &c, &error),
                         0);
        assert_string_equal(c.issuer, "issuer");
        assert_string_equal(c.subject, "anna");
        assert_string_equal(c.jti, "id");
        assert_int_equal(c.expires_at_usec, UINT64_C(1600) * USEC_PER_SEC);
        assert_string_equal(c.scopes[0], "gmail:send_email");
        assert_string_equal(c.scopes[1], "jobs:*");
        assert_null(c.scopes[2]);
        assert_string_equal(c.users[0], "b");
        assert_string_equal(c.users[1], "c");
        assert_null(c.users[2]);
        assert_false(c.any_user);
        token_claims_done(&c);

        assert_int_equal(parse("{" GOOD "}", UID, &c, &error), 0);
        assert_null(c.jti);
        assert_null(c.scopes[0]);
        assert_null(c.users[0]);
        token_claims_done(&c);
}

/* C7: every uid that can be, and none that is only like it. */
static void test_bound_to_a_uid(void **state) {
        static const uid_t uids[] = { 0, 1, 1000, 65534, 2147483648, 4294967294 };

        for (size_t i = 0; i < ELEMENTSOF(uids); i++) {
                struct ae_error error = { 0 };
                struct token_claims c;
                char text[256];

                snprintf(text, sizeof(text), "{" GOOD ",\"cnf\":{\"uid\":%u}}", uids[i]);
                assert_int_equal(parse(text, uids[i], &c, &error), 0);
                token_claims_done(&c);
                assert_int_equal(parse(text, uids[i] ^ 1, &c, &error), -EKEYREJECTED);
                assert_non_null(strstr(error.message, "bound to another uid"));
        }
}

/* (uid_t)-1 is no uid, whoever says so. */
static void test_bound_to_no_uid(void **state) {
        struct ae_error error = { 0 };
        struct token_claims c;

        assert_int_equal(parse("{" GOOD ",\"cnf\":{\"uid\":4294967295}}", (uid_t)-1, &c, &error),
                         -EKEYREJECTED);
}

static struct identity *make_identity(const char *more) {
        static const struct jwk some_key = { .kid = "key" };
        struct identity *id = NULL;
        struct ae_error error = { 0 };
        struct token_claims c;
        char text[512];

        snprintf(text, sizeof(text), "{" GOOD "%s}", more);
        assert_int_equal(parse(text, UID, &c, &error), 0);
        assert_int_equal(identity_new(&c, &some_key, &id), 0);
        return id;
}

/* C8 */
static void test_scopes(void **state) {
        static const struct {
                const char *scope;
                const char *area, *name;
                bool granted;
        } cases[] = {
                { "gmail:send_email", "gmail", "send_email", true },
                { "gmail:send_email", "gmail", "send_emails", false },
                { "gmail:send_email", "gmail", "send", false },
                { "gmail:send_email", "gmail", "Send_email", false },
                { "gmail:send_email", "Gmail", "send_email", false },
                { "gmail:send_email", "gmai", "send_email", false },
                { "gmail:send_email", "gmailx", "send_email", false },
                { "gmail:send_email", "gmail", "*", false },
                { "gmail:send_email", "gmail", "", false },
                { "gmail:send_email", "gmai", ":send_email", false },
                { "gmail:*", "gmail", "send_email", true },
                { "gmail:*", "gmail", "*", true },
                { "gmail:*", "gmailx", "send_email", false },
                { "gmail:*", "gmai", "send_email", false },
                { "gmail:*", "GMAIL", "send_email", false },
                { "gmail:*", "", "send_email", false },
                { "gmail:*", "*", "send_email", false },
                { "gmail:*", "jobs", "read", false },
                { "jobs:read", "jobs", "write", false },
                { "jobs:read jobs:write", "jobs", "write", true },
                { "approvals:*", "approvals", "approve", true },
                { "auth:gmail", "auth", "gmail", true },
                { "auth:gmail", "gmail", "auth", false },
                { "*", "gmail", "send_email", true },
                { "*", "engine", "control", true },
                { "", "gmail", "send_email", false },
                { "", "", "", false },

                /* What is no scope of ours grants nothing, and takes nothing from the others. */
                { "openid gmail:send_email", "gmail", "send_email", true },
                { "gmail", "gmail", "send_email", false },
                { "gmail:", "gmail", "send_email", false },
                { "gmail:", "gmail", "", false },
                { ":send_email", "gmail", "send_email", false },
                { ":send_email", "", "send_email", false },
                { "gmail:send_*", "gmail", "send_email", false },
                { "gmail:**", "gmail", "send_email", false },
                { "*:send_email", "gmail", "send_email", false },
                { "*:*", "gmail", "send_email", false },
                { "**", "gmail", "send_email", false },
                { "gmail:send_email,jobs:read", "gmail", "send_email", false },
                { "gmail:send_email\\tx", "gmail", "send_email", false },
                { "  gmail:send_email  ", "gmail", "send_email", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(identity_unrefp) struct identity *id = NULL;
                char more[256];

                snprintf(more, sizeof(more), ",\"scope\":\"%s\"", cases[i].scope);
                id = make_identity(more);
                if (identity_has_scope(id, cases[i].area, cases[i].name) != cases[i].granted)
                        fail_msg("'%s' for %s:%s", cases[i].scope, cases[i].area, cases[i].name);
        }
}

/* C8 */
static void test_users(void **state) {
        static const struct {
                const char *users;
                const char *user;
                bool covered;
        } cases[] = {
                { "", "anna", true },
                { "", "ben", false },
                { "", "Anna", false },
                { "", "ann", false },
                { "", "annab", false },
                { "", "", false },
                { "", "*", false },
                { ",\"users\":[]", "anna", true },
                { ",\"users\":[]", "ben", false },
                { ",\"users\":[\"ben\"]", "anna", true },
                { ",\"users\":[\"ben\"]", "ben", true },
                { ",\"users\":[\"ben\"]", "cleo", false },
                { ",\"users\":[\"ben\"]", "*", false },
                { ",\"users\":[\"*\"]", "cleo", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(identity_unrefp) struct identity *id = make_identity(cases[i].users);

                if (identity_covers_user(id, cases[i].user) != cases[i].covered)
                        fail_msg("%s for %s", cases[i].users, cases[i].user);
        }
}

static void test_identity_says_what_the_token_said(void **state) {
        _cleanup_(identity_unrefp) struct identity *id = make_identity(",\"scope\":\"a:b\"");
        struct identity *same = identity_ref(id);

        assert_ptr_equal(same, id);
        assert_null(identity_unref(same));
        assert_string_equal(identity_user(id), "anna");
        assert_string_equal(identity_kid(id), "key");
        assert_null(identity_jti(id));
        assert_int_equal(identity_expires_at_usec(id), UINT64_C(1600) * USEC_PER_SEC);
        assert_string_equal(identity_scopes(id)[0], "a:b");
        assert_null(identity_scopes(id)[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_claims),
                cmocka_unit_test(test_claims_come_out_as_they_stand),
                cmocka_unit_test(test_bound_to_a_uid),
                cmocka_unit_test(test_bound_to_no_uid),
                cmocka_unit_test(test_scopes),
                cmocka_unit_test(test_users),
                cmocka_unit_test(test_identity_says_what_the_token_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
