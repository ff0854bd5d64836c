/* SPDX-License-Identifier: MIT */
/*
 * An answer to a message, which is a stranger's: what it says decides whom is written to, and no
 * more than that.
 */
#include "gmail-rig.h"

#include <errno.h>
#include <sodium.h>

#include "base/cleanup.h"

#define GET \
        BASE "/gmail/v1/users/me/messages/18c?format=metadata" \
             "&metadataHeaders=From&metadataHeaders=Reply-To&metadataHeaders=To&metadataHeaders=" \
             "Cc" \
             "&metadataHeaders=Subject&metadataHeaders=Message-ID&metadataHeaders=References"
#define PROFILE BASE "/gmail/v1/users/me/profile"
#define SELF "{\"emailAddress\":\"me@example.com\",\"messagesTotal\":7}"

#define H(name, value) "{\"name\":\"" name "\",\"value\":\"" value "\"}"
#define MESSAGE(labels, headers) \
        "{\"id\":\"18c\",\"threadId\":\"t1\",\"labelIds\":[" labels \
        "],\"payload\":{\"headers\":[" headers "]}}"
#define FROM H("From", "Ada <ada@example.com>")

/* The message in the request, with its lines unfolded. */
static char *sent_message(struct run *run) {
        _cleanup_(json_freep) cJSON *body = parse(run->request.body.data);
        const char *raw = json_string(body, "raw");
        char *message = calloc(1, strlen(raw) + 1), *to = message;
        size_t size;

        assert_string_equal(run->request.url, BASE "/gmail/v1/users/me/messages/send");
        assert_string_equal(json_string(body, "threadId"), "t1");
        assert_int_equal(sodium_base642bin((unsigned char *)message, strlen(raw), raw, strlen(raw),
                                           NULL, &size, NULL,
                                           sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                         0);
        for (const char *from = message; *from; from++)
                if (strncmp(from, "\r\n ", 3) == 0)
                        from++;
                else
                        *to++ = *from;
        *to = 0;
        return message;
}

/* Goes on to the sending of it, or returns how it failed. */
static int go(struct run *run, bool all, const char *profile, const char *message) {
        const struct answer who = { 200, profile, NULL, NULL }, what = { 200, message, NULL, NULL };
        int r;

        run_begin(run, "reply",
                  all ? "{\"message_id\":\"18c\",\"reply_all\":true,\"body\":\"yes\"}"
                      : "{\"message_id\":\"18c\",\"body\":\"yes\"}");
        if (all) {
                assert_int_equal(run_build(run), 0);
                assert_string_equal(run->request.url, PROFILE);
                assert_true(run->request.repeatable);
                r = run_take(run, &who);
                if (r != ADAPTER_CONTINUE)
                        return r;
        }
        assert_int_equal(run_build(run), 0);
        assert_string_equal(run->request.method, "GET");
        assert_string_equal(run->request.url, GET);
        assert_true(run->request.repeatable);
        assert_int_equal(run_lose(run), 0);
        r = run_take(run, &what);
        if (r != ADAPTER_CONTINUE)
                return r;
        r = run_build(run);
        assert_false(run->request.repeatable);
        return r;
}

/* All headers that depend on the message, and where they end. */
static void test_what_is_answered(void **state) {
#define TAIL "Message-ID: <" ID "@action-engine.invalid>\r\n"
#define END "X-Action-Id: "
#define ADA "To: \"Ada\" <ada@example.com>\r\n"
#define RE "Subject: Re:\r\n"
        /* clang-format off */
        static const struct {
                bool all;
                const char *message;
                const char *headers; /* between the date and the marker */
        } cases[] = {
                { false, MESSAGE("\"INBOX\"", FROM "," H("To", "me@example.com, x@y.z") "," H("Subject", "Hello") "," H("Message-ID", "<a@b>")),
                  ADA "Subject: Re: Hello\r\n" TAIL "In-Reply-To: <a@b>\r\nReferences: <a@b>\r\n" },
                { false, MESSAGE("", FROM "," H("Reply-To", "list@example.org") "," H("subject", "RE: x") ","
                                     H("MESSAGE-ID", "<a@b>") "," H("References", "<c@d> <e@f>")),
                  "To: list@example.org\r\nSubject: RE: x\r\n" TAIL "In-Reply-To: <a@b>\r\nReferences: <c@d> <e@f> <a@b>\r\n" },
                { false, MESSAGE("", FROM "," H("Reply-To", "undisclosed:;")), ADA RE TAIL },
                { false, MESSAGE("\"SENT\"", H("From", "me@example.com") "," H("To", "x@y.z") "," H("Cc", "v@w.u")),
                  "To: x@y.z\r\n" RE TAIL },
                { true, MESSAGE("", FROM "," H("To", "Me <ME@example.com>, x@y.z, ada@EXAMPLE.com") ","
                                    H("Cc", "v@w.u, x@y.z, me@example.com")),
                  "To: \"Ada\" <ada@example.com>, x@y.z\r\nCc: v@w.u\r\n" RE TAIL },
                { true, MESSAGE("\"SENT\"", H("From", "me@example.com") "," H("To", "me@example.com") "," H("Cc", "v@w.u")),
                  "To: v@w.u\r\n" RE TAIL },
                { true, MESSAGE("\"SENT\",\"INBOX\"", H("From", "me@example.com") "," H("To", "me@example.com")),
                  "To: me@example.com\r\n" RE TAIL },
                /* No message id, or one that is none: the conversation's id must do. */
                { false, MESSAGE("", FROM "," H("Message-ID", "<a b@c>") "," H("References", "<c@d>")), ADA RE TAIL },
                { false, MESSAGE("", FROM "," H("Message-ID", "<a@b>\\r\\nBcc: <evil@example.com>")), ADA RE TAIL },
                { false, MESSAGE("", FROM "," H("Message-ID", " <a@b>\\r\\n ") ","
                                     H("References", "x <c@d><e f@g>\\t<h@i>\\r\\n <j@k> <l@m")),
                  ADA RE TAIL "In-Reply-To: <a@b>\r\nReferences: <c@d> <h@i> <j@k> <a@b>\r\n" },
                { false, MESSAGE("", FROM "," H("Message-ID", "<a@b>") "," H("References", "<c@d>\\r\\nBcc: <j@k>")),
                  ADA RE TAIL "In-Reply-To: <a@b>\r\nReferences: <a@b>\r\n" },
                /* Nothing of it begins a header of its own. */
                { false, MESSAGE("", FROM "," H("Subject", "x\\r\\nBcc: evil@example.com")),
                  ADA "Subject: =?utf-8?q?Re=3A_x__Bcc=3A_evil=40example=2Ecom?=\r\n" TAIL },
                { false, MESSAGE("", H("From", "\\\"A\\r\\n \\\\\\\"B\\\"\\n\\t<ada@example.com>")),
                  "To: \"A \\\"B\" <ada@example.com>\r\n" RE TAIL },
                { false, MESSAGE("", H("From", "=?utf-8?q?J=C3=BC_=0D=0A?= <ada@example.com>")),
                  "To: =?utf-8?b?SsO8?= <ada@example.com>\r\n" RE TAIL },
                { false, MESSAGE("", FROM "," H("Subject", "=?iso-8859-1?b?R3L832U=?= =?utf-8?q?=0D=0ABcc:_x@y.z?=")),
                  ADA "Subject: =?utf-8?b?UmU6IEdyw7zDn2UgIEJjYzogeEB5Lno=?=\r\n" TAIL },
                { false, MESSAGE("", H("From", "=?utf-8?q?=00?= <ada@example.com>") "," H("Subject", "=?utf-8?q?Re=3A_x?=")),
                  "To: =?utf-8?b?PT91dGYtOD9xPz0wMD89?= <ada@example.com>\r\nSubject: Re: x\r\n" TAIL },
                { false, MESSAGE("", "7,{},{\"name\":\"From\"},{\"name\":7,\"value\":7}," H("To", "x@y.z") ","
                                     H("Reply-To", "a@b.c") "," H("Reply-To", "evil@example.com")),
                  "To: a@b.c\r\n" RE TAIL },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *message = NULL;
                char *begin, *end;
                struct run run;
                int r;

                r = go(&run, cases[i].all, SELF, cases[i].message);
                if (r != 0)
                        fail_msg("case %zu: %d, %s", i, r, run.error.message);
                message = sent_message(&run);
                begin = strstr(message, "\r\n") + 2;
                end = strstr(begin, END);
                assert_non_null(end);
                if (strlen(cases[i].headers) != (size_t)(end - begin) ||
                    strncmp(begin, cases[i].headers, (size_t)(end - begin)) != 0)
                        fail_msg("case %zu:\n%s", i, message);
                assert_non_null(strstr(end, "\r\n\r\nyes"));
                run_done(&run);
        }
#undef TAIL
#undef END
#undef ADA
#undef RE
}

static void test_what_cannot_be_answered(void **state) {
        static const struct {
                bool all;
                const char *profile, *message;
                enum ae_code code;
        } cases[] = {
                { false, NULL, "", AE_UPSTREAM_ERROR },
                { false, NULL, "{}", AE_UPSTREAM_ERROR },
                { false, NULL, "[]", AE_UPSTREAM_ERROR },
                { false, NULL, "{\"id\":\"18c\",\"threadId\":\"t1\"}", AE_UPSTREAM_ERROR },
                { false, NULL, "{\"id\":\"18c\",\"payload\":{}}", AE_UPSTREAM_ERROR },
                { false, NULL, "{\"id\":\"18c\",\"threadId\":\"a/b\",\"payload\":{}}",
                  AE_UPSTREAM_ERROR },
                { false, NULL, "{\"id\":\"18d\",\"threadId\":\"t1\",\"payload\":{}}",
                  AE_UPSTREAM_ERROR },
                { false, NULL, MESSAGE("", ""), AE_INVALID_PAYLOAD },
                { false, NULL, MESSAGE("", H("From", "")), AE_INVALID_PAYLOAD },
                { false, NULL, MESSAGE("", H("From", "nobody")), AE_INVALID_PAYLOAD },
                { false, NULL, MESSAGE("", H("From", "A <a@b> <c@d>")), AE_INVALID_PAYLOAD },
                { false, NULL, MESSAGE("\"SENT\"", FROM), AE_INVALID_PAYLOAD },
                /* A line end in a header that says whom to write to: nobody is. */
                { false, NULL,
                  MESSAGE("", H("From", "Ada\\r\\nBcc: evil@example.com, <ada@example.com>")),
                  AE_INVALID_PAYLOAD },
                { false, NULL, MESSAGE("", H("From", "Ada <ada@example.com>\\nevil@example.com")),
                  AE_INVALID_PAYLOAD },
                { false, NULL, MESSAGE("", H("From", "\\\"A\\u2028B\\\" <ada@example.com>")),
                  AE_INVALID_PAYLOAD },
                { false, NULL,
                  MESSAGE("", H("From", "Ada\\r\\n Bcc: evil@example.com, <ada@example.com>")),
                  AE_INVALID_PAYLOAD },
                { false, NULL, MESSAGE("", FROM "," H("Reply-To", "a@b.c\\r\\nevil@example.com")),
                  AE_INVALID_PAYLOAD },
                { true, SELF, MESSAGE("", FROM "," H("To", "a@b.c\\u0085, evil@example.com")),
                  AE_INVALID_PAYLOAD },
                { true, SELF, MESSAGE("", FROM "," H("Cc", "a@b.c,\\revil@example.com")),
                  AE_INVALID_PAYLOAD },
                { true, SELF, MESSAGE("", FROM "," H("To", "a@[1.2.3.4]")), AE_INVALID_PAYLOAD },
                { true, "", MESSAGE("", FROM), AE_UPSTREAM_ERROR },
                { true, "{}", MESSAGE("", FROM), AE_UPSTREAM_ERROR },
                { true, "{\"emailAddress\":\"a b\"}", MESSAGE("", FROM), AE_UPSTREAM_ERROR },
                { true, "{\"emailAddress\":7}", MESSAGE("", FROM), AE_UPSTREAM_ERROR },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct run run;
                int r = go(&run, cases[i].all, cases[i].profile, cases[i].message);

                if (r != ae_code_errno(cases[i].code) || run.error.code != cases[i].code)
                        fail_msg("case %zu: %d, %s", i, r, run.error.message);
                run_done(&run);
        }
}

/* A message with such a header of n such words, in which # is a number. */
static char *many(const char *name, const char *word, size_t n) {
        _cleanup_(buffer_done) struct buffer b = { 0 };
        char *text;

        buffer_puts(&b, "{\"id\":\"18c\",\"threadId\":\"t1\",\"payload\":{\"headers\":[" FROM
                        ",{\"name\":\"Message-ID\",\"value\":\"<last@b>\"},{\"name\":\"");
        buffer_printf(&b, "%s\",\"value\":\"", name);
        for (size_t i = 0; i < n; i++)
                for (const char *p = word; *p; p++)
                        if (*p == '#')
                                buffer_printf(&b, "%zu", i);
                        else
                                buffer_putc(&b, *p);
        buffer_puts(&b, "\"}]}}");
        assert_int_equal(buffer_take(&b, &text, NULL), 0);
        return text;
}

static void test_absurd_sizes(void **state) {
        static const struct {
                const char *name, *word;
                size_t n;
                int r;
                const char *holds, *lacks;
        } cases[] = {
                { "Subject", "\xc3\xa4", 450, 0, "Subject: ", "Bcc" },
                { "Subject", "x", 1 << 20, 0, "Subject: ", "Bcc" },
                { "References", "<#@b> ", 20, 0, "<0@b> <1@b> ", "<20@b>" },
                { "References", "<#@b> ", 21, 0, "<0@b> <2@b> ", "<1@b>" },
                { "References", "<#@b> ", 50000, 0, "<0@b> <49981@b> ", "<49980@b>" },
                { "References", "<", 1 << 20, 0, "References: <last@b>", "<<" },
                { "References", "x", 1 << 20, 0, "References: <last@b>", "xxx" },
                { "To", "a#@b.c,", 499, 0, "a498@b.c", "Bcc" },
                { "To", "a#@b.c,", 500, -EINVAL, NULL, NULL },
                { "To", "a#@b.c,", 100000, -EINVAL, NULL, NULL },
                { "To", "x", 1 << 20, -EINVAL, NULL, NULL },
                { "To", "(", 256 << 10, 0, "ada@example.com", "(" },
                { "To", "(", (256 << 10) + 1, -EINVAL, NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *text = many(cases[i].name, cases[i].word, cases[i].n);
                _cleanup_(freep) char *message = NULL;
                struct run run;
                int r = go(&run, /* all= */ true, SELF, text);

                if (r != cases[i].r)
                        fail_msg("case %zu: %d, %s", i, r, run.error.message);
                if (r == 0) {
                        message = sent_message(&run);
                        if (!strstr(message, cases[i].holds) || strstr(message, cases[i].lacks))
                                fail_msg("case %zu:\n%.3000s", i, message);
                        assert_true(strlen(message) < 32768);
                }
                run_done(&run);
        }
}

/* The id is a segment of the path, whatever it holds. */
static void test_path_is_escaped(void **state) {
        struct run run;

        run_begin(&run, "reply", "{\"message_id\":\"../a?b#c%2f\"}");
        assert_int_equal(run_build(&run), 0);
        assert_non_null(strstr(run.request.url, "/messages/..%2Fa%3Fb%23c%252f?format="));
        run_done(&run);
}

static void test_refusals(void **state) {
        static const struct {
                int status;
                enum ae_code code;
        } cases[] = {
                { 401, AE_REAUTHORIZATION_REQUIRED }, { 403, AE_UPSTREAM_REJECTED },
                { 404, AE_UPSTREAM_REJECTED },        { 429, AE_RATE_LIMITED },
                { 500, AE_UPSTREAM_ERROR },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct answer answer = { cases[i].status, "{}", NULL, NULL };
                struct run run;

                run_begin(&run, "reply", "{\"message_id\":\"18c\"}");
                assert_int_equal(run_build(&run), 0);
                assert_true(run_take(&run, &answer) < 0);
                assert_int_equal(run.error.code, cases[i].code);
                run_done(&run);
        }
}

static void test_files_and_html_go_along(void **state) {
        static const struct answer what = { 200, MESSAGE("", FROM), NULL, NULL },
                                   done = { 200, "{\"id\":\"m\",\"threadId\":\"t1\"}", NULL, NULL };
        _cleanup_(freep) char *message = NULL;
        struct run run;

        run_begin(&run, "reply",
                  "{\"message_id\":\"18c\",\"body\":\"a\",\"html\":\"<b>\",\"attachments\":"
                  "[{\"filename\":\"f.txt\",\"content_base64\":\"Zm9v\"}]}");
        assert_int_equal(run.action->check(run.payload, &run.error), 0);
        assert_int_equal(ae_error_count(&run.error), 0);
        assert_int_equal(run_build(&run), 0);
        assert_int_equal(run_take(&run, &what), ADAPTER_CONTINUE);
        assert_int_equal(run_build(&run), 0);
        message = sent_message(&run);
        assert_non_null(strstr(message, "multipart/alternative"));
        assert_non_null(strstr(message, "filename=\"f.txt\""));
        assert_int_equal(run_take(&run, &done), 0);
        assert_string_equal(json_string(run.result, "thread_id"), "t1");
        run_done(&run);
}

static void test_check(void **state) {
        static const struct {
                const char *payload, *path;
        } cases[] = {
                { "{\"message_id\":\"18c\"}", NULL },
                { "{\"message_id\":\"18c\",\"attachments\":[{\"filename\":\"../x\","
                  "\"content_base64\":\"\"}]}",
                  "/attachments/0/filename" },
                { "{\"message_id\":\"18c\",\"body\":7}", "/body" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct run run;

                run_begin(&run, "reply", cases[i].payload);
                assert_int_equal(run.action->check(run.payload, &run.error), 0);
                assert_int_equal(ae_error_count(&run.error), cases[i].path ? 1 : 0);
                if (cases[i].path)
                        assert_string_equal(json_string(run.error.errors->child, "path"),
                                            cases[i].path);
                run_done(&run);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_answered),
                cmocka_unit_test(test_what_cannot_be_answered),
                cmocka_unit_test(test_absurd_sizes),
                cmocka_unit_test(test_path_is_escaped),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_files_and_html_go_along),
                cmocka_unit_test(test_check),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
