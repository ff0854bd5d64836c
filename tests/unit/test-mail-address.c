/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "mail/address.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define L63 A60 "aaa"
#define D253 L63 "." L63 "." L63 "." A60 "a"

static void test_mailboxes(void **state) {
        static const struct {
                const char *text, *name, *address;
        } cases[] = {
                { "a@b.c", NULL, "a@b.c" },
                { "  a@b.c ", NULL, "a@b.c" },
                { "<a@b.c>", NULL, "a@b.c" },
                { "< a@b.c >", NULL, "a@b.c" },
                { "Ada <a@b.c>", "Ada", "a@b.c" },
                { "Ada<a@b.c>", "Ada", "a@b.c" },
                { "Ada  King  Lovelace <a@b.c>", "Ada King Lovelace", "a@b.c" },
                { "\"Ada  King\" <a@b.c>", "Ada  King", "a@b.c" },
                { "\"\" <a@b.c>", NULL, "a@b.c" },
                { "\" \" <a@b.c>", " ", "a@b.c" },
                { "\"Ada\" \"King\" x\"y\" <a@b.c>", "Ada King xy", "a@b.c" },
                { "\"a \\\"b\\\" \\\\c\" <a@b.c>", "a \"b\" \\c", "a@b.c" },
                { "\"x@y.z\" <a@b.c>", "x@y.z", "a@b.c" },
                { "\"<x@y.z>, (c): d;\" <a@b.c>", "<x@y.z>, (c): d;", "a@b.c" },
                { "Doe, John <a@b.c>", "Doe, John", "a@b.c" },
                { "John Q. Public [EXT] <a@b.c>", "John Q. Public [EXT]", "a@b.c" },
                { "=?utf-8?q?x?= <a@b.c>", "=?utf-8?q?x?=", "a@b.c" },
                { "J\xc3\xbcrgen <a@b.c>", "J\xc3\xbcrgen", "a@b.c" },
                { "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d <a@b.c>", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
                  "a@b.c" },
                { "!#$%&'*+-/=?^_`{|}~@b.c", NULL, "!#$%&'*+-/=?^_`{|}~@b.c" },
                { "a.b.c@d", NULL, "a.b.c@d" },
                { "a@B.Example.COM", NULL, "a@b.example.com" },
                { "A@b-c.1d", NULL, "A@b-c.1d" },
                { "\"ab\"@c.d", NULL, "ab@c.d" },
                { "\"a b\"@c.d", NULL, "\"a b\"@c.d" },
                { "\"a@b\"@c.d", NULL, "\"a@b\"@c.d" },
                { "\"a\\\"\\\\>,\"@c.d", NULL, "\"a\\\"\\\\>,\"@c.d" },
                { "X <\"a>b\"@c.d>", "X", "\"a>b\"@c.d" },
                { "\"a..b\"@c.d", NULL, "\"a..b\"@c.d" },
                { "a@b\xc3\xbc"
                  "cher.example",
                  NULL, "a@xn--bcher-kva.example" },
                { "a@B\xc3\x9c"
                  "CHER.example",
                  NULL, "a@xn--bcher-kva.example" },
                { "a@b\xef\xbc\x8e"
                  "com",
                  NULL, "a@b.com" }, /* a full-width dot */
                { "j\xc3\xbcrgen@b\xc3\xbc"
                  "cher.example",
                  NULL,
                  "j\xc3\xbcrgen@b\xc3\xbc"
                  "cher.example" },
                { "j\xc3\xbcrgen@xn--bcher-kva.example", NULL,
                  "j\xc3\xbcrgen@b\xc3\xbc"
                  "cher.example" },
                { A60 "aaaa@b.c", NULL, A60 "aaaa@b.c" },
                { "a@" L63 ".c", NULL, "a@" L63 ".c" },
                { "a@" D253, NULL, NULL }, /* 255 as a whole */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(mailbox_done) struct mailbox m = { 0 };
                const char *reason = "";
                int r = mailbox_parse(cases[i].text, &m, &reason);

                if (!cases[i].address) {
                        assert_int_equal(r, -EINVAL);
                        continue;
                }
                if (r < 0)
                        fail_msg("'%s' %s", cases[i].text, reason);
                assert_string_equal(m.address, cases[i].address);
                if (cases[i].name)
                        assert_string_equal(m.name, cases[i].name);
                else
                        assert_null(m.name);
        }
}

/* Whatever could become a second recipient, or be read in two ways. */
static void test_refused(void **state) {
        static const struct {
                const char *text, *reason; /* a part of it */
        } cases[] = {
                { "", "no '@'" },
                { " ", "no '@'" },
                { "Ada", "no '@'" },
                { "@", "nothing before" },
                { "@b.c", "nothing before" },
                { "\"\"@b.c", "nothing before" },
                { "a@", "no host name" },
                { "a b", "no '@'" },
                { "a b@c.d", "double quotes" },
                { "a@b@c.d", "more than one" },
                { "a@b.c, d@e.f", "more than one" },
                { "a@b.c,d@e.f", "more than one" },
                { "a@b.c d@e.f", "more than one" },
                { "a@b.c; d@e.f", "more than one" },
                { ",a@b.c", "more than one" },
                { "a@b.c,", "more than one" },
                { "A <a@b.c>, B <d@e.f>", "more than one" },
                { "A <a@b.c> B", "more than one" },
                { "A <a@b.c>>", "more than one" },
                { "A <a@b.c, d@e.f>", "more than one" },
                { "a@b.c, D <d@e.f>", "more than one" },
                { "a@b.c <d@e.f>", "more than one" },
                { "A <<a@b.c>>", "more than one" },
                { "Team: a@b.c, d@e.f;", "group" },
                { "Team: A <a@b.c>;", "more than one" },
                { "Team: A <a@b.c>", "group" },
                { "Team:;", "group" },
                { "undisclosed recipients:;", "group" },
                { "<@x,@y:a@b.c>", "nothing before" },
                { "a@b.c (Ada)", "comment" },
                { "(x) a@b.c", "comment" },
                { "Ada (work) <a@b.c>", "comment" },
                { "a@b.c(", "comment" },
                { "A \\B <a@b.c>", "double quotes" },
                { "A > <a@b.c>", "double quotes" },
                { "A <a@b.c", "without its '>'" },
                { "A a@b.c>", "double quotes" },
                { "\"A <a@b.c>", "not closed" },
                { "\"A\\\" <a@b.c>", "not closed" },
                { "\"A\\", "not closed" },
                { "\"a\"b@c.d", "no '@'" },
                { ".a@b.c", "dot" },
                { "a.@b.c", "dot" },
                { "a..b@b.c", "dot" },
                { "a[b]@b.c", "double quotes" },
                { A60 "aaaaa@b.c", "64 bytes" },
                { "a@" L63 "a.c", "host name" },
                { "a@" D253 "a", "host name" },
                { "a@b..c", "host name" },
                { "a@.b", "host name" },
                { "a@b.", "host name" },
                { "a@-b.c", "host name" },
                { "a@b-.c", "host name" },
                { "a@b.c-", "host name" },
                { "a@b_c.d", "host name" },
                { "a@b c.d", "host name" },
                { "a@ b.c", "host name" },
                { "a@b/c", "host name" },
                { "a@[192.0.2.1]", "literal" },
                { "a@b\xc3\xbc..c", "host name" },
                { "a@\xe2\x80\x8d.c", "internationalised" }, /* a lone joiner */
                { "a@b\xc3\xbc c.d", "internationalised" },
                { "\xde\xa1@xn-----a.e-bc-k.a", "internationalised" },
                { "a@b.c\n", "control" },
                { "a@b.c\r\nBcc: d@e.f", "control" },
                { "A\r\n <a@b.c>", "control" },
                { "A\nB <a@b.c>", "control" },
                { "\"A\rB\" <a@b.c>", "control" },
                { "A\tB <a@b.c>", "control" },
                { "A\x7f <a@b.c>", "control" },
                { "A\xc2\x85 <a@b.c>", "control" },
                { "A\xc2\x9f <a@b.c>", "control" },
                { "A\xe2\x80\xa8 <a@b.c>", "control" },
                { "a\xe2\x80\xae@b.c", "direction" },
                { "\"a\xe2\x81\xa6\"@b.c", "direction" },
                { "A\xe2\x80\xa9 <a@b.c>", "control" },
                { "A\xff <a@b.c>", "UTF-8" },
                { "A\xc3 <a@b.c>", "UTF-8" },
                { "A\xc0\x8a <a@b.c>", "UTF-8" },
                { "A\xed\xa0\x80 <a@b.c>", "UTF-8" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct mailbox m = { 0 };
                const char *reason = NULL;

                if (mailbox_parse(cases[i].text, &m, &reason) != -EINVAL)
                        fail_msg("'%s' was taken", cases[i].text);
                if (!strstr(reason, cases[i].reason))
                        fail_msg("'%s': '%s' says nothing of '%s'", cases[i].text, reason,
                                 cases[i].reason);
                assert_null(m.name);
                assert_null(m.address);
        }
}

static void test_domain_follows_the_last_at(void **state) {
        _cleanup_(mailbox_done) struct mailbox m = { 0 };
        const char *reason;

        assert_int_equal(mailbox_parse("\"a@evil.example\"@good.example", &m, &reason), 0);
        assert_string_equal(mailbox_domain(&m), "good.example");
}

static void test_message_ids(void **state) {
        static const struct {
                const char *text, *id; /* NULL: refused */
        } cases[] = {
                { "<a@b>", "a@b" },
                { "a@b", "a@b" },
                { "<CA+x=y.z-1@mail.gmail.com>", "CA+x=y.z-1@mail.gmail.com" },
                { "<a@[b]>", "a@[b]" },
                { "", NULL },
                { "<>", NULL },
                { "a", NULL },
                { "@b", NULL },
                { "a@", NULL },
                { "a@b@c", NULL },
                { "<a@b", NULL },
                { "a@b>", NULL },
                { "<a@b> <c@d>", NULL },
                { "<a@b>,<c@d>", NULL },
                { "a b@c", NULL },
                { " a@b", NULL },
                { "a@b\r\nX: y", NULL },
                { "a@b\n", NULL },
                { "a@b\xc3\xbc", NULL },
                { "\"a\"@b", NULL },
        };
        char long_id[903 + 1];
        const char *reason;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *id = NULL;
                int r = message_id_parse(cases[i].text, &id, &reason);

                assert_int_equal(r, cases[i].id ? 0 : -EINVAL);
                if (cases[i].id)
                        assert_string_equal(id, cases[i].id);
        }

        for (size_t size = 900; size <= 901; size++) {
                _cleanup_(freep) char *id = NULL;

                memset(long_id, 'a', size);
                long_id[size] = 0;
                long_id[1] = '@';
                assert_int_equal(message_id_parse(long_id, &id, &reason),
                                 size == 900 ? 0 : -EINVAL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mailboxes),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_domain_follows_the_last_at),
                cmocka_unit_test(test_message_ids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
