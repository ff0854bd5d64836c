/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "mail/address.h"
#include "mail/message.h"

#define ID "0123456789abcdef0123456789abcdef"

static const struct mailbox ada = { (char *)"Ada", (char *)"ada@example.com" };

static struct mail_message simple(void) {
        return (struct mail_message){
                .action_id = ID,
                .id_domain = "example.com",
                .date_usec = UINT64_C(1753456860) * USEC_PER_SEC,
                .to = { &ada, 1 },
                .subject = "Hello",
                .text = "How are you?",
        };
}

#define SIMPLE_HEADERS \
        "Date: Fri, 25 Jul 2025 15:21:00 +0000\r\n" \
        "To: \"Ada\" <ada@example.com>\r\n" \
        "Subject: Hello\r\n" \
        "Message-ID: <" ID "@example.com>\r\n" \
        "X-Action-Id: " ID "\r\n" \
        "MIME-Version: 1.0\r\n"

static void assert_message(const struct mail_message *m, const char *expected) {
        _cleanup_(buffer_done) struct buffer b = { 0 };

        buffer_puts(&b, "before");
        assert_int_equal(mail_message_write(m, &b), 0);
        assert_string_equal(b.data + strlen("before"), expected);
}

static void test_text(void **state) {
        struct mail_message m = simple();

        assert_message(&m, SIMPLE_HEADERS "Content-Type: text/plain; charset=utf-8\r\n"
                                          "Content-Transfer-Encoding: 7bit\r\n"
                                          "\r\n"
                                          "How are you?");
}

static void test_everything(void **state) {
        static const struct mail_attachment attachment = { "a.txt", "text/plain", "Zm9v", 4 };
        struct mail_message m = simple();

        m.html = "<p>How are you?";
        m.attachments = &attachment;
        m.n_attachments = 1;
        assert_message(&m, SIMPLE_HEADERS
                       "Content-Type: multipart/mixed;\r\n boundary=\"=_mixed_" ID "\"\r\n"
                       "\r\n--=_mixed_" ID "\r\n"
                       "Content-Type: multipart/alternative;\r\n"
                       " boundary=\"=_alternative_" ID "\"\r\n"
                       "\r\n--=_alternative_" ID "\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: 7bit\r\n"
                       "\r\nHow are you?"
                       "\r\n--=_alternative_" ID "\r\n"
                       "Content-Type: text/html; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: 7bit\r\n"
                       "\r\n<p>How are you?"
                       "\r\n--=_alternative_" ID "--\r\n"
                       "\r\n--=_mixed_" ID "\r\n"
                       "Content-Type: text/plain\r\n"
                       "Content-Transfer-Encoding: base64\r\n"
                       "Content-Disposition: attachment; filename=\"a.txt\"\r\n"
                       "\r\nZm9v"
                       "\r\n--=_mixed_" ID "--\r\n");
}

static void test_all_headers(void **state) {
        struct mail_message m = simple();
        _cleanup_(buffer_done) struct buffer b = { 0 };

        m.from = m.reply_to = m.cc = m.bcc = m.to;
        m.in_reply_to = "x@y";
        m.subject = NULL;
        assert_int_equal(mail_message_write(&m, &b), 0);
        assert_non_null(strstr(b.data, "\r\nFrom: \"Ada\" <ada@example.com>\r\n"
                                       "Reply-To: \"Ada\" <ada@example.com>\r\n"
                                       "To: \"Ada\" <ada@example.com>\r\n"
                                       "Cc: \"Ada\" <ada@example.com>\r\n"
                                       "Bcc: \"Ada\" <ada@example.com>\r\n"
                                       "Message-ID: "));
        assert_non_null(strstr(b.data, "\r\nIn-Reply-To: <x@y>\r\nReferences: <x@y>\r\n"));
}

/* One bad value, and of the whole message no byte is left. */
static void test_bad_values_leave_nothing(void **state) {
        static const struct mailbox bad = { (char *)"A\r\nBcc: x@y.z", (char *)"a@b.c" };
        static const struct mail_attachment attachments[] = {
                { "a\nb", "text/plain", "Zm9v", 4 },
                { "a", "text/plain\r\nX: y", "Zm9v", 4 },
                { "a", "text/plain", "Zm9v\r\n--=_mixed_" ID "--", 4 + 2 + 10 + 34 },
                { "a", "multipart/mixed", "Zm9v", 4 },
        };
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct mail_message m;

        buffer_puts(&b, "before");
#define ASSERT_REFUSED(change) \
        m = simple(); \
        change; \
        assert_int_equal(mail_message_write(&m, &b), -EINVAL); \
        assert_string_equal(b.data, "before")

        ASSERT_REFUSED(m.subject = "a\r\nb");
        ASSERT_REFUSED(m.to.items = &bad);
        ASSERT_REFUSED(m.from = ((struct mailboxes){ &bad, 1 }));
        ASSERT_REFUSED(m.bcc = ((struct mailboxes){ &bad, 1 }));
        ASSERT_REFUSED(m.in_reply_to = "a@b>\r\nX: <y");
        ASSERT_REFUSED(m.in_reply_to = "a @b");
        ASSERT_REFUSED(m.id_domain = "a\nb");
        ASSERT_REFUSED(m.action_id = "a\nb");
        ASSERT_REFUSED(m.action_id = "");
        ASSERT_REFUSED(m.action_id = ID "123456789");
        for (size_t i = 0; i < ELEMENTSOF(attachments); i++) {
                ASSERT_REFUSED((m.attachments = &attachments[i], m.n_attachments = 1));
        }
#undef ASSERT_REFUSED
}

static void test_content_types(void **state) {
        static const struct {
                const char *type;
                int r;
        } cases[] = {
                { "text/plain", 0 },
                { "application/vnd.ms-excel.sheet+xml", 0 },
                { "text/csv;charset=utf-8", 0 },
                { "text/csv; Charset=ISO-8859-1", 0 },
                { "", -EINVAL },
                { "text", -EINVAL },
                { "text/", -EINVAL },
                { "/plain", -EINVAL },
                { "text/plain;", -EINVAL },
                { "text/plain; charset=", -EINVAL },
                { "text/plain; charset=\"utf-8\"", -EINVAL },
                { "text/plain; charset=utf-8; name=x", -EINVAL },
                { "text/plain; name=x", -EINVAL },
                { "text/plain\r\nX: y", -EINVAL },
                { "text/pl\xc3\xa9in", -EINVAL },
                { "text /plain", -EINVAL },
                { "multipart/mixed", -EINVAL },
                { "Message/RFC822", -EINVAL },
        };
        char long_type[257];
        const char *reason;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(mail_content_type_check(cases[i].type, &reason), cases[i].r);

        memset(long_type, 'a', 256);
        long_type[1] = '/';
        long_type[256] = 0;
        assert_int_equal(mail_content_type_check(long_type, &reason), -EINVAL);
        long_type[255] = 0;
        assert_int_equal(mail_content_type_check(long_type, &reason), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_everything),
                cmocka_unit_test(test_all_headers),
                cmocka_unit_test(test_bad_values_leave_nothing),
                cmocka_unit_test(test_content_types),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
