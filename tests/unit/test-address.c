/* SPDX-License-Identifier: MIT */
/*
 * Where mail may go: public addresses, and what the configuration names.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "http/address.h"

static bool is_allowed(const char *text, uint16_t port, enum http_address_use use,
                       const struct http_address_rule *rule) {
        struct http_address_list listed = { .n = rule ? 1 : 0 };
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

        if (rule)
                listed.rules[0] = *rule;
        if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
                return http_address_is_allowed((struct sockaddr *)&v4, use, &listed);
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        return http_address_is_allowed((struct sockaddr *)&v6, use, &listed);
}

/* The edges of each block, from both sides. */
static void test_what_is_public(void **state) {
        static const char *const public[] = {
                "1.0.0.0",       "9.255.255.255",     "11.0.0.0",          "100.63.255.255",
                "100.128.0.0",   "126.255.255.255",   "128.0.0.0",         "169.253.255.255",
                "169.255.0.0",   "172.15.255.255",    "172.32.0.0",        "192.0.1.0",
                "192.0.3.0",     "192.88.98.255",     "192.88.100.0",      "192.167.255.255",
                "192.169.0.0",   "198.17.255.255",    "198.20.0.0",        "198.51.99.255",
                "198.51.101.0",  "203.0.112.255",     "203.0.114.0",       "223.255.255.255",
                "142.250.1.108", "2001:200::1",       "2001:db7:ffff::1",  "2001:db9::1",
                "2003::1",       "2607:f8b0::1",      "3ffe:ffff::1",      "3fff:1000::1",
                "2a00:1450::1",  "64:ff9b::8efa:16c", "64:ff9b::9ff:ffff",
        };
        static const char *const special[] = {
                "0.0.0.0",
                "0.255.255.255",
                "10.0.0.0",
                "10.255.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.255",
                "169.254.0.0",
                "169.254.169.254",
                "172.16.0.0",
                "172.31.255.255",
                "192.0.0.0",
                "192.0.2.255",
                "192.88.99.1",
                "192.168.0.0",
                "192.168.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.0",
                "239.255.255.255",
                "240.0.0.0",
                "255.255.255.255",
                "::",
                "::1",
                "::ffff:127.0.0.1",
                "::ffff:8.8.8.8",
                "64:ff9b::a00:1",
                "64:ff9b::7f00:1",
                "64:ff9b::a9fe:a9fe",
                "64:ff9b::1:808:808",
                "64:ff9b:1::808:808",
                "100::1",
                "2001::1",
                "2001:1ff::1",
                "2001:db8::1",
                "2002:a00:1::1",
                "3fff::1",
                "4000::1",
                "1fff::1",
                "fc00::1",
                "fd00:ec2::254",
                "fe80::1",
                "fec0::1",
                "ff02::1",
        };

        for (size_t i = 0; i < ELEMENTSOF(public); i++)
                if (!is_allowed(public[i], 465, HTTP_ADDRESS_MAIL, NULL))
                        fail_msg("%s", public[i]);
        for (size_t i = 0; i < ELEMENTSOF(special); i++)
                if (is_allowed(special[i], 465, HTTP_ADDRESS_WEB, NULL))
                        fail_msg("%s", special[i]);
}

static void test_ports(void **state) {
        static const struct {
                uint16_t port;
                bool allowed;
        } cases[] = { { 25, true },   { 465, true }, { 587, true },  { 2525, true },
                      { 0, false },   { 24, false }, { 26, false },  { 80, false },
                      { 443, false }, { 22, false }, { 993, false }, { 65535, false } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(is_allowed("8.8.8.8", cases[i].port, HTTP_ADDRESS_MAIL, NULL),
                                 cases[i].allowed);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_true(is_allowed("8.8.8.8", cases[i].port, HTTP_ADDRESS_WEB, NULL));
}

static void test_rules(void **state) {
        static const struct {
                const char *rule, *address;
                uint16_t port;
                bool allowed;
        } cases[] = {
                { "127.0.0.1", "127.0.0.1", 25, true },
                { "127.0.0.1", "127.0.0.1", 2526, false },
                { "127.0.0.1", "127.0.0.2", 25, false },
                { "127.0.0.1:2526", "127.0.0.1", 2526, true },
                { "127.0.0.1:2526", "127.0.0.1", 25, false },
                { "8.8.8.8:80", "8.8.8.8", 80, true },
                { "8.8.8.8:80", "8.8.8.8", 25, true },
                { "10.0.0.0/8", "10.255.255.255", 587, true },
                { "10.0.0.0/8", "11.0.0.0", 80, false },
                { "10.0.0.0/8:10025", "10.1.2.3", 10025, true },
                { "172.16.0.0/12", "172.31.255.255", 587, true },
                { "172.16.0.0/12", "172.32.0.0", 80, false },
                { "192.168.1.128/25", "192.168.1.127", 25, false },
                { "0.0.0.0/0", "127.0.0.1", 25, true },
                { "0.0.0.0/0", "::1", 25, false },
                { "[::1]", "::1", 25, true },
                { "[::1]:2525", "::1", 2525, true },
                { "[::1]:2526", "::1", 2525, false },
                { "[fd00::]/8", "fdff::1", 465, true },
                { "[fd00::]/8", "fc00::1", 465, false },
                { "[fd12:8000::]/17", "fd12:7fff::1", 465, false },
                { "[::]/0", "127.0.0.1", 25, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct http_address_rule rule;

                assert_int_equal(http_address_rule_parse(cases[i].rule, &rule), 0);
                if (is_allowed(cases[i].address, cases[i].port, HTTP_ADDRESS_MAIL, &rule) !=
                    cases[i].allowed)
                        fail_msg("%s: %s %d", cases[i].rule, cases[i].address, cases[i].port);
        }
}

/* A rule without a port stands for all that the use has. */
static void test_rules_for_the_web(void **state) {
        static const struct {
                const char *rule, *address;
                uint16_t port;
                bool allowed;
        } cases[] = {
                { "127.0.0.1", "127.0.0.1", 443, true },
                { "127.0.0.1", "127.0.0.1", 1, true },
                { "127.0.0.1", "127.0.0.2", 443, false },
                { "127.0.0.1:443", "127.0.0.1", 443, true },
                { "127.0.0.1:443", "127.0.0.1", 8443, false },
                { "10.0.0.0/8", "10.1.2.3", 8443, true },
                { "10.0.0.0/8:8443", "10.1.2.3", 443, false },
                { "[fd00::]/8", "fd12::1", 443, true },
                { "[fd00::]/8", "fc12::1", 443, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct http_address_rule rule;

                assert_int_equal(http_address_rule_parse(cases[i].rule, &rule), 0);
                if (is_allowed(cases[i].address, cases[i].port, HTTP_ADDRESS_WEB, &rule) !=
                    cases[i].allowed)
                        fail_msg("%s: %s %d", cases[i].rule, cases[i].address, cases[i].port);
        }
}

static void test_rules_that_are_none(void **state) {
        static const char *const texts[] = {
                "",
                " ",
                "localhost",
                "127.0.0",
                "127.0.0.1.1",
                "127.1",
                "0x7f.0.0.1",
                "127.0.0.1 ",
                "127.0.0.1:",
                "127.0.0.1:0",
                "127.0.0.1:65536",
                "127.0.0.1:+1",
                "127.0.0.1:025",
                "127.0.0.1/",
                "127.0.0.1/33",
                "10.0.0.1/8",
                "10.0.0.0/08",
                "10.0.0.0/-1",
                "10.0.0.0/8/8",
                "10.0.0.0:25/8",
                "10.0.0.0/8:25:25",
                "::1",
                "[::1",
                "[::1]x",
                "[::1]/129",
                "[fd00::1]/8",
                "[127.0.0.1]",
                "[]",
                "[fe80::1%lo]",
                "*",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct http_address_rule rule;

                if (http_address_rule_parse(texts[i], &rule) != -EINVAL)
                        fail_msg("'%s'", texts[i]);
        }
}

static void test_other_families(void **state) {
        const struct sockaddr local = { .sa_family = AF_UNIX };

        assert_false(http_address_is_allowed(&local, HTTP_ADDRESS_WEB,
                                             &(struct http_address_list){ 0 }));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_public),
                cmocka_unit_test(test_ports),
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_rules_for_the_web),
                cmocka_unit_test(test_rules_that_are_none),
                cmocka_unit_test(test_other_families),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
