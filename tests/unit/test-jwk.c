/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/jwk-file.h"

#define TYPE "\"kty\":\"OKP\",\"crv\":\"Ed25519\""
/* RFC 8037, appendix A.1 and A.2 */
#define X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define D "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\""

static int parse(const char *text, enum jwk_part part, struct jwk **ret) {
        struct ae_error error = { 0 };
        int r = jwk_parse(text, strlen(text), part, ret, &error);

        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_memory_equal(error.message, "it", 2);
                assert_null(strstr(error.message, "nWGxne"));
        }
        return r;
}

static void test_keys(void **state) {
        static const struct {
                const char *text;
                enum jwk_part part;
                bool good;
        } cases[] = {
                { "{" TYPE "," X "}", JWK_PUBLIC, true },
                { "{" TYPE "," X "," D "}", JWK_PRIVATE, true },
                { "{" TYPE "," X ",\"alg\":\"EdDSA\",\"use\":\"sig\",\"x5t\":1}", JWK_PUBLIC,
                  true },
                { "{" TYPE "," X ",\"kid\":\"a\",\"iss\":\"https://issuer.example\"}", JWK_PUBLIC,
                  true },

                /* the wrong half */
                { "{" TYPE "," X "," D "}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"d\":null}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"\\u0064\":\"\"}", JWK_PUBLIC, false },
                { "{" TYPE "," X "}", JWK_PRIVATE, false },
                { "{" TYPE "," D "}", JWK_PRIVATE, false },
                { "{" TYPE "," X ",\"d\":1}", JWK_PRIVATE, false },
                { "{" TYPE "," X ",\"d\":\"\"}", JWK_PRIVATE, false },
                { "{" TYPE "," X ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2\"}",
                  JWK_PRIVATE, false },
                /* a private key whose public half is another's */
                { "{" TYPE "," X ",\"d\":\"AAAAne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
                  JWK_PRIVATE, false },

                /* other types */
                { "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}", JWK_PUBLIC,
                  false },
                { "{\"kty\":\"OKP\",\"crv\":\"X25519\"," X "}", JWK_PUBLIC, false },
                { "{\"kty\":\"OKP\",\"crv\":\"ed25519\"," X "}", JWK_PUBLIC, false },
                { "{\"kty\":\"OKP\"," X "}", JWK_PUBLIC, false },
                { "{\"kty\":\"EC\",\"crv\":\"Ed25519\"," X "}", JWK_PUBLIC, false },
                { "{\"kty\":[\"OKP\"],\"crv\":\"Ed25519\"," X "}", JWK_PUBLIC, false },
                { "{\"crv\":\"Ed25519\"," X "}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"alg\":\"HS256\"}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"alg\":null}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"use\":\"enc\"}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"key_ops\":[\"verify\"]}", JWK_PUBLIC, true },
                { "{" TYPE "," X ",\"key_ops\":[1,\"sign\",\"verify\"]}", JWK_PUBLIC, true },
                { "{" TYPE "," X ",\"key_ops\":[\"sign\"]}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"key_ops\":[]}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"key_ops\":\"verify\"}", JWK_PUBLIC, false },
                { "{" TYPE "," X "," D ",\"key_ops\":[\"sign\"]}", JWK_PRIVATE, true },
                { "{" TYPE "," X "," D ",\"key_ops\":[\"verify\"]}", JWK_PRIVATE, false },

                { "{" TYPE "}", JWK_PUBLIC, false },
                { "{" TYPE ",\"x\":1}", JWK_PUBLIC, false },
                { "{" TYPE ",\"x\":\"\"}", JWK_PUBLIC, false },
                { "{" TYPE ",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}", JWK_PUBLIC,
                  false },
                { "{" TYPE ",\"x\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}", JWK_PUBLIC,
                  false },
                { "{" TYPE ",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR\"}", JWK_PUBLIC,
                  false },
                { "{" TYPE ",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURoA\"}", JWK_PUBLIC,
                  false },
                /* C5: low order: 1, 0, a point of order 8; no point at all */
                { "{" TYPE ",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", JWK_PUBLIC,
                  false },
                { "{" TYPE ",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", JWK_PUBLIC,
                  false },
                { "{" TYPE ",\"x\":\"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgC2IbCJHo\"}", JWK_PUBLIC,
                  false },
                { "{" TYPE ",\"x\":\"__________________________________________8\"}", JWK_PUBLIC,
                  false },

                { "{" TYPE "," X ",\"kid\":\"\"}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"kid\":\"../a\"}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"kid\":1}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"iss\":\"\"}", JWK_PUBLIC, false },
                { "{" TYPE "," X ",\"iss\":[]}", JWK_PUBLIC, false },
                { "{" TYPE "," X "," X "}", JWK_PUBLIC, false },
                { "{" TYPE "," X, JWK_PUBLIC, false },
                { "[{" TYPE "," X "}]", JWK_PUBLIC, false },
                { "{\"keys\":[{" TYPE "," X "}]}", JWK_PUBLIC, false },
                { "", JWK_PUBLIC, false },
                { "-----BEGIN PUBLIC KEY-----", JWK_PUBLIC, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(jwk_freep) struct jwk *k = NULL;
                int r = parse(cases[i].text, cases[i].part, &k);

                if ((r == 0) != cases[i].good)
                        print_error("key: %s\n", cases[i].text);
                assert_int_equal(r, cases[i].good ? 0 : -EINVAL);
        }
}

/* A private part behind more members than are noted must not slip into a public folder. */
static void test_many_members_hide_nothing(void **state) {
        for (int n = 0; n < 60; n++) {
                _cleanup_(jwk_freep) struct jwk *k = NULL;
                struct buffer text = { 0 };

                buffer_puts(&text, "{" TYPE "," X);
                for (int i = 0; i < n; i++)
                        buffer_printf(&text, ",\"m%d\":0", i);
                buffer_puts(&text, "," D "}");
                assert_int_equal(parse(text.data, JWK_PUBLIC, &k), -EINVAL);
                buffer_done(&text);
        }
}

static void test_key_ids(void **state) {
        static const char *const good[] = { "a", "A-z_0.9", "-", "_", "a..b", "2024-01" };
        static const char *const bad[] = { "", ".", "..", ".a", "a/b", "a b", "a\n", "\xc3\xa9" };
        char longest[JWK_KID_MAX + 2];

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(jwk_kid_is_valid(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(jwk_kid_is_valid(bad[i]));
        memset(longest, 'k', sizeof(longest));
        longest[JWK_KID_MAX + 1] = 0;
        assert_false(jwk_kid_is_valid(longest));
        longest[JWK_KID_MAX] = 0;
        assert_true(jwk_kid_is_valid(longest));
}

static void test_what_is_printed_reads_back(void **state) {
        _cleanup_(jwk_freep) struct jwk *made = NULL, *private = NULL, *public = NULL;
        _cleanup_(secret_freep) struct secret *text = NULL;

        assert_int_equal(jwk_generate(&jwk_ed25519, "k1", "an \"issuer\"\n", &made), 0);
        assert_int_equal(jwk_print(made, JWK_PRIVATE, &text), 0);
        assert_int_equal(parse(text->data, JWK_PRIVATE, &private), 0);
        assert_memory_equal(private->private_key->data, made->private_key->data, 64);
        assert_string_equal(private->kid, "k1");
        assert_string_equal(private->issuer, "an \"issuer\"\n");

        text = secret_free(text);
        assert_int_equal(jwk_print(made, JWK_PUBLIC, &text), 0);
        assert_null(strstr(text->data, "\"d\""));
        assert_int_equal(parse(text->data, JWK_PUBLIC, &public), 0);
        assert_null(public->private_key);
        assert_memory_equal(public->public_key, made->public_key, made->public_size);

        /* One key, whichever half; another as soon as its issuer is another. */
        assert_memory_equal(public->fingerprint, made->fingerprint, JWK_FINGERPRINT_SIZE);
        assert_memory_equal(private->fingerprint, made->fingerprint, JWK_FINGERPRINT_SIZE);
        public = jwk_free(public);
        assert_int_equal(parse("{" TYPE "," X "}", JWK_PUBLIC, &public), 0);
        private = jwk_free(private);
        assert_int_equal(parse("{" TYPE "," X ",\"iss\":\"i\"}", JWK_PUBLIC, &private), 0);
        assert_memory_not_equal(public->fingerprint, private->fingerprint, JWK_FINGERPRINT_SIZE);
}

static void test_generating_checks_names(void **state) {
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        char issuer[258];

        assert_int_equal(jwk_generate(&jwk_ed25519, "../k", NULL, &k), -EINVAL);
        assert_int_equal(jwk_generate(&jwk_ed25519, "k", "", &k), -EINVAL);
        memset(issuer, 'i', sizeof(issuer));
        issuer[257] = 0;
        assert_int_equal(jwk_generate(&jwk_ed25519, "k", issuer, &k), -EINVAL);
        issuer[256] = 0;
        assert_int_equal(jwk_generate(&jwk_ed25519, "k", issuer, &k), 0);
}

static int in_folder(void **state) {
        static char path[64];

        strcpy(path, "/tmp/test-jwk-XXXXXX");
        if (!mkdtemp(path))
                return -1;
        *state = path;
        return chdir(path);
}

static int leave_folder(void **state) {
        static const char *const names[] = { "a.jwk", "private.jwk", "public.jwk", "fifo" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void)unlink(names[i]);
        if (chdir("/") < 0)
                return -1;
        return rmdir(*state);
}

static void write_text(const char *path, const char *text, size_t size) {
        _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, size), size);
}

static int read_key(const char *path, enum jwk_part part, const char *sentence) {
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        struct ae_error error = { 0 };
        int r = jwk_read_file(AT_FDCWD, path, part, &k, &error);

        if (r < 0)
                assert_non_null(strstr(error.message, sentence));
        return r;
}

static void test_private_files_are_for_nobody_else(void **state) {
        _cleanup_(jwk_freep) struct jwk *made = NULL;
        static const mode_t good[] = { 0600, 0400 };
        static const mode_t bad[] = { 0640, 0604, 0644, 0666, 0620, 0602, 0611 };
        struct stat st;

        umask(0);
        assert_int_equal(jwk_generate(&jwk_ed25519, "k", NULL, &made), 0);
        assert_int_equal(jwk_write_file(AT_FDCWD, "private.jwk", made, JWK_PRIVATE), 0);
        assert_int_equal(stat("private.jwk", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_int_equal(chmod("private.jwk", good[i]), 0);
                assert_int_equal(read_key("private.jwk", JWK_PRIVATE, ""), 0);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(chmod("private.jwk", bad[i]), 0);
                assert_int_equal(read_key("private.jwk", JWK_PRIVATE, "0600"), -EINVAL);
        }

        /* Never over a key that is there. */
        assert_int_equal(jwk_write_file(AT_FDCWD, "private.jwk", made, JWK_PRIVATE), -EEXIST);

        assert_int_equal(jwk_write_file(AT_FDCWD, "public.jwk", made, JWK_PUBLIC), 0);
        assert_int_equal(read_key("public.jwk", JWK_PUBLIC, ""), 0);
        assert_int_equal(chmod("public.jwk", 0666), 0);
        assert_int_equal(read_key("public.jwk", JWK_PUBLIC, "0644"), -EPERM);
}

/* A credential of systemd: root's file, lent to the service, mode 0440. */
static void test_a_file_of_another_may_be_lent(void **state) {
        _cleanup_(jwk_freep) struct jwk *made = NULL;
        int lent, readable;

        if (geteuid() != 0)
                skip();
        assert_int_equal(jwk_generate(&jwk_ed25519, "k", NULL, &made), 0);
        assert_int_equal(jwk_write_file(AT_FDCWD, "private.jwk", made, JWK_PRIVATE), 0);
        assert_int_equal(chown("private.jwk", 4711, 0), 0);
        assert_int_equal(chmod("private.jwk", 0440), 0);
        lent = read_key("private.jwk", JWK_PRIVATE, "");
        assert_int_equal(chmod("private.jwk", 0444), 0);
        readable = read_key("private.jwk", JWK_PRIVATE, "0600");
        assert_int_equal(lent, 0);
        assert_int_equal(readable, -EINVAL);
}

static void test_files_are_bounded(void **state) {
        char text[JWK_TEXT_MAX + 1];
        int n = snprintf(text, sizeof(text), "{" TYPE "," X "}");

        memset(text + n, ' ', sizeof(text) - (size_t)n);
        write_text("a.jwk", text, JWK_TEXT_MAX);
        assert_int_equal(read_key("a.jwk", JWK_PUBLIC, ""), 0);
        write_text("a.jwk", text, JWK_TEXT_MAX + 1);
        assert_int_equal(read_key("a.jwk", JWK_PUBLIC, "larger"), -EINVAL);

        write_text("a.jwk", "", 0);
        assert_int_equal(read_key("a.jwk", JWK_PUBLIC, "no JSON"), -EINVAL);
        assert_int_equal(read_key("absent.jwk", JWK_PUBLIC, "cannot be read"), -ENOENT);
        assert_int_equal(read_key("/", JWK_PUBLIC, "regular"), -EINVAL);
        assert_int_equal(read_key("/dev/zero", JWK_PUBLIC, "regular"), -EINVAL);
        assert_int_equal(mkfifo("fifo", 0644), 0);
        assert_int_equal(read_key("fifo", JWK_PUBLIC, "regular"), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_many_members_hide_nothing),
                cmocka_unit_test(test_key_ids),
                cmocka_unit_test(test_what_is_printed_reads_back),
                cmocka_unit_test(test_generating_checks_names),
                cmocka_unit_test_setup_teardown(test_private_files_are_for_nobody_else, in_folder,
                                                leave_folder),
                cmocka_unit_test_setup_teardown(test_a_file_of_another_may_be_lent, in_folder,
                                                leave_folder),
                cmocka_unit_test_setup_teardown(test_files_are_bounded, in_folder, leave_folder),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
