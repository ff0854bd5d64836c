/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "http/http.h"

static const char *const plain[] = {
        "127.0.0.1:4100",
        "127.1.2.3:80",
        "[::1]:4100",
        "10.0.0.1:4100", /* listed, and still no loopback address */
        "localhost:4100",
        "[::ffff:127.0.0.1]:4100",
        NULL,
};

/* clang-format off */
static const struct {
        const char *url;
        int expected;
} cases[] = {
        { "https://gmail.googleapis.com/gmail/v1/users/me/messages/send", 0 },
        { "https://api.example", 0 },
        { "https://api.example?q=1", 0 },
        { "https://api.example/?q=a@b&r=/../x", 0 },
        { "https://api.example:8443/a", 0 },
        { "https://API.example/users/me@example.com/%2e%2fx", 0 },
        { "HTTPS://api.example/", 0 },
        { "https://127.0.0.1:4100/", 0 },
        { "https://[::1]:4100/", 0 },
        { "http://127.0.0.1:4100/a?b", 0 },
        { "http://127.0.0.1:4100", 0 },
        { "http://127.1.2.3/", 0 },
        { "http://127.1.2.3:80/", 0 },
        { "http://[::1]:4100/", 0 },

        /* Other schemes. */
        { "file:///etc/passwd", -EPERM },
        { "gopher://api.example/", -EPERM },
        { "dict://api.example/", -EPERM },
        { "smb://api.example/a", -EPERM },
        { "ftp://127.0.0.1:4100/", -EPERM },
        { "ws://127.0.0.1:4100/", -EPERM },
        { "javascript://api.example/", -EPERM },

        /* Plain, and not to what is listed. */
        { "http://api.example/", -EPERM },
        { "http://127.0.0.1/", -EPERM },
        { "http://127.0.0.1:4101/", -EPERM },
        { "http://127.0.0.1:41000/", -EPERM },
        { "http://127.0.0.1:04100/", -EPERM },
        { "http://127.0.0.2:4100/", -EPERM },
        { "http://127.1.2.3:/", -EPERM },
        { "http://10.0.0.1:4100/", -EPERM },
        { "http://localhost:4100/", -EPERM },
        { "http://localhost.:4100/", -EPERM },
        { "http://127.0.0.1.:4100/", -EPERM },
        { "http://[::ffff:127.0.0.1]:4100/", -EPERM },
        { "http://[0:0:0:0:0:0:0:1]:4100/", -EPERM },
        { "http://[::]:4100/", -EPERM },
        { "http://[::1%25lo]:4100/", -EPERM },
        { "http://0.0.0.0:4100/", -EPERM },
        { "http://0x7f.1:4100/", -EPERM },
        { "http://0x7f000001:4100/", -EPERM },
        { "http://2130706433:4100/", -EPERM },
        { "http://0177.0.0.1:4100/", -EPERM },
        { "http://127.1:4100/", -EPERM },
        { "http://127.0.0.01:4100/", -EPERM },
        { "http://169.254.169.254/latest/meta-data/", -EPERM },
        { "http://%3127.0.0.1:4100/", -EPERM },

        /* Other than it looks. */
        { "https://user@api.example/", -EPERM },
        { "https://user:password@api.example/", -EPERM },
        { "https://@api.example/", -EPERM },
        { "https://:@api.example/", -EPERM },
        { "https://api.example@evil.example/", -EPERM },
        { "http://127.0.0.1:4100@evil.example/", -EPERM },
        { "http://evil.example@127.0.0.1:4100/", -EPERM },
        { "https://evil.example#@api.example/", -EPERM },
        { "https://api.example/#fragment", -EPERM },
        { "https://api.example/?a#", -EPERM },
        { "https:/api.example/", -EPERM },
        { "https:///api.example/", -EPERM },
        { "https://0x7f.1/", -EPERM },
        { "https://2130706433/", -EPERM },
        { "https://api%2eexample/", -EPERM },
        { "https://api.example:/", -EPERM },
        { "https://api.example:0443/", -EPERM },
        { "https://api.example:0/", -EPERM },
        { "https://api.example/a/../b", -EPERM },
        { "https://api.example/./a", -EPERM },
        { "https://api.example/..", -EPERM },

        /* No URL. */
        { "", -EINVAL },
        { "/", -EINVAL },
        { "api.example/", -EINVAL },
        { "//api.example/", -EINVAL },
        { "https://", -EINVAL },
        { "https:///", -EINVAL },
        { "https://?a", -EINVAL },
        { "https://:443/", -EINVAL },
        { "https://api.example:65536/", -EINVAL },
        { "https://api.example:-1/", -EINVAL },
        { "https://api.example:http/", -EINVAL },
        { "https://[::1/", -EINVAL },
        { "https://[api.example]/", -EINVAL },
        { "https://api.example\\@evil.example/", -EINVAL },
        { "https:\\\\api.example/", -EINVAL },
        { "https://api.example/a b", -EINVAL },
        { " https://api.example/", -EINVAL },
        { "https://api.example/\r\nHost: evil.example", -EINVAL },
        { "https://api.example/\n", -EINVAL },
        { "https://api.example/\t", -EINVAL },
        { "https://api.example/\x7f", -EINVAL },
        { "https://api.example/\x01", -EINVAL },
        { "https://b\xc3\xbc" "cher.example/", -EINVAL },
        { "https://\xef\xbd\x81pi.example/", -EINVAL },
        { "https://api.example/\xff", -EINVAL },
        { "https://api.example/{a}", -EINVAL },
};
/* clang-format on */

static void test_where_the_client_goes(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = http_url_check(cases[i].url, plain);

                if (r != cases[i].expected)
                        fail_msg("'%s': %d", cases[i].url, r);
        }
}

/* All that is wrong with a URL is wrong there, too, but for where plain HTTP may go. */
static void test_over_a_unix_socket(void **state) {
        static const char *const good[] = { "http://vault", "http://vault:1/base",
                                            "https://a.example", "http://10.0.0.1:4100/",
                                            "http://localhost:4100/" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_int_equal(http_url_check_local(good[i]), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (cases[i].expected != -EPERM)
                        assert_int_equal(http_url_check_local(cases[i].url), cases[i].expected);
        assert_int_equal(http_url_check_local("http://user@vault/"), -EPERM);
        assert_int_equal(http_url_check_local("ftp://vault/"), -EPERM);
        assert_int_equal(http_url_check_local("http://vault/a/../b"), -EPERM);
        assert_int_equal(http_url_check_local("http://vault/#a"), -EPERM);
}

static void test_nothing_is_plain_unless_listed(void **state) {
        static const char *const none[] = { NULL };

        assert_int_equal(http_url_check("http://127.0.0.1:4100/", NULL), -EPERM);
        assert_int_equal(http_url_check("http://127.0.0.1:4100/", none), -EPERM);
        assert_int_equal(http_url_check("https://api.example/", NULL), 0);
}

static void test_length_has_a_limit(void **state) {
        char url[8192 + 2] = "https://api.example/";

        memset(url + strlen(url), 'a', sizeof(url) - 1 - strlen(url));
        assert_int_equal(http_url_check(url, NULL), -EINVAL);
        url[8192] = 0;
        assert_int_equal(http_url_check(url, NULL), 0);
}

static void test_header_values(void **state) {
        static const struct {
                const char *value;
                int expected;
        } values[] = {
                { "application/json", 0 },
                { "", 0 },
                { "a\tb", 0 },
                { "caf\xc3\xa9", 0 },
                { "a\rb", -EINVAL },
                { "a\nb", -EINVAL },
                { "a\r\nBcc: b", -EINVAL },
                { "a\x1b[31m", -EINVAL },
                { "\x7f", -EINVAL },
        };
        struct http_request q = { 0 };
        char long_value[8192 + 2];

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                assert_int_equal(http_request_header(&q, "X-A", values[i].value),
                                 values[i].expected);
        assert_int_equal(q.n_headers, 4);

        memset(long_value, 'a', sizeof(long_value) - 1);
        long_value[sizeof(long_value) - 1] = 0;
        assert_int_equal(http_request_header(&q, "X-A", long_value), -E2BIG);
        long_value[8192] = 0;
        assert_int_equal(http_request_header(&q, "X-A", long_value), 0);
        http_request_done(&q);
        assert_int_equal(q.n_headers, 0);
}

static void test_headers_have_a_limit(void **state) {
        struct http_request q = { 0 };

        for (size_t i = 0; i < HTTP_MAX_HEADERS; i++)
                assert_int_equal(http_request_header(&q, "X-A", "b"), 0);
        assert_int_equal(http_request_header(&q, "X-A", "b"), -E2BIG);
        assert_int_equal(q.n_headers, HTTP_MAX_HEADERS);
        http_request_done(&q);
}

static void test_secret_headers(void **state) {
        _cleanup_(http_request_done) struct http_request q = { 0 };
        static const struct {
                const char *value;
                size_t size;
                int result;
        } values[] = {
                { "s.abc", 5, 0 },
                { "s.a\nb", 5, -EINVAL },
                { "s.a\0b", 5, -EINVAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                _cleanup_(secret_freep) struct secret *value = NULL;

                assert_int_equal(secret_new(values[i].value, values[i].size, &value), 0);
                assert_int_equal(http_request_secret_header(&q, "X-Key", value), values[i].result);
        }
        assert_int_equal(http_request_header(&q, "X-Open", "1"), 0);
        assert_int_equal(q.n_headers, 2);
        assert_string_equal(q.headers[0].value, "s.abc");
        assert_true(q.headers[0].secret);
        assert_false(q.headers[1].secret);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_where_the_client_goes),
                cmocka_unit_test(test_over_a_unix_socket),
                cmocka_unit_test(test_nothing_is_plain_unless_listed),
                cmocka_unit_test(test_length_has_a_limit),
                cmocka_unit_test(test_header_values),
                cmocka_unit_test(test_headers_have_a_limit),
                cmocka_unit_test(test_secret_headers),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
