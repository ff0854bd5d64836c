/* SPDX-License-Identifier: MIT */
/*
 * What is compared with a secret takes as long whatever the secret is. Time is counted, not
 * measured: under memcheck the secret's bytes are marked as undefined, and memcheck reports each
 * branch and each address that depends on them. Without it these are tests of what is answered.
 *
 * That two things are the same is no secret, nor is how long one is: the linker leads each call of
 * sodium_memcmp() and strlen() by here (--wrap), and their results are defined again.
 */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

#include "actionctl/redirect.h"
#include "auth/cache.h"
#include "base/base64url.h"
#include "engine/flows.h"
#include "vault/record.h"
#include "vault/remote-memory.h"
#include "vault/renew.h"

#define TOKEN "ya29.a-token-that-is-nobody-elses-business"
#define NEAR "ya29.a-token-that-is-nobody-elses-businesS"

int __real_sodium_memcmp(const void *a, const void *b, size_t size);
int __wrap_sodium_memcmp(const void *a, const void *b, size_t size);
size_t __wrap_strlen(const char *text);

static unsigned n_compared;

int __wrap_sodium_memcmp(const void *a, const void *b, size_t size) {
        int r = __real_sodium_memcmp(a, b, size);

        VALGRIND_MAKE_MEM_DEFINED(&r, sizeof(r));
        n_compared++;
        return r;
}

size_t __wrap_strlen(const char *text) {
        for (size_t n = 0;; n++) {
                volatile char c = text[n];

                VALGRIND_MAKE_MEM_DEFINED(&c, 1);
                if (!c)
                        return n;
        }
}

static void hide(const void *data, size_t size) {
        VALGRIND_MAKE_MEM_UNDEFINED(data, size);
}

static void show(const void *data, size_t size) {
        VALGRIND_MAKE_MEM_DEFINED(data, size);
}

/* The state of a login, which whoever guesses it by and by could end with a code of his own. */
static void test_states(void **state) {
        static const struct flow_owner owner = { 7, "s", "u", "gmail", "default" };
        static const size_t wrong[] = { 0, 1, OAUTH_STATE_SIZE / 2, OAUTH_STATE_SIZE - 2 };
        _cleanup_(flows_freep) struct flows *all = NULL;
        char asked[OAUTH_STATE_SIZE];
        struct flow *f;

        assert_int_equal(flows_new(&all), 0);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(flow_new(&owner, "google", "a", &f), 0);
                f->ends_usec = FLOW_LIFE_USEC;
                assert_int_equal(flows_put(all, f, 1), 0);
                memcpy(asked, f->state, sizeof(asked));
                hide(f->state, sizeof(f->state));
        }
        n_compared = 0;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                asked[wrong[i]] ^= 1;
                assert_null(flows_take(all, asked, 7, "s", 2));
                asked[wrong[i]] ^= 1;
        }
        f = flows_take(all, asked, 7, "s", 2);
        assert_non_null(f);
        assert_int_equal(n_compared, 5 * 3); /* all of them each time, wherever the right one is */
        flow_free(f);
}

/* The same state, where actionctl waits for the browser to bring it back. */
static void test_states_of_a_browser(void **state) {
        static const char asked[] = "http://127.0.0.1/?code=c&state=" NEAR;
        static const char right[] = "http://127.0.0.1/?code=c&state=" TOKEN;
        char expected[] = TOKEN;

        hide(expected, strlen(TOKEN));
        n_compared = 0;
        assert_int_equal(redirect_check(asked, expected), -EKEYREJECTED);
        assert_int_equal(redirect_check(right, expected), 0);
        assert_int_equal(n_compared, 2);
}

/*
 * Tokens that were verified before. Where one stands in the table tells something of its hash
 * alone, whose key nobody knows.
 */
static void test_known_tokens(void **state) {
        _cleanup_(cache_freep) struct cache *c = NULL;
        unsigned char key[CACHE_KEY_SIZE], near[CACHE_KEY_SIZE];
        const size_t place = sizeof(uint64_t);
        struct identity id = { .n_refs = 1 };
        char token[] = TOKEN;

        assert_int_equal(cache_new(8, &c), 0);
        hide(token, strlen(TOKEN));
        cache_key(c, token, strlen(TOKEN), 7, key);
        show(key, place);
        cache_add(c, key, &id);
        assert_ptr_equal(cache_find(c, key), &id);
        memcpy(near, key, sizeof(key));
        near[CACHE_KEY_SIZE - 1] ^= 1;
        assert_null(cache_find(c, near));
        cache_drop(c, near);
        cache_drop(c, key);
        assert_null(cache_find(c, key));
}

static void make_record(const char *token, struct record *ret) {
        *ret = (struct record){ 0 };
        assert_int_equal(secret_new(token, strlen(token), &ret->access_token), 0);
        hide(ret->access_token->data, ret->access_token->size);
}

/* Whether the token that a platform refused is still the one that is kept. */
static void test_kept_tokens(void **state) {
        _cleanup_(record_done) struct record r = { 0 };
        unsigned char digest[crypto_hash_sha256_BYTES];

        make_record(TOKEN, &r);
        crypto_hash_sha256(digest, (const unsigned char *)TOKEN, strlen(TOKEN));
        assert_true(record_token_is(&r, digest));
        digest[0] ^= 1;
        assert_false(record_token_is(&r, digest));
        crypto_hash_sha256(digest, (const unsigned char *)NEAR, strlen(NEAR));
        assert_false(record_token_is(&r, digest));
}

/* Whether a refresh token that is spent still stands in what was stored meanwhile. */
static void test_refresh_tokens(void **state) {
        static const char *const tokens[] = { TOKEN, NEAR, "Y" TOKEN };
        struct record r[ELEMENTSOF(tokens)] = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(tokens); i++) {
                assert_int_equal(secret_new(tokens[i], strlen(tokens[i]), &r[i].refresh_token), 0);
                hide(r[i].refresh_token->data, r[i].refresh_token->size);
        }
        n_compared = 0;
        for (size_t i = 0; i < ELEMENTSOF(tokens); i++)
                for (size_t k = 0; k < ELEMENTSOF(tokens); k++)
                        assert_int_equal(record_renews_like(&r[i], &r[k]), i == k);
        assert_int_equal(n_compared, 2 * 2 + 1); /* of one size */
        for (size_t i = 0; i < ELEMENTSOF(tokens); i++)
                record_done(&r[i]);
}

/* Versions of a record, told apart by a hash of what is secret in them. */
static void test_versions(void **state) {
        static const struct record_id id = { "u", "gmail", "default" };
        _cleanup_(record_done) struct record r = { 0 }, near = { 0 };
        unsigned char of[RECORD_DIGEST_SIZE], other[RECORD_DIGEST_SIZE];
        _cleanup_(memory_done) struct memory m;
        const struct note *note;

        memory_init(&m);
        make_record(TOKEN, &r);
        make_record(NEAR, &near);
        record_digest(&r, of);
        record_digest(&near, other);
        assert_true(record_digest_is(&r, of));
        assert_false(record_digest_is(&r, other));

        note = memory_note(&m, &id, of);
        assert_non_null(note);
        assert_ptr_equal(memory_note(&m, &id, of), note);
        n_compared = 0;
        assert_non_null(memory_note(&m, &id, other));
        assert_int_equal(n_compared, 1);
}

/* Random numbers become states and verifiers, and signatures tokens. */
static void test_base64(void **state) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        unsigned char bytes[32], back[32];
        size_t size;

        randombytes_buf(bytes, sizeof(bytes));
        hide(bytes, sizeof(bytes));
        base64url_append(&text, bytes, sizeof(bytes));
        show(bytes, sizeof(bytes));
        show(text.data, text.size);
        assert_int_equal(base64url_decode(text.data, text.size, back, sizeof(back), &size), 0);
        assert_memory_equal(back, bytes, sizeof(bytes));
}

/* How a secret is not to be compared. */
static bool is_same(const char *a, const char *b, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (a[i] != b[i])
                        return false;
        return true;
}

/* In a child, because a report of memcheck's fails the process. */
static void test_that_a_leak_shows(void **state) {
        char secret[] = TOKEN, is_seen = 0;
        volatile bool used;
        int fds[2];
        pid_t pid;

        if (!RUNNING_ON_VALGRIND)
                return;
        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                hide(secret, strlen(TOKEN));
                used = is_same(secret, NEAR, strlen(NEAR));
                (void)used;
                is_seen = VALGRIND_COUNT_ERRORS > 0;
                _exit(write(fds[1], &is_seen, 1) != 1);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(read(fds[0], &is_seen, 1), 1);
        close(fds[0]);
        close(fds[1]);
        assert_int_equal(is_seen, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_states),         cmocka_unit_test(test_states_of_a_browser),
                cmocka_unit_test(test_known_tokens),   cmocka_unit_test(test_kept_tokens),
                cmocka_unit_test(test_refresh_tokens), cmocka_unit_test(test_versions),
                cmocka_unit_test(test_base64),         cmocka_unit_test(test_that_a_leak_shows),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
