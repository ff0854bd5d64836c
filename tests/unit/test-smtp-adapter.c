/* SPDX-License-Identifier: MIT */
/*
 * smtp.send_email without a server: envelopes from payloads and credentials, errors from answers.
 */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "action/schema.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "smtp/dialogue.h"
#include "smtp/envelope.h"

#define ID "0123456789abcdef0123456789abcdef"
#define NOW_USEC (UINT64_C(1753456860) * USEC_PER_SEC) /* 2025-07-25T15:21:00Z */
#define LOGIN "\"username\":\"ada@x.test\",\"password\":\"tops3cret\""
#define MAILBOX "{\"host\":\"mail.x.test\",\"security\":\"tls\"," LOGIN "}"

static const struct adapter *smtp(void) {
        for (const struct adapter *const *a = adapters; *a; a++)
                if (strcmp((*a)->platform, "smtp") == 0)
                        return *a;
        return NULL;
}

static const struct adapter_action *send_email(void) {
        return &smtp()->actions[0];
}

static cJSON *parse(const char *text) {
        cJSON *json = NULL;

        if (json_parse(text, strlen(text), &json, NULL) < 0)
                fail_msg("the test's own JSON is bad: %s", text);
        return json;
}

/* Everything that build() and interpret() are called with. */
struct rig {
        cJSON *payload, *notes, *result;
        struct secret *credential;
        struct adapter_input input;
        struct http_request request;
        struct ae_error error;
};

static void rig_init(struct rig *rig, const char *payload, const char *credential) {
        *rig = (struct rig){ .payload = parse(payload), .notes = cJSON_CreateObject() };
        assert_int_equal(secret_new(credential, strlen(credential), &rig->credential), 0);
        rig->input = (struct adapter_input){
                .payload = rig->payload,
                .base_url = "smtp:",
                .action_id = ID,
                .now_usec = NOW_USEC,
                .credential = rig->credential,
                .notes = rig->notes,
        };
}

static void rig_done(struct rig *rig) {
        cJSON_Delete(rig->payload);
        cJSON_Delete(rig->notes);
        cJSON_Delete(rig->result);
        secret_free(rig->credential);
        http_request_done(&rig->request);
        ae_error_done(&rig->error);
}

static int build(struct rig *rig) {
        return send_email()->build(&rig->input, &rig->request, &rig->error);
}

static int interpret(struct rig *rig, const struct smtp_answer *answer) {
        const struct http_response response = {
                .failure = HTTP_ANSWERED,
                .status = answer->reply.code,
                .mail = answer,
        };

        return send_email()->interpret(&rig->input, &response, &rig->result, &rig->error);
}

static void test_table_is_whole(void **state) {
        assert_non_null(smtp());
        assert_true(smtp()->brings_credential);
        assert_true(smtp()->credential_whole);
        assert_non_null(smtp()->identify);
        assert_true(smtp()->identify->brings_credential);
        assert_int_equal(smtp()->n_actions, 1);
        assert_int_equal(send_email()->idempotency, IDEMPOTENCY_UNREPEATABLE);
        assert_null(send_email()->reconcile);
        assert_null(send_email()->oauth_scopes[0]);
}

static void test_schemas_load_and_take_their_examples(void **state) {
        const char *const texts[] = { send_email()->payload_schema, send_email()->result_schema,
                                      smtp()->credential_schema };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_(schema_freep) struct schema *schema = NULL;
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *json = parse(texts[i]);
                char reason[SCHEMA_ERROR_SIZE];
                const cJSON *example;

                if (schema_new(texts[i], strlen(texts[i]), &schema, reason) < 0)
                        fail_msg("%s", reason);
                cJSON_ArrayForEach (example, json_member(json, "examples"))
                        assert_int_equal(schema_validate(schema, example, &error), 0);
        }
}

static void test_mailboxes(void **state) {
        static const struct {
                const char *credential;
                const char *url;
                enum smtp_login login;
                const char *secret, *sender;
        } cases[] = {
                { MAILBOX, "smtps://mail.x.test:465", SMTP_LOGIN_PASSWORD, "tops3cret",
                  "ada@x.test" },
                { "{\"host\":\"m.x\",\"security\":\"starttls\"," LOGIN "}", "smtp://m.x:587",
                  SMTP_LOGIN_PASSWORD, "tops3cret", "ada@x.test" },
                { "{\"host\":\"[::1]\",\"port\":25,\"security\":\"starttls\",\"auth\":"
                  "\"login\"," LOGIN "}",
                  "smtp://[::1]:25", SMTP_LOGIN_LOGIN, "tops3cret", "ada@x.test" },
                { "{\"host\":\"127.0.0.1\",\"port\":65535,\"security\":\"tls\",\"auth\":"
                  "\"plain\"," LOGIN "}",
                  "smtps://127.0.0.1:65535", SMTP_LOGIN_PLAIN, "tops3cret", "ada@x.test" },
                { "{\"host\":\"m.x\",\"security\":\"tls\",\"username\":\"u\",\"access_token\":"
                  "\"t\","
                  "\"from\":\"Ada <a@b.test>\"}",
                  "smtps://m.x:465", SMTP_LOGIN_XOAUTH2, "t", "a@b.test" },
                { "{\"host\":\"m.x\",\"security\":\"tls\",\"username\":\"\\u00fc\",\"password\":"
                  "\"\\u00e4 "
                  "\\ud83d\\ude00\",\"from\":\"a@b.test\"}",
                  "smtps://m.x:465", SMTP_LOGIN_PASSWORD, "\xc3\xa4 \xf0\x9f\x98\x80", "a@b.test" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct smtp_envelope *e;
                struct rig rig;

                rig_init(&rig, "{\"to\":\"b@x.test\"}", cases[i].credential);
                if (build(&rig) < 0)
                        fail_msg("%s: %s", cases[i].credential, rig.error.message);
                e = rig.request.mail;
                assert_string_equal(rig.request.url, cases[i].url);
                assert_int_equal(e->login, cases[i].login);
                assert_string_equal(e->secret->data, cases[i].secret);
                assert_string_equal(e->sender, cases[i].sender);
                rig_done(&rig);
        }
}

/* Somebody else may have written to the vault. */
static void test_what_is_no_mailbox(void **state) {
        static const char *const credentials[] = {
                "",
                "x",
                "[]",
                "\"x\"",
                "{}",
                "{\"host\":\"m.x\"}",
                "{\"host\":\"m.x\",\"security\":\"tls\",\"username\":\"u\"}",
                "{\"host\":\"m.x\",\"security\":\"none\"," LOGIN "}",
                "{\"host\":\"m.x\"," LOGIN "}",
                "{\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"m/x\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"u@m\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"m:25\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"m%2f\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"[::1\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"[::1]x\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"[]\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"m.x\",\"port\":0,\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"m.x\",\"port\":65536,\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"m.x\",\"port\":\"25\",\"security\":\"tls\"," LOGIN "}",
                "{\"host\":\"m.x\",\"security\":\"tls\",\"auth\":\"xoauth2\"," LOGIN "}",
                "{\"host\":\"m.x\",\"security\":\"tls\",\"auth\":\"cram-md5\"," LOGIN "}",
                "{\"host\":\"m.x\",\"security\":\"tls\",\"username\":\"a\\nb\",\"password\":\"p\"}",
                "{\"host\":\"m.x\",\"security\":\"tls\",\"username\":\"a\",\"password\":"
                "\"p\\u0001\"}",
                "{\"host\":\"m.x\",\"security\":\"tls\",\"from\":\"nobody\"," LOGIN "}",
        };

        for (size_t i = 0; i < ELEMENTSOF(credentials); i++) {
                struct rig rig;

                rig_init(&rig, "{\"to\":\"b@x.test\"}", credentials[i]);
                if (build(&rig) >= 0 || rig.error.code != AE_REAUTHORIZATION_REQUIRED)
                        fail_msg("%s", credentials[i]);
                rig_done(&rig);
        }
}

static void expect_header(const struct buffer *message, const char *line, bool there) {
        const char *end = memmem(message->data, message->size, "\r\n\r\n", 4);
        bool found = memmem(message->data, (size_t)(end - message->data) + 2, line, strlen(line));

        if (found != there)
                fail_msg("'%s' in\n%s", line, message->data);
}

static void test_who_gets_it_and_who_sends(void **state) {
        struct rig rig;

        rig_init(&rig,
                 "{\"to\":[\"b@x.test\",\"C <c@x.test>\",\"b@X.test\"],\"cc\":\"d@x.test\","
                 "\"bcc\":[\"e@x.test\",\"c@x.test\"],\"from\":\"Countess\",\"thread_id\":\"t1\"}",
                 MAILBOX);
        assert_int_equal(build(&rig), 0);
        assert_int_equal(rig.request.mail->n_recipients, 4);
        assert_string_equal(rig.request.mail->recipients[0], "b@x.test");
        assert_string_equal(rig.request.mail->recipients[1], "c@x.test");
        assert_string_equal(rig.request.mail->recipients[2], "d@x.test");
        assert_string_equal(rig.request.mail->recipients[3], "e@x.test");
        expect_header(&rig.request.body, "From: \"Countess\" <ada@x.test>\r\n", true);
        expect_header(&rig.request.body, "To: b@x.test, \"C\" <c@x.test>, b@x.test\r\n", true);
        expect_header(&rig.request.body, "Cc: d@x.test\r\n", true);
        expect_header(&rig.request.body, "Message-ID: <" ID "@x.test>\r\n", true);
        expect_header(&rig.request.body, "Bcc", false);
        expect_header(&rig.request.body, "e@x.test", false);
        rig_done(&rig);

        rig_init(&rig, "{\"to\":\"b@x.test\",\"from\":\"Me <me@other.test>\"}", MAILBOX);
        assert_int_equal(build(&rig), 0);
        assert_string_equal(rig.request.mail->sender, "me@other.test");
        expect_header(&rig.request.body, "From: \"Me\" <me@other.test>\r\n", true);
        expect_header(&rig.request.body, "@other.test>\r\n", true);
        rig_done(&rig);

        rig_init(&rig, "{\"to\":\"b@x.test\"}",
                 "{\"host\":\"m.x\",\"security\":\"tls\",\"username\":\"u\",\"password\":\"p\"}");
        assert_true(build(&rig) < 0);
        assert_int_equal(rig.error.code, AE_INVALID_PAYLOAD);
        assert_int_equal(ae_error_count(&rig.error), 1);
        rig_done(&rig);
}

static void test_success(void **state) {
        static const struct smtp_answer answer = {
                .accepted = true,
                .step = SMTP_STEP_MESSAGE,
                .reply = { 250, "2.0.0 Ok:\nqueued as 4XyZ" },
        };
        _cleanup_(schema_freep) struct schema *schema = NULL;
        char reason[SCHEMA_ERROR_SIZE];
        struct rig rig;

        rig_init(&rig, "{\"to\":[\"b@x.test\",\"c@x.test\"]}", MAILBOX);
        assert_int_equal(build(&rig), 0);
        assert_int_equal(interpret(&rig, &answer), 0);
        assert_string_equal(json_string(rig.result, "message_id"), "<" ID "@x.test>");
        assert_string_equal(json_string(rig.result, "response"), "2.0.0 Ok: queued as 4XyZ");
        cJSON_AddStringToObject(rig.result, "timestamp", "2025-07-25T15:21:00Z");
        assert_int_equal(schema_new(send_email()->result_schema,
                                    strlen(send_email()->result_schema), &schema, reason),
                         0);
        assert_int_equal(schema_validate(schema, rig.result, &rig.error), 0);
        rig_done(&rig);
}

static void test_a_login_tells_whose_it_is(void **state) {
        static const struct smtp_answer taken = { .accepted = true, .step = SMTP_STEP_LOGIN };
        const struct http_response response = { .failure = HTTP_ANSWERED, .mail = &taken };
        struct rig rig;

        rig_init(&rig, "{}", MAILBOX);
        assert_int_equal(smtp()->identify->build(&rig.input, &rig.request, &rig.error), 0);
        assert_true(rig.request.mail->login_alone);
        assert_true(rig.request.repeatable);
        assert_string_equal(rig.request.url, "smtps://mail.x.test:465");
        assert_int_equal(rig.request.mail->n_recipients, 0);
        assert_int_equal(
                        smtp()->identify->interpret(&rig.input, &response, &rig.result, &rig.error),
                        0);
        assert_string_equal(json_string(rig.result, "identity"), "ada@x.test");
        rig_done(&rig);

        rig_init(&rig, "{\"to\":\"b@x.test\"}", MAILBOX);
        assert_int_equal(build(&rig), 0);
        assert_false(rig.request.mail->login_alone);
        rig_done(&rig);
}

static void test_refusals(void **state) {
        static const struct {
                enum smtp_step step;
                struct smtp_reply reply;
                enum smtp_obstacle obstacle;
                enum ae_code code;
                const char *reason, *word; /* in the message */
        } cases[] = {
                { SMTP_STEP_GREETING, { 421, "busy" }, 0, AE_RATE_LIMITED, "", "later" },
                { SMTP_STEP_GREETING, { 554, "5.7.1 no" }, 0, AE_UPSTREAM_REJECTED, "5.7.1", "no" },
                { SMTP_STEP_LOGIN,
                  { 535, "5.7.8 x" },
                  0,
                  AE_REAUTHORIZATION_REQUIRED,
                  "5.7.8",
                  "auth_token" },
                { SMTP_STEP_LOGIN, { 334, "" }, 0, AE_REAUTHORIZATION_REQUIRED, "", "auth_token" },
                { SMTP_STEP_LOGIN, { 454, "4.3.0 x" }, 0, AE_UPSTREAM_ERROR, "4.3.0", "nothing" },
                { SMTP_STEP_LOGIN, { 454, "4.7.0 x" }, 0, AE_RATE_LIMITED, "4.7.0", "later" },
                { SMTP_STEP_SENDER,
                  { 553, "5.7.1 x" },
                  0,
                  AE_UPSTREAM_REJECTED,
                  "5.7.1",
                  "sender" },
                { SMTP_STEP_SENDER, { 552, "x" }, 0, AE_UPSTREAM_REJECTED, "", "larger" },
                { SMTP_STEP_RECIPIENT, { 552, "x" }, 0, AE_UPSTREAM_REJECTED, "", "recipients" },
                { SMTP_STEP_RECIPIENT, { 451, "x" }, 0, AE_UPSTREAM_ERROR, "", "recipients" },
                { SMTP_STEP_MESSAGE, { 552, "x" }, 0, AE_UPSTREAM_REJECTED, "", "larger" },
                { SMTP_STEP_MESSAGE, { 451, "x" }, 0, AE_UPSTREAM_ERROR, "", "nothing was sent" },
                { SMTP_STEP_MESSAGE, { 554, "" }, 0, AE_UPSTREAM_REJECTED, "", "554" },
                { 0, { 0, "" }, SMTP_NO_ADDRESS, AE_FORBIDDEN, "", "AllowAddress=" },
                { 0, { 0, "" }, SMTP_NO_TLS, AE_UPSTREAM_REJECTED, "", "STARTTLS" },
                { 0, { 0, "" }, SMTP_NO_LOGIN, AE_REAUTHORIZATION_REQUIRED, "", "login" },
                { 0, { 0, "" }, SMTP_NO_SIZE, AE_UPSTREAM_REJECTED, "", "at most 7 bytes" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct smtp_answer answer = {
                        .step = cases[i].step,
                        .reply = cases[i].reply,
                        .obstacle = cases[i].obstacle,
                        .max_size = 7,
                };
                struct rig rig;

                rig_init(&rig, "{\"to\":\"b@x.test\"}", MAILBOX);
                if (interpret(&rig, &answer) >= 0 || rig.error.code != cases[i].code ||
                    strcmp(rig.error.upstream_reason, cases[i].reason) != 0 ||
                    !strstr(rig.error.message, cases[i].word))
                        fail_msg("case %zu: %s, '%s', %s", i, ae_code_name(rig.error.code),
                                 rig.error.upstream_reason, rig.error.message);
                assert_int_equal(rig.error.retry_after_msec > 0, cases[i].code == AE_RATE_LIMITED);
                assert_int_equal(rig.error.upstream_status, cases[i].reply.code);
                rig_done(&rig);
        }
}

static void expect_finding(const struct ae_error *error, int i, const char *path,
                           const char *message) {
        const cJSON *finding = cJSON_GetArrayItem(error->errors, i);

        assert_string_equal(json_string(finding, "path"), path);
        if (!strstr(json_string(finding, "message"), message))
                fail_msg("%s: %s", path, json_string(finding, "message"));
}

static void test_refused_recipients_are_named(void **state) {
        struct smtp_refusal refusals[] = { { 1, 550, "5.1.1 nobody" },
                                           { 2, 450, "busy" },
                                           { 3, 550, "what is tops3cret" } };
        struct smtp_answer answer = {
                .step = SMTP_STEP_RECIPIENT,
                .reply = { 550, "5.1.1 nobody" },
                .refusals = refusals,
                .n_refusals = 3,
        };
        struct rig rig;

        /* The second b@ is nobody new, so that what follows is counted without it. */
        rig_init(&rig,
                 "{\"to\":[\"a@x.test\",\"b@x.test\",\"b@x.test\"],\"cc\":\"c@x.test\","
                 "\"bcc\":[\"d@x.test\"]}",
                 MAILBOX);
        assert_true(interpret(&rig, &answer) < 0);
        assert_int_equal(rig.error.code, AE_UPSTREAM_REJECTED);
        assert_int_equal(ae_error_count(&rig.error), 3);
        expect_finding(&rig.error, 0, "/to/1", "550 5.1.1 nobody");
        expect_finding(&rig.error, 1, "/cc", "450 busy");
        expect_finding(&rig.error, 2, "/bcc/0", "550 '");
        rig_done(&rig);

        refusals[0].recipient = 99; /* not of this payload: our own fault */
        rig_init(&rig, "{\"to\":\"a@x.test\"}", MAILBOX);
        assert_true(interpret(&rig, &answer) < 0);
        assert_int_equal(rig.error.code, AE_INTERNAL);
        rig_done(&rig);

        answer = (struct smtp_answer){ .obstacle = SMTP_NO_UTF8 };
        rig_init(&rig, "{\"to\":[\"a@x.test\",\"jos\xc3\xa9@x.test\"],\"cc\":\"\xc3\xbc@x.test\"}",
                 MAILBOX);
        assert_true(interpret(&rig, &answer) < 0);
        assert_int_equal(rig.error.code, AE_UPSTREAM_REJECTED);
        expect_finding(&rig.error, 0, "/to/1", "SMTPUTF8");
        expect_finding(&rig.error, 1, "/cc", "SMTPUTF8");
        assert_int_equal(ae_error_count(&rig.error), 2);
        rig_done(&rig);
}

static void test_what_echoes_the_login_is_not_repeated(void **state) {
        static const char *const said[] = {
                "tops3cret",
                "what is tops3cret?",
                "AGFkYUB4LnRlc3QAdG9wczNjcmV0", /* PLAIN */
                "unknown: AGFkYUB4LnRlc3QA",    /* the same, cut */
                "dG9wczNjcmV0",                 /* LOGIN's password */
                "dXNlcj1hZGFAeC50ZXN0AWF1dGg9", /* XOAUTH2 */
        };

        for (size_t i = 0; i < ELEMENTSOF(said); i++) {
                struct smtp_answer answer = { .step = SMTP_STEP_LOGIN, .reply = { .code = 500 } };
                struct rig rig;

                snprintf(answer.reply.text, sizeof(answer.reply.text), "%s", said[i]);
                rig_init(&rig, "{\"to\":\"b@x.test\"}", MAILBOX);
                assert_true(interpret(&rig, &answer) < 0);
                if (*rig.error.upstream_message || strstr(rig.error.message, said[i]))
                        fail_msg("%s: %s", said[i], rig.error.upstream_message);
                rig_done(&rig);
        }
}

static int init(void **state) {
        return sodium_init() < 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_is_whole),
                cmocka_unit_test(test_schemas_load_and_take_their_examples),
                cmocka_unit_test(test_mailboxes),
                cmocka_unit_test(test_what_is_no_mailbox),
                cmocka_unit_test(test_who_gets_it_and_who_sends),
                cmocka_unit_test(test_success),
                cmocka_unit_test(test_a_login_tells_whose_it_is),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_refused_recipients_are_named),
                cmocka_unit_test(test_what_echoes_the_login_is_not_repeated),
        };

        return cmocka_run_group_tests(tests, init, NULL);
}
