/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/settings.h"

static int load(const char *text, struct settings *s, char error[static CONFIG_ERROR_SIZE]) {
        char path[] = "/tmp/test-settings-XXXXXX";
        int fd = mkstemp(path), r;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        fd_close(fd);
        r = settings_load(s, path, error);
        unlink(path);
        return r;
}

static void test_defaults(void **state) {
        _cleanup_(settings_done) struct settings s = { 0 };
        char error[CONFIG_ERROR_SIZE];

        assert_int_equal(load("", &s, error), 0);
        assert_int_equal(s.max_message_bytes, 32 << 20);
        assert_int_equal(s.max_in_flight_per_connection, 64);
        assert_string_equal(s.key_directory, CONFIG_ADMIN_DIR "/keys.d");
        assert_string_equal(s.revocation_file, CONFIG_ADMIN_DIR "/revoked");
        assert_false(s.revocation_file_required);
        assert_string_equal(s.vault_socket, "/run/action-engine/vault.sock");
        assert_int_equal(s.reconcile_usec, 60 * USEC_PER_SEC);
        assert_int_equal(s.vault_backend, VAULT_EMBEDDED);
        assert_null(s.plain_http[0]);
        assert_int_equal(s.log_target, JOURNAL_AUTO);
}

static void test_everything_set(void **state) {
        static const char text[] =
                        "[Engine]\nMaxMessageBytes=64M\nLogLevel=debug\nLogTarget=stderr\n"
                        "RequestTimeoutSec=0.5\nMaxBytesPerUser=64M\n"
                        "[Tokens]\nKeyDirectory=/keys\nRevocationFile=/gone\n"
                        "[Http]\nPlainHttp=127.0.0.1:80 [::1]:8080\n"
                        "PlainHttp=127.0.0.1:4100\nTotalTimeoutSec=2min\n"
                        "[Smtp]\nAllowAddress=10.0.0.0/8\nAllowAddress=127.0.0.1:25 [::1]\n"
                        "[Adapter gmail]\nBaseUrl=https://a.example\n"
                        "BaseUrl=http://127.0.0.1:4100\n"
                        "[Adapter notion]\nBaseUrl=https://b.example\n";
        _cleanup_(settings_done) struct settings s = { 0 };
        char error[CONFIG_ERROR_SIZE];

        assert_int_equal(load(text, &s, error), 0);
        assert_int_equal(s.max_message_bytes, 64 << 20);
        assert_int_equal(s.log_level, LOG_DEBUG);
        assert_int_equal(s.log_target, JOURNAL_STDERR);
        assert_int_equal(s.request_timeout_usec, USEC_PER_SEC / 2);
        assert_int_equal(s.total_timeout_usec, 120 * USEC_PER_SEC);
        assert_string_equal(s.key_directory, "/keys");
        assert_string_equal(s.revocation_file, "/gone");
        assert_true(s.revocation_file_required);
        assert_string_equal(s.plain_http[0], "127.0.0.1:4100"); /* a later list replaces */
        assert_null(s.plain_http[1]);
        assert_int_equal(s.mail_addresses.n, 2);
        assert_int_equal(s.mail_addresses.rules[0].port, 25);
        assert_int_equal(s.mail_addresses.rules[1].prefix, 128);
        assert_int_equal(s.n_adapters, 2);
        assert_string_equal(s.adapters[0].platform, "gmail");
        assert_string_equal(s.adapters[0].base_url, "http://127.0.0.1:4100");
}

#define KV2 "[Vault]\nBackend=kv2\nUrl=https://a.example\n"
#define PURAIFI "[Vault]\nBackend=puraifi\nUrl=https://a.example\n"

static void test_vaults(void **state) {
        _cleanup_(settings_done) struct settings kv2 = { 0 }, puraifi = { 0 };
        char error[CONFIG_ERROR_SIZE];

        assert_int_equal(load(KV2 "Auth=approle\nMount=team/kv/\nPrefix=\nNamespace=a/b/\n"
                                  "Url=http://127.0.0.1:8200/base/\n[Http]\n"
                                  "PlainHttp=127.0.0.1:8200\n",
                              &kv2, error),
                         0);
        assert_int_equal(kv2.vault_backend, VAULT_KV2);
        assert_int_equal(kv2.vault_auth, VAULT_AUTH_APPROLE);
        assert_string_equal(kv2.vault_url, "http://127.0.0.1:8200/base/");
        assert_string_equal(kv2.vault_mount, "team/kv");
        assert_string_equal(kv2.vault_prefix, "action-engine");
        assert_string_equal(kv2.vault_namespace, "a/b");

        assert_int_equal(load(PURAIFI "EngineId=engine-1\nMount=secret\nUrl=http://vault/base\n"
                                      "UnixSocket=/run/vault.sock\n",
                              &puraifi, error),
                         0);
        assert_string_equal(puraifi.vault_unix_socket, "/run/vault.sock");
        assert_int_equal(puraifi.vault_backend, VAULT_PURAIFI);
        assert_string_equal(puraifi.vault_engine_id, "engine-1");
}

#define CONTROL "[EngineControl]\nUrl=https://a.example\n"

static void test_engine_control(void **state) {
        _cleanup_(settings_done) struct settings tls = { 0 }, local = { 0 }, none = { 0 };
        char error[CONFIG_ERROR_SIZE];

        assert_int_equal(load(CONTROL "EngineId=engine-1\nTimeoutSec=3\n", &tls, error), 0);
        assert_string_equal(tls.control_url, "https://a.example");
        assert_string_equal(tls.control_engine_id, "engine-1");
        assert_int_equal(tls.control_timeout_usec, 3 * USEC_PER_SEC);

        assert_int_equal(load(CONTROL "EngineId=e\nUrl=http://control/base\n"
                                      "UnixSocket=/run/control.sock\n",
                              &local, error),
                         0);
        assert_string_equal(local.control_unix_socket, "/run/control.sock");

        assert_int_equal(load("[EngineControl]\nTimeoutSec=3\n", &none, error), 0);
        assert_null(none.control_url);
}

/* What is refused, and what the sentence must name. */
static void test_refused(void **state) {
        static const struct {
                const char *text, *says;
        } cases[] = {
                { "[Engine]\nMaxConections=1\n", ":2:" },
                { "[Engine]\nMaxConections=1\n", "MaxConections" },
                { "[Egnine]\nMaxConnections=1\n", "Egnine" },
                { "[Engine]\nMaxConnections=0\n", "MaxConnections" },
                { "[Engine]\nMaxConnections=many\n", "many" },
                { "[Engine]\nMaxMessageBytes=65M\n", "between 1K and 64M" },
                { "[Engine]\nMaxMessageBytes=1\n", "between 1K and 64M" },
                { "[Engine]\nMaxBytesPerUser=1M\n", "MaxBytesPerUser" },
                { "[Engine]\nLogLevel=loud\n", "warning" },
                { "[Engine]\nLogTarget=printer\n", "stderr" },
                { "[Tokens]\nKeyDirectory=keys\n", "KeyDirectory" },
                { "[Tokens]\nRevocationFile=revoked\n", "RevocationFile" },
                { "[Tokens]\nRevocationFile=/\n", "RevocationFile" },
                { "[Tokens]\nRevocationFile=/etc/\n", "RevocationFile" },
                { "[Http]\nPlainHttp=example.com:80\n", "loopback" },
                { "[Http]\nPlainHttp=127.0.0.1\n", "loopback" },
                { "[Http]\nPlainHttp=10.0.0.1:80\n", "loopback" },
                { "[Http]\nPlainHttp=127.0.0.1:80/x\n", "loopback" },
                { "[Adapter gmail]\nBaseUrl=ftp://a.example\n", "https://" },
                { "[Smtp]\nAllowAddress=localhost\n", "list of addresses" },
                { "[Smtp]\nAllowAddress=127.0.0.1, 127.0.0.2\n", "list of addresses" },
                { "[Smtp]\nAllowAddress=10.0.0.1/8\n", "list of addresses" },
                { "[Adapter gmail]\nBaseUrl=http://127.0.0.1:4100\n", "PlainHttp" },
                { "[Adapter gmail]\nBaseUrl=http://a.example\n", "PlainHttp" },
                { "[Adapter gmail]\nBaseUrl=https://u:p@a.example\n", "BaseUrl" },
                { "[Adapter gmail]\nUrl=https://a.example\n", "Url" },
                { "[Adapter gmai]\nBaseUrl=https://a.example\n", "[Adapter gmai]: there is no" },
                { "[Adapter Gmail]\nBaseUrl=https://a.example\n", "there is no such adapter" },
                { "[Adapter gmail ]\nBaseUrl=https://a.example\n", "there is no such adapter" },
                { "[Vault]\nBackend=vault\n", "embedded, kv2, puraifi" },
                { "[Vault]\nBackend=\n", "embedded, kv2, puraifi" },
                { "[Vault]\nAuth=password\n", "approle" },
                { "[Vault]\nAuth=approle\n", "Auth=approle says nothing to Backend=embedded" },
                { "[Vault]\nUrl=https://a.example\n", "Url=https://a.example says nothing" },
                { "[Vault]\nUnixSocket=/a\n", "UnixSocket=/a says nothing to Backend=embedded" },
                { PURAIFI "EngineId=e\nUnixSocket=a\n", "UnixSocket" },
                { PURAIFI "EngineId=e\nUnixSocket=/a\nUrl=ftp://a\n", "https://" },
                { PURAIFI "EngineId=e\nUnixSocket=/a\nUrl=http://u@a\n", "https://" },
                { "[Vault]\nEngineId=e\n", "EngineId=e says nothing to Backend=embedded" },
                { "[Vault]\nMount=kv\n", "Mount=kv says nothing" },
                { "[Vault]\nPrefix=ae\n", "Prefix=ae says nothing" },
                { "[Vault]\nNamespace=ns\n", "Namespace=ns says nothing" },
                { "[Vault]\nBackend=kv2\n", "Backend=kv2 needs Url=" },
                { "[Vault]\nBackend=puraifi\nEngineId=e\n", "Backend=puraifi needs Url=" },
                { PURAIFI "EngineId=\n", "Backend=puraifi needs EngineId=" },
                { PURAIFI "EngineId=a b\n", "EngineId" },
                { PURAIFI "EngineId=\xc3\xbc\n", "EngineId" },
                { PURAIFI "EngineId=e\nMount=kv\n", "Mount=kv says nothing to Backend=puraifi" },
                { PURAIFI "EngineId=e\nAuth=approle\n", "Auth=approle says nothing" },
                { KV2 "EngineId=e\n", "EngineId=e says nothing to Backend=kv2" },
                { KV2 "Url=http://127.0.0.1:8200\n", "[Vault] Url=http://127.0.0.1:8200" },
                { KV2 "Url=http://a.example\n", "PlainHttp" },
                { KV2 "Url=a.example\n", "https://" },
                { KV2 "Url=https://u:p@a.example\n", "https://" },
                { KV2 "Url=https://a.example/?q\n", "query" },
                { KV2 "Mount=/kv\n", "Mount" },
                { KV2 "Mount=kv//a\n", "Mount" },
                { KV2 "Mount=kv/../a\n", "Mount" },
                { KV2 "Mount=..\n", "Mount" },
                { KV2 "Mount=/\n", "Mount" },
                { KV2 "Mount=a b\n", "Mount" },
                { KV2 "Prefix=%2e\n", "Prefix" },
                { KV2 "Prefix=a?b\n", "Prefix" },
                { KV2 "Namespace=a//\n", "Namespace" },
                { CONTROL, "Url= needs EngineId=" },
                { CONTROL "EngineId=a b\n", "EngineId" },
                { CONTROL "EngineId=e\nUnixSocket=a\n", "UnixSocket" },
                { CONTROL "EngineId=e\nUrl=http://a.example\n", "[EngineControl] Url=http://a" },
                { CONTROL "EngineId=e\nUrl=http://127.0.0.1:4100\n", "PlainHttp" },
                { CONTROL "EngineId=e\nUrl=https://u:p@a.example\n", "https://" },
                { CONTROL "EngineId=e\nUrl=https://a.example/?q\n", "query" },
                { CONTROL "EngineId=e\nUnixSocket=/a\nUrl=http://u@a\n", "https://" },
                { CONTROL "EngineId=e\nUrl=\n", "EngineId= is set, and Url=" },
                { "[EngineControl]\nUnixSocket=/a\n", "UnixSocket= is set, and Url=" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(settings_done) struct settings s = { 0 };
                char error[CONFIG_ERROR_SIZE];

                assert_true(load(cases[i].text, &s, error) < 0);
                if (!strstr(error, cases[i].says))
                        fail_msg("%s: %s", cases[i].text, error);
        }
}

static void test_missing_file(void **state) {
        _cleanup_(settings_done) struct settings s = { 0 };
        char error[CONFIG_ERROR_SIZE];

        assert_true(settings_load(&s, "/nonexistent/action-engine.conf", error) < 0);
        assert_non_null(strstr(error, "/nonexistent/action-engine.conf"));
}

static void test_allowed_addresses_have_a_limit(void **state) {
        for (size_t n = HTTP_MAX_ADDRESSES; n <= HTTP_MAX_ADDRESSES + 1; n++) {
                _cleanup_(settings_done) struct settings s = { 0 };
                char error[CONFIG_ERROR_SIZE], text[2048];
                int size = snprintf(text, sizeof(text), "[Smtp]\nAllowAddress=");

                for (size_t i = 0; i < n; i++)
                        size += snprintf(text + size, sizeof(text) - (size_t)size, "10.0.0.%zu ",
                                         i);
                text[size - 1] = '\n';
                if ((load(text, &s, error) == 0) != (n == HTTP_MAX_ADDRESSES))
                        fail_msg("%zu: %s", n, error);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_everything_set),
                cmocka_unit_test(test_vaults),
                cmocka_unit_test(test_engine_control),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_allowed_addresses_have_a_limit),
                cmocka_unit_test(test_missing_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
