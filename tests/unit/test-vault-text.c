/* SPDX-License-Identifier: MIT */
/*
 * What the vaults behind HTTP are asked, and what their answers are taken for, as text.
 */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/escape.h"
#include "vault/kv2-text.h"
#include "vault/wire.h"

static const struct record_id id = { "u1", "gmail", "default" };

/* clang-format off */
static const struct {
        const char *text, *query, *segment;
} names[] = {
        { "u1",                "u1",                      "u1"                                },
        { "A-z_0.9~",          "A-z_0.9~",                "A-z_0.9%257E"                      },
        { "u1@example.com",    "u1%40example.com",        "u1@example.com"                    },
        { "a+b c",             "a%2Bb%20c",               "a+b%2520c"                         },
        { "/",                 "%2F",                     "%252F"                             },
        { "//",                "%2F%2F",                  "%252F%252F"                        },
        { ".",                 ".",                       "%252E"                             },
        { "..",                "..",                      "%252E%252E"                        },
        { "...",               "...",                     "%252E%252E%252E"                   },
        { "a..b.",             "a..b.",                   "a.%252Eb."                         },
        { "../u1",             "..%2Fu1",                 "%252E%252E%252Fu1"                 },
        { "%2f",               "%252f",                   "%25252f"                           },
        { "%2F",               "%252F",                   "%25252F"                           },
        { "%2e%2e%2fu1",       "%252e%252e%252fu1",       "%25252e%25252e%25252fu1"           },
        { "a/gmail/default",   "a%2Fgmail%2Fdefault",     "a%252Fgmail%252Fdefault"           },
        { "a?b#c&d=e;f",       "a%3Fb%23c%26d%3De%3Bf",   "a%253Fb%2523c%2526d%253De%253Bf"   },
        { "a\\b\"'",           "a%5Cb%22%27",             "a%255Cb%2522%2527"                 },
        { "\n\x7f",            "%0A%7F",                  "%250A%257F"                        },
        { "\xc3\xbc",          "%C3%BC",                  "%25C3%25BC"                        },
};
/* clang-format on */

static void test_names_in_urls(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(buffer_done) struct buffer query = { 0 }, segment = { 0 };

                escape_query(names[i].text, &query);
                assert_string_equal(query.data, names[i].query);
                escape_segment(names[i].text, &segment);
                assert_string_equal(segment.data, names[i].segment);
        }
}

/* As a server has it: unescaped once, and then taken apart. */
static void unescape(const char *from, char *to) {
        for (unsigned c; *from; *to++ = (char)c)
                if (*from == '%') {
                        assert_int_equal(sscanf(from + 1, "%2x", &c), 1);
                        from += 3;
                } else
                        c = (unsigned char)*from++;
        *to = 0;
}

static void test_names_in_the_store(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char stored[128], again[128];

                unescape(names[i].segment, stored);
                assert_null(strchr(stored, '/'));
                assert_null(strstr(stored, ".."));
                assert_int_not_equal(stored[0], '.');
                assert_int_equal(escape_undo(stored, strlen(stored), again, sizeof(again)), 0);
                assert_string_equal(again, names[i].text);
                assert_int_equal(escape_undo(stored, strlen(stored), again, strlen(names[i].text)),
                                 -EINVAL);
        }
}

/* Two names for one user would be two records of one user. */
static void test_names_that_nobody_writes(void **state) {
        static const char *const cases[] = { "a/b", "..",  ".",   "a b",  "%",   "%2",
                                             "a%2", "%2f", "%61", "%2D",  "%00", "a%2E",
                                             "%zz", "%+1", "\n",  "a\xfc" };
        char name[16];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(escape_undo(cases[i], strlen(cases[i]), name, sizeof(name)),
                                 -EINVAL);
}

static void test_paths(void **state) {
        static const struct {
                struct record_id id;
                const char *path;
        } cases[] = {
                { { "u1", "gmail", "default" }, "/v1/kv/a/data/p/u1/gmail/default" },
                { { "../..", "gmail", ".a..b" },
                  "/v1/kv/a/data/p/%252E%252E%252F.%252E/gmail/%252Ea.%252Eb" },
                { { "u1", "gmail" }, "/v1/kv/a/data/p/u1/gmail/" },
                { { "u1" }, "/v1/kv/a/data/p/u1/" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer path = { 0 };

                kv2_print_path("kv/a", "data", "p", &cases[i].id, &path);
                assert_string_equal(path.data, cases[i].path);
        }
}

static void test_a_write(void **state) {
        static const char text[] =
                        "{\"access_token\":\"a\\\"t\",\"refresh_token\":\"rt\",\"scopes\":"
                        "[\"a\"],\"expires_in\":60}";
        const struct record_id other = { "\"\n", "gmail", "default" };
        _cleanup_(record_done) struct record record = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer written = { 0 };

        assert_int_equal(record_parse(&(struct json_slice){ text, strlen(text), JSON_OBJECT },
                                      1000 * USEC_PER_SEC, &record, &error),
                         0);
        kv2_print_write(&record, &other, 7, NULL, &written);
        assert_string_equal(written.data,
                            "{\"options\":{\"cas\":7},\"data\":{\"user_id\":\"\\\"\\n\","
                            "\"platform\":\"gmail\",\"account\":\"default\",\"access_token\":"
                            "\"a\\\"t\",\"refresh_token\":\"rt\",\"expires_at\":"
                            "\"1970-01-01T00:17:40Z\",\"scopes\":[\"a\"]}}");
}

static void test_a_claim(void **state) {
        static const struct {
                const char *data, *engine;
                uint64_t until_sec;
        } cases[] = {
                { "{}", "", 0 },
                { "{\"renewing\":null}", "", 0 },
                { "{\"renewing\":[]}", "", 0 },
                { "{\"renewing\":\"e\"}", "", 0 },
                { "{\"renewing\":{}}", "", 0 },
                { "{\"renewing\":{\"engine\":\"e\"}}", "", 0 },
                { "{\"renewing\":{\"engine\":1,\"until\":\"1970-01-01T00:16:40Z\"}}", "", 0 },
                { "{\"renewing\":{\"engine\":\"e\",\"until\":1000}}", "", 0 },
                { "{\"renewing\":{\"engine\":\"e\",\"until\":\"soon\"}}", "", 0 },
                { "{\"renewing\":{\"engine\":\"e\",\"until\":\"1970-01-01T00:16:40Z\"}}", "e",
                  1000 },
                { "{\"renewing\":{\"engine\":\"0123456789abcdef0123456789abcdef\",\"until\":"
                  "\"1970-01-01T00:16:40Z\"}}",
                  "0123456789abcdef0123456789abcdef", 1000 },
                { "{\"renewing\":{\"engine\":\"0123456789abcdef0123456789abcdefX\",\"until\":"
                  "\"1970-01-01T00:16:40Z\"}}",
                  "", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct json_slice data = { cases[i].data, strlen(cases[i].data),
                                                 JSON_OBJECT };
                struct kv2_claim claim = { .engine = "?", .until_usec = 7 };

                assert_int_equal(kv2_read_claim(&data, &claim), 0);
                assert_string_equal(claim.engine, cases[i].engine);
                assert_int_equal(claim.until_usec, cases[i].until_sec * USEC_PER_SEC);
        }
}

/* It stands in the record, and nowhere else: who knows nothing of it reads the record. */
static void test_a_claim_is_written(void **state) {
        static const struct kv2_claim claim = { "e1", 1000 * USEC_PER_SEC };
        _cleanup_(record_done) struct record record = { 0 }, again = { 0 };
        _cleanup_(buffer_done) struct buffer written = { 0 };
        struct kv2_claim found;
        struct json_envelope e;
        struct json_fault fault;
        const struct json_slice *data;

        assert_int_equal(secret_new("at", 2, &record.access_token), 0);
        kv2_print_write(&record, &id, 0, &claim, &written);
        assert_int_equal(json_scan(written.data, written.size, &e, &fault), 0);
        data = json_envelope_find(&e, "data");
        assert_non_null(data);
        assert_int_equal(kv2_read_claim(data, &found), 0);
        assert_string_equal(found.engine, "e1");
        assert_int_equal(found.until_usec, claim.until_usec);
        assert_int_equal(record_read(data, &id, &again), 0);
}

#define OWNER "\"user_id\":\"u1\",\"platform\":\"gmail\",\"account\":\"default\""
#define TOKEN "\"access_token\":\"at\""

/* clang-format off */
static const struct {
        const char *text;
        int result;
        uint64_t expires_at_sec;
} records[] = {
        { "{" TOKEN "}",                                                        0, 0 },
        { "{" TOKEN "," OWNER "}",                                              0, 0 },
        { "{" TOKEN ",\"refresh_token\":null,\"scopes\":null}",                 0, 0 },
        { "{" TOKEN ",\"created_by\":{\"id\":[1]},\"custom\":7}",               0, 0 },
        { "{" TOKEN ",\"expires_at\":null,\"user_id\":null}",                   0, 0 },
        { "{" TOKEN ",\"expires_at\":\"1970-01-01T00:16:40Z\"}",                0, 1000 },
        { "{" TOKEN ",\"expires_at\":1000}",                                    0, 1000 },
        { "{" TOKEN ",\"expires_in\":\"whatever\"}",                            0, 0 },
        { "{" TOKEN ",\"user_id\":\"u2\"}",                                     -EREMCHG, 0 },
        { "{\"user_id\":\"u2\"}",                                               -EREMCHG, 0 },
        { "{" TOKEN ",\"user_id\":1}",                                          -EREMCHG, 0 },
        { "{" TOKEN ",\"user_id\":\"U1\"}",                                     -EREMCHG, 0 },
        { "{" TOKEN ",\"platform\":\"gmai\"}",                                  -EREMCHG, 0 },
        { "{" TOKEN ",\"account\":\"\"}",                                       -EREMCHG, 0 },
        { "",                                                                   -EBADMSG, 0 },
        { "{}",                                                                 -EBADMSG, 0 },
        { "[]",                                                                 -EBADMSG, 0 },
        { "null",                                                               -EBADMSG, 0 },
        { "{" TOKEN,                                                            -EBADMSG, 0 },
        { "{" TOKEN "," TOKEN "}",                                              -EBADMSG, 0 },
        { "{" TOKEN "} ,",                                                      -EBADMSG, 0 },
        { "{" OWNER "}",                                                        -EBADMSG, 0 },
        { "{\"Access_token\":\"at\"}",                                          -EBADMSG, 0 },
        { "{\"access_token\":null}",                                            -EBADMSG, 0 },
        { "{\"access_token\":\"\"}",                                            -EBADMSG, 0 },
        { "{\"access_token\":[\"at\"]}",                                        -EBADMSG, 0 },
        { "{\"access_token\":\"a\\nb\"}",                                       -EBADMSG, 0 },
        { "{\"access_token\":\"\\u00fc\"}",                                     -EBADMSG, 0 },
        { "{" TOKEN ",\"refresh_token\":7}",                                    -EBADMSG, 0 },
        { "{" TOKEN ",\"expires_at\":\"soon\"}",                                -EBADMSG, 0 },
        { "{" TOKEN ",\"expires_at\":-1}",                                      -EBADMSG, 0 },
        { "{" TOKEN ",\"expires_at\":1.5}",                                     -EBADMSG, 0 },
        { "{" TOKEN ",\"expires_at\":1e9}",                                     -EBADMSG, 0 },
        { "{" TOKEN ",\"expires_at\":253402300800}",                            -EBADMSG, 0 },
        { "{" TOKEN ",\"scopes\":\"a b\"}",                                     -EBADMSG, 0 },
        { "{" TOKEN ",\"scopes\":[\"a b\"]}",                                   -EBADMSG, 0 },
        { "{" TOKEN ",\"scopes\":[1]}",                                         -EBADMSG, 0 },
};
/* clang-format on */

static int read_record(const char *text, struct record *ret) {
        return record_read(&(struct json_slice){ .text = text, .size = strlen(text) }, &id, ret);
}

static void test_records(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(records); i++) {
                _cleanup_(record_done) struct record record = { 0 };

                if (read_record(records[i].text, &record) != records[i].result)
                        fail_msg("%s", records[i].text);
                if (records[i].result < 0)
                        assert_null(record.access_token);
                else
                        assert_string_equal(record.access_token->data, "at");
                assert_int_equal(record.expires_at_usec, records[i].expires_at_sec * USEC_PER_SEC);
        }
}

/* The owner may not hide behind more members than are looked at. */
static void test_members_have_a_limit(void **state) {
        for (int n = JSON_ENVELOPE_MAX - 2; n <= JSON_ENVELOPE_MAX; n++) {
                _cleanup_(record_done) struct record record = { 0 };
                _cleanup_(buffer_done) struct buffer text = { 0 };

                buffer_puts(&text, "{" TOKEN);
                for (int i = 2; i < n; i++)
                        buffer_printf(&text, ",\"m%d\":0", i);
                buffer_puts(&text, ",\"user_id\":\"u2\"}");
                assert_int_equal(read_record(text.data, &record),
                                 n < JSON_ENVELOPE_MAX ? -EREMCHG : -EBADMSG);
        }
}

#define META(version) "\"metadata\":{\"version\":" version ",\"destroyed\":false}"

/* clang-format off */
static const struct {
        int status;
        const char *body;
        int result;
        int64_t version;
        const char *data; /* NULL: none */
} versions[] = {
        { 200, "{\"data\":{\"data\":{\"a\":1}," META("3") "}}",                  0, 3, "{\"a\":1}" },
        { 200, "{\"auth\":null,\"data\":{" META("1") ",\"data\":{}}}",           0, 1, "{}" },
        { 404, "{\"data\":{\"data\":null," META("2") "}}",                       0, 2, NULL },
        { 404, "{\"data\":{" META("2") "}}",                                     0, 2, NULL },
        { 404, "{\"errors\":[]}",                                                0, 0, NULL },
        { 404, "{\"errors\":[ ],\"data\":null}",                                 0, 0, NULL },
        { 404, "{\"errors\":[\"no handler for route\"]}",                        -EBADMSG, 0, NULL },
        { 404, "{\"errors\":null}",                                              -EBADMSG, 0, NULL },
        { 404, "{}",                                                             -EBADMSG, 0, NULL },
        { 404, "",                                                               -EBADMSG, 0, NULL },
        { 404, "<html>",                                                         -EBADMSG, 0, NULL },
        { 404, "{\"data\":{\"data\":{\"a\":1}," META("2") "}}",                  -EBADMSG, 0, NULL },
        { 200, "{\"errors\":[]}",                                                -EBADMSG, 0, NULL },
        { 200, "{\"data\":null}",                                                -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":null," META("2") "}}",                       -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":[]," META("2") "}}",                         -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{}}}",                                       -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{},\"metadata\":null}}",                     -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{},\"metadata\":{}}}",                       -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{}," META("0") "}}",                         -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{}," META("-1") "}}",                        -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{}," META("1.5") "}}",                       -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{}," META("\"1\"") "}}",                     -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{}," META("9007199254740993") "}}",          -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"access_token\":\"of version 1\"}}",                 -EBADMSG, 0, NULL },
        { 200, "[]",                                                             -EBADMSG, 0, NULL },
        { 200, "{\"data\":{\"data\":{}," META("1") "}",                          -EBADMSG, 0, NULL },
};
/* clang-format on */

static void test_versions(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(versions); i++) {
                const char *body = versions[i].body, *data = versions[i].data;
                struct kv2_version v = { 0 };

                if (kv2_read_version(versions[i].status, body, strlen(body), &v) !=
                    versions[i].result)
                        fail_msg("%d %s", versions[i].status, body);
                assert_int_equal(v.version, versions[i].version);
                assert_int_equal(v.data.size, data ? strlen(data) : 0);
                if (data)
                        assert_memory_equal(v.data.text, data, strlen(data));
        }
}

static void test_mismatch(void **state) {
        static const char yes[] =
                        "{\"errors\":[\"check-and-set parameter did not match the current "
                        "version\"]}";
        static const char no[] =
                        "{\"errors\":[\"check-and-set parameter required for this call\"]}";

        assert_true(kv2_is_mismatch(yes, strlen(yes)));
        assert_false(kv2_is_mismatch(no, strlen(no)));
        assert_false(kv2_is_mismatch("", 0));
}

/* clang-format off */
static const struct {
        int (*read)(const char *body, size_t size, struct kv2_lease *ret);
        const char *body;
        int result;
        const char *token; /* NULL: none */
        uint64_t seconds;
        bool renewable;
} leases[] = {
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"s.1\",\"lease_duration\":60,\"renewable\":true}}", 0, "s.1", 60, true },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"s.1\",\"lease_duration\":0}}",   0, "s.1", 0, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"\",\"lease_duration\":9}}",      0, NULL, 9, false },
        { kv2_read_auth, "{\"auth\":{\"lease_duration\":9}}",                            0, NULL, 9, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"s.1\"}}",                        -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":1,\"lease_duration\":9}}",         -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"a\\nb\",\"lease_duration\":9}}", -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"s\",\"lease_duration\":-1}}",    -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"s\",\"lease_duration\":\"9\"}}", -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"s\",\"lease_duration\":99999999999}}", -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"auth\":{\"client_token\":\"s\",\"lease_duration\":9,\"renewable\":1}}", -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"auth\":null}",                                              -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "{\"data\":{\"ttl\":9}}",                                       -EBADMSG, NULL, 0, false },
        { kv2_read_auth, "",                                                             -EBADMSG, NULL, 0, false },
        { kv2_read_lookup, "{\"data\":{\"ttl\":9,\"renewable\":true,\"id\":\"s.1\"}}",   0, NULL, 9, true },
        { kv2_read_lookup, "{\"data\":{\"ttl\":0,\"renewable\":false}}",                 0, NULL, 0, false },
        { kv2_read_lookup, "{\"data\":{\"renewable\":false}}",                           -EBADMSG, NULL, 0, false },
        { kv2_read_lookup, "{\"auth\":{\"lease_duration\":9}}",                          -EBADMSG, NULL, 0, false },
        { kv2_read_lookup, "{\"data\":[]}",                                              -EBADMSG, NULL, 0, false },
        { kv2_read_lookup, "{\"data\":{\"ttl\":9}",                                      -EBADMSG, NULL, 0, false },
};
/* clang-format on */

static void test_leases(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(leases); i++) {
                struct kv2_lease lease = { 0 };

                if (leases[i].read(leases[i].body, strlen(leases[i].body), &lease) !=
                    leases[i].result)
                        fail_msg("%s", leases[i].body);
                assert_int_equal(lease.seconds, leases[i].seconds);
                assert_int_equal(lease.renewable, leases[i].renewable);
                assert_int_equal(lease.token != NULL, leases[i].token != NULL);
                if (lease.token)
                        assert_string_equal(lease.token->data, leases[i].token);
                secret_free(lease.token);
        }
}

static void test_keys(void **state) {
        static const char good[] = "{\"data\":{\"keys\":[\"gmail/\",\"a\"]}}";
        static const char *const bad[] = { "{\"data\":{}}",
                                           "{\"data\":{\"keys\":{}}}",
                                           "{\"data\":{\"keys\":[1]}}",
                                           "{\"keys\":[]}",
                                           "[]",
                                           "" };
        _cleanup_(buffer_done) struct buffer many = { 0 };
        cJSON *keys = NULL;

        assert_int_equal(kv2_read_keys(good, strlen(good), &keys), 0);
        assert_int_equal(cJSON_GetArraySize(keys), 2);
        cJSON_Delete(keys);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(kv2_read_keys(bad[i], strlen(bad[i]), &keys), -EBADMSG);

        buffer_puts(&many, "{\"data\":{\"keys\":[\"k\"");
        for (int i = 0; i < 256; i++)
                buffer_puts(&many, ",\"k\"");
        buffer_puts(&many, "]}}");
        assert_int_equal(kv2_read_keys(many.data, many.size, &keys), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_in_urls),
                cmocka_unit_test(test_names_in_the_store),
                cmocka_unit_test(test_names_that_nobody_writes),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_a_claim),
                cmocka_unit_test(test_a_claim_is_written),
                cmocka_unit_test(test_a_write),
                cmocka_unit_test(test_records),
                cmocka_unit_test(test_members_have_a_limit),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_mismatch),
                cmocka_unit_test(test_leases),
                cmocka_unit_test(test_keys),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
