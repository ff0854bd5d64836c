/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "vault/record.h"
#include "vaultd/seal.h"

static const struct record_id home = { "u1", "gmail", "default" };
static const char text[] = "{\"access_token\":\"canary\"}";

static struct secret *key_of(char fill) {
        struct secret *key;

        assert_int_equal(secret_new(NULL, SEAL_KEY_SIZE, &key), 0);
        memset(key->data, fill, key->size);
        return key;
}

static void test_opens_what_it_sealed(void **state) {
        static const size_t sizes[] = { 0, 1, 24, 4096, 200000 };
        _cleanup_(secret_freep) struct secret *key = key_of('k');

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(buffer_done) struct buffer sealed = { 0 };
                _cleanup_(secret_freep) struct secret *plain = NULL;
                _cleanup_(freep) char *data = calloc(1, sizes[i] + 1);

                memset(data, 'x', sizes[i]);
                assert_int_equal(seal(key, &home, data, sizes[i], &sealed), 0);
                assert_int_equal(sealed.size, sizes[i] + SEAL_OVERHEAD);
                assert_int_equal(seal_open(key, &home, sealed.data, sealed.size, &plain), 0);
                assert_int_equal(plain->size, sizes[i]);
                assert_memory_equal(plain->data, data, sizes[i]);
        }
}

/* Two records with the same text must not be seen to be equal; and nothing of it shows. */
static void test_seals_differ(void **state) {
        _cleanup_(secret_freep) struct secret *key = key_of('k');
        _cleanup_(buffer_done) struct buffer a = { 0 }, b = { 0 };

        assert_int_equal(seal(key, &home, text, strlen(text), &a), 0);
        assert_int_equal(seal(key, &home, text, strlen(text), &b), 0);
        assert_memory_not_equal(a.data, b.data, a.size);
        assert_memory_not_equal(a.data + 1, b.data + 1, 24); /* the nonce */
        assert_null(memmem(a.data, a.size, "canary", 6));
}

static void assert_sealed_shut(const struct secret *key, const struct record_id *id,
                               const char *data, size_t size) {
        struct secret *plain = NULL;

        assert_int_equal(seal_open(key, id, data, size, &plain), -EBADMSG);
        assert_null(plain);
}

static void test_any_flipped_bit_shows(void **state) {
        _cleanup_(secret_freep) struct secret *key = key_of('k');
        _cleanup_(buffer_done) struct buffer sealed = { 0 };

        assert_int_equal(seal(key, &home, text, strlen(text), &sealed), 0);
        for (size_t i = 0; i < sealed.size * 8; i++) {
                sealed.data[i / 8] ^= (char)(1 << i % 8);
                assert_sealed_shut(key, &home, sealed.data, sealed.size);
                sealed.data[i / 8] ^= (char)(1 << i % 8);
        }
}

static void test_any_other_length_shows(void **state) {
        _cleanup_(secret_freep) struct secret *key = key_of('k');
        _cleanup_(buffer_done) struct buffer sealed = { 0 };

        assert_int_equal(seal(key, &home, text, strlen(text), &sealed), 0);
        for (size_t n = 0; n < sealed.size; n++)
                assert_sealed_shut(key, &home, sealed.data, n);
        buffer_putc(&sealed, 0);
        assert_sealed_shut(key, &home, sealed.data, sealed.size);
}

static void test_another_key_does_not_open(void **state) {
        _cleanup_(secret_freep) struct secret *key = key_of('k'), *other = key_of('k');
        _cleanup_(buffer_done) struct buffer sealed = { 0 };

        other->data[SEAL_KEY_SIZE - 1] ^= 1;
        assert_int_equal(seal(key, &home, text, strlen(text), &sealed), 0);
        assert_sealed_shut(other, &home, sealed.data, sealed.size);
}

/* Names whose parts join to the same letters are other names. */
static void test_another_record_does_not_open(void **state) {
        static const struct record_id others[] = {
                { "u2", "gmail", "default" },  { "U1", "gmail", "default" },
                { "u1", "gmai", "ldefault" },  { "u1gmail", "", "default" },
                { "u1g", "mail", "default" },  { "u1", "gmaild", "efault" },
                { "", "u1gmail", "default" },  { "u1", "gmail", "" },
                { "u1", "default", "gmail" },  { "gmail", "u1", "default" },
                { "u1", "gmail", "default2" }, { "", "", "" },
        };
        _cleanup_(secret_freep) struct secret *key = key_of('k');
        _cleanup_(buffer_done) struct buffer sealed = { 0 };

        assert_int_equal(seal(key, &home, text, strlen(text), &sealed), 0);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_sealed_shut(key, &others[i], sealed.data, sealed.size);
}

/* The format must not drift: what stands on disk today has to open tomorrow. */
static void test_known_seal(void **state) {
        static const char hex[] = "01"
                                  "000102030405060708090a0b0c0d0e0f1011121314151617";
        _cleanup_(secret_freep) struct secret *key = key_of('k'), *plain = NULL;
        static const unsigned char ad[] = "\1\0\0\0\2u1\0\0\0\5gmail\0\0\0\7default";
        unsigned char sealed[SEAL_OVERHEAD + sizeof(text) - 1];
        unsigned long long n;

        assert_int_equal(sodium_hex2bin(sealed, sizeof(sealed), hex, strlen(hex), NULL, NULL, NULL),
                         0);
        assert_int_equal(crypto_aead_xchacha20poly1305_ietf_encrypt(
                                         sealed + 25, &n, (const unsigned char *)text, strlen(text),
                                         ad, sizeof(ad) - 1, NULL, sealed + 1,
                                         (const unsigned char *)key->data),
                         0);
        assert_int_equal(n, sizeof(sealed) - 25);
        assert_int_equal(seal_open(key, &home, sealed, sizeof(sealed), &plain), 0);
        assert_string_equal(plain->data, text);
}

static void test_key_files(void **state) {
#define HEX "6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6"
        static const struct {
                const char *file;
                int r;
        } cases[] = {
                { "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 0 },
                { HEX "b", 0 },
                { HEX "B", 0 },
                { HEX "b\n", 0 },
                { "", -EINVAL },
                { "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", -EINVAL },
                { "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", -EINVAL },
                { "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n", -EINVAL },
                { HEX, -EINVAL },
                { HEX "bb", -EINVAL },
                { HEX "b\n\n", -EINVAL },
                { HEX "b ", -EINVAL },
                { HEX "g", -EINVAL },
                { " " HEX, -EINVAL },
        };
        _cleanup_(secret_freep) struct secret *expected = key_of('k');

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(secret_freep) struct secret *file = NULL, *key = NULL;

                assert_int_equal(secret_new(cases[i].file, strlen(cases[i].file), &file), 0);
                assert_int_equal(seal_key_new(file, &key), cases[i].r);
                if (cases[i].r == 0) {
                        assert_int_equal(key->size, SEAL_KEY_SIZE);
                        assert_memory_equal(key->data, expected->data, SEAL_KEY_SIZE);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_opens_what_it_sealed),
                cmocka_unit_test(test_seals_differ),
                cmocka_unit_test(test_any_flipped_bit_shows),
                cmocka_unit_test(test_any_other_length_shows),
                cmocka_unit_test(test_another_key_does_not_open),
                cmocka_unit_test(test_another_record_does_not_open),
                cmocka_unit_test(test_known_seal),
                cmocka_unit_test(test_key_files),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
