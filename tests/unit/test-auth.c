/* SPDX-License-Identifier: MIT */
/*
 * Tokens against keys in a folder, and what becomes of both with time. C2, C6, C7 and C10 are
 * attacks with a well-signed token; C11 is a key that goes away, or a token that grows old, under
 * an identity that is in use.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <syslog.h>

#include "auth/auth.h"
#include "auth/cache.h"
#include "auth/jwk-file.h"
#include "auth/jws.h"
#include "auth/verifier.h"
#include "base/clock.h"

#define SKEW (UINT64_C(60) * USEC_PER_SEC)
#define UID 1000

struct world {
        char directory[64];
        sd_event *event;
        struct auth *auth;
        bool with_list; /* `revoked`, in a folder of its own */
        bool list_required;
        unsigned n_problems;
        int priority;
        char problem[AE_MESSAGE_SIZE]; /* the last one */
};

static void on_problem(int priority, const char *sentence, void *userdata) {
        struct world *w = userdata;

        w->n_problems++;
        w->priority = priority;
        snprintf(w->problem, sizeof(w->problem), "%s", sentence);
}

static const char *in(const struct world *w, const char *name) {
        static char paths[2][512];
        static unsigned turn;
        char *path = paths[turn++ % 2];

        snprintf(path, sizeof(paths[0]), "%s/%s", w->directory, name);
        return path;
}

static int open_world(void **state) {
        struct world *w = calloc(1, sizeof(*w));

        strcpy(w->directory, "/tmp/test-auth-XXXXXX");
        if (!mkdtemp(w->directory) || sd_event_new(&w->event) < 0)
                return -1;
        *state = w;
        return 0;
}

static int close_world(void **state) {
        struct world *w = *state;
        char command[192];

        auth_free(w->auth);
        sd_event_unref(w->event);
        snprintf(command, sizeof(command), "rm -rf %s %s.list", w->directory, w->directory);
        free(w);
        return system(command);
}

static const char *list_path(const struct world *w) {
        static char path[96];

        snprintf(path, sizeof(path), "%s.list/revoked", w->directory);
        return path;
}

static int start(struct world *w, struct ae_error *error) {
        const struct auth_options options = {
                .key_directory = w->directory,
                .revocation_file = w->with_list ? list_path(w) : NULL,
                .revocation_file_required = w->list_required,
                .clock_skew_usec = SKEW,
                .cache_entries = 16,
                .on_problem = on_problem,
                .userdata = w,
        };

        return auth_new(w->event, &options, &w->auth, error);
}

static void start_well(struct world *w) {
        struct ae_error error = { 0 };

        if (start(w, &error) < 0)
                fail_msg("%s", error.message);
}

static void write_file(const struct world *w, const char *name, const char *text) {
        _cleanup_(fd_closep) int fd =
                        open(in(w, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Makes a key, and puts its public half where the engine looks, at one stroke. */
static struct jwk *install_key(const struct world *w, const char *kid, const char *issuer) {
        struct jwk *k;
        char name[128];

        assert_int_equal(jwk_generate(&jwk_ed25519, kid, issuer, &k), 0);
        assert_int_equal(jwk_write_file(AT_FDCWD, in(w, ".new"), k, JWK_PUBLIC), 0);
        snprintf(name, sizeof(name), "%s.jwk", kid);
        assert_int_equal(rename(in(w, ".new"), in(w, name)), 0);
        return k;
}

/* A set of two keys, one of them `kid`, at one stroke. */
static void install_set(const struct world *w, const char *name, const struct jwk *a,
                        const struct jwk *b) {
        _cleanup_(secret_freep) struct secret *first = NULL, *second = NULL;
        _cleanup_(buffer_done) struct buffer text = { 0 };

        assert_int_equal(jwk_print(a, JWK_PUBLIC, &first), 0);
        assert_int_equal(jwk_print(b, JWK_PUBLIC, &second), 0);
        buffer_printf(&text, "{\"iss\":\"issuer\",\"keys\":[%s,%s]}", first->data, second->data);
        write_file(w, ".new", text.data);
        assert_int_equal(rename(in(w, ".new"), in(w, name)), 0);
}

/* A token that is good from `iat` to `exp`, in seconds, plus whatever else it should say. */
static struct secret *make_token(const struct jwk *k, uint64_t iat, uint64_t exp,
                                 const char *more) {
        struct secret *token;
        char payload[512];

        snprintf(payload, sizeof(payload),
                 "{\"iss\":\"issuer\",\"sub\":\"anna\",\"aud\":\"action-engine\",\"iat\":%" PRIu64
                 ",\"exp\":%" PRIu64 "%s}",
                 iat, exp, more);
        assert_int_equal(jws_sign(payload, strlen(payload), k, &token), 0);
        return token;
}

static uint64_t now(void) {
        return clock_usec(CLOCK_REALTIME) / USEC_PER_SEC;
}

/* Good for an hour. */
static struct secret *make_fresh_token(const struct jwk *k, const char *more) {
        return make_token(k, now(), now() + 3600, more);
}

static int verify(struct world *w, const struct secret *token, uid_t uid, struct identity **ret,
                  struct ae_error *error) {
        *error = (struct ae_error){ 0 };
        return auth_verify(w->auth, token->data, token->size, uid, ret, error);
}

/* Runs the loop until there are so many keys. */
static void wait_for_keys(struct world *w, size_t n) {
        while (auth_n_keys(w->auth) != n)
                assert_true(sd_event_run(w->event, 20 * USEC_PER_SEC) > 0);
}

/* Runs the loop until so much has gone wrong, at the highest level. */
static void wait_for_problems(struct world *w, unsigned n) {
        while (w->n_problems < n)
                assert_true(sd_event_run(w->event, 20 * USEC_PER_SEC) > 0);
        assert_int_equal(w->n_problems, n);
        assert_int_equal(w->priority, LOG_ERR);
}

/* Runs the loop until what was proved holds (0), or does no longer (-EKEYREJECTED). */
static void wait_for_verdict(struct world *w, const struct identity *id, int verdict) {
        struct ae_error error = { 0 };

        while (auth_still_valid(w->auth, id, &error) != verdict)
                assert_true(sd_event_run(w->event, 20 * USEC_PER_SEC) > 0);
}

static void test_a_good_token(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(secret_freep) struct secret *token =
                        make_fresh_token(k, ",\"jti\":\"t1\",\"scope\":\"gmail:*\"");
        _cleanup_(identity_unrefp) struct identity *id = NULL, *again = NULL, *other = NULL;
        struct ae_error error = { 0 };

        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), 1);
        assert_int_equal(verify(w, token, UID, &id, &error), 0);
        assert_string_equal(identity_user(id), "anna");
        assert_string_equal(identity_kid(id), "main");
        assert_string_equal(identity_jti(id), "t1");
        assert_true(identity_has_scope(id, "gmail", "send_email"));
        assert_int_equal(auth_still_valid(w->auth, id, &error), 0);

        /* Known again, but not from another uid's hands. */
        assert_int_equal(verify(w, token, UID, &again, &error), 0);
        assert_ptr_equal(again, id);
        assert_int_equal(verify(w, token, UID + 1, &other, &error), 0);
        assert_ptr_not_equal(other, id);
        assert_true(identity_is_same_token(id, other));
        assert_int_equal(w->n_problems, 0);
}

/* Who asks for an approval is known by these, in whatever hands. */
static void test_one_token_or_two(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        const struct {
                struct secret *token;
                bool same;
        } cases[] = {
                { make_fresh_token(k, ",\"jti\":\"t1\",\"scope\":\"gmail:*\""), true },
                { make_fresh_token(k, ",\"jti\":\"t2\",\"scope\":\"gmail:*\""), false },
                { make_fresh_token(k, ",\"scope\":\"gmail:*\""), false },
        };
        struct identity *ids[ELEMENTSOF(cases)] = { 0 };
        struct ae_error error = { 0 };

        start_well(w);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(verify(w, cases[i].token, UID, &ids[i], &error), 0);
                assert_int_equal(identity_is_same_token(ids[0], ids[i]), cases[i].same);
        }
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                identity_unref(ids[i]);
                secret_free(cases[i].token);
        }
}

static void test_tokens_that_are_refused(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *any = install_key(w, "any", NULL),
                                        *ours = install_key(w, "ours", "issuer"),
                                        *theirs = install_key(w, "theirs", "another issuer"),
                                        *absent = NULL, *impostor = NULL;
        const struct {
                struct secret *token;
                int r;
                const char *sentence;
        } cases[] = {
                { make_fresh_token(any, ""), 0, "" },
                { make_fresh_token(ours, ""), 0, "" },
                /* C6: this key is for other tokens */
                { make_fresh_token(theirs, ""), -EKEYREJECTED, "issuer" },
                { make_fresh_token(any, ",\"cnf\":{\"uid\":1000}"), 0, "" },
                /* C7 */
                { make_fresh_token(any, ",\"cnf\":{\"uid\":1001}"), -EKEYREJECTED, "another uid" },
                { make_fresh_token(any, ",\"cnf\":{\"jkt\":\"x\"}"), -EKEYREJECTED, "cnf" },
                /* C9 */
                { make_fresh_token(any, ",\"sub\":\"ben\""), -EKEYREJECTED, "payload" },
                { make_token(any, now(), now() - 61, ""), -EKEYEXPIRED, "expired" },
                { make_token(any, now() + 3600, now() + 7200, ""), -EKEYREJECTED, "iat" },
        };

        start_well(w);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                /* Refused once, refused again: neither time from memory. */
                for (int turn = 0; turn < 2; turn++) {
                        _cleanup_(identity_unrefp) struct identity *id = NULL;
                        struct ae_error error;

                        assert_int_equal(verify(w, cases[i].token, UID, &id, &error), cases[i].r);
                        assert_non_null(strstr(error.message, cases[i].sentence));
                }
                secret_free(cases[i].token);
        }

        /* C2: a key that is not here; C5: one of the same name as one that is. */
        assert_int_equal(jwk_generate(&jwk_ed25519, "absent", NULL, &absent), 0);
        assert_int_equal(jwk_generate(&jwk_ed25519, "any", NULL, &impostor), 0);
        for (int i = 0; i < 2; i++) {
                _cleanup_(secret_freep) struct secret *token =
                                make_fresh_token(i ? absent : impostor, "");
                _cleanup_(identity_unrefp) struct identity *id = NULL;
                struct ae_error error;

                assert_int_equal(verify(w, token, UID, &id, &error), -EKEYREJECTED);
                assert_non_null(strstr(error.message, i ? "'absent'" : "'any'"));
                assert_null(strstr(error.message, token->data));
        }
}

/* C10: the right key, but meant for another service. */
static void test_another_audience(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct identity *id;
        struct ae_error error;
        char payload[256];

        start_well(w);
        snprintf(payload, sizeof(payload),
                 "{\"iss\":\"i\",\"sub\":\"anna\",\"aud\":\"another\",\"iat\":%" PRIu64
                 ",\"exp\":%" PRIu64 "}",
                 now(), now() + 60);
        assert_int_equal(jws_sign(payload, strlen(payload), k, &token), 0);
        assert_int_equal(verify(w, token, UID, &id, &error), -EKEYREJECTED);
        assert_non_null(strstr(error.message, "'aud'"));
}

/* C11: removed, put back, replaced by another of its name, bound to an issuer. */
static void test_key_changes_under_an_identity(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL), *other = NULL;
        _cleanup_(secret_freep) struct secret *token = make_fresh_token(k, "");
        _cleanup_(identity_unrefp) struct identity *id = NULL, *again = NULL;
        struct identity *none;
        struct ae_error error = { 0 };

        start_well(w);
        assert_int_equal(verify(w, token, UID, &id, &error), 0);

        assert_int_equal(unlink(in(w, "main.jwk")), 0);
        wait_for_verdict(w, id, -EKEYREJECTED);
        assert_int_equal(verify(w, token, UID, &none, &error), -EKEYREJECTED);

        assert_int_equal(jwk_write_file(AT_FDCWD, in(w, "main.jwk"), k, JWK_PUBLIC), 0);
        wait_for_verdict(w, id, 0);
        assert_int_equal(verify(w, token, UID, &again, &error), 0);

        other = install_key(w, "main", NULL);
        wait_for_verdict(w, id, -EKEYREJECTED);
        assert_int_equal(auth_n_keys(w->auth), 1);
        assert_int_equal(verify(w, token, UID, &none, &error), -EKEYREJECTED);

        assert_int_equal(unlink(in(w, "main.jwk")), 0);
        wait_for_keys(w, 0);
        k->issuer = strdup("another");
        assert_int_equal(jwk_write_file(AT_FDCWD, in(w, "main.jwk"), k, JWK_PUBLIC), 0);
        wait_for_keys(w, 1);
        assert_int_equal(auth_still_valid(w->auth, id, &error), -EKEYREJECTED);
        assert_int_equal(verify(w, token, UID, &none, &error), -EKEYREJECTED);
        assert_non_null(strstr(error.message, "issuer"));
        assert_int_equal(w->n_problems, 0);
}

static int on_request(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct world *w = userdata;

        assert_int_equal(auth_n_keys(w->auth), 0);
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* C11: the key goes, and a request is already waiting: the request comes second. */
static void test_revoked_before_the_next_request(void **state) {
        struct world *w = *state;
        _cleanup_(fd_closep) int fd = eventfd(1, EFD_CLOEXEC);
        sd_event_source *request = NULL;

        jwk_free(install_key(w, "main", NULL));
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), 1);
        assert_int_equal(unlink(in(w, "main.jwk")), 0);
        assert_true(sd_event_add_io(w->event, &request, fd, EPOLLIN, on_request, w) >= 0);
        assert_int_equal(sd_event_loop(w->event), 0);
        sd_event_source_disable_unref(request);
}

/* All the ways in which a file comes, changes and goes. */
static void test_folder_is_watched(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *a = NULL, *b = NULL;
        char outside[80];

        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), 0);

        a = install_key(w, "a", NULL); /* renamed into place */
        wait_for_keys(w, 1);
        assert_int_equal(jwk_generate(&jwk_ed25519, "b", NULL, &b), 0);
        assert_int_equal(jwk_write_file(AT_FDCWD, in(w, "b.jwk"), b, JWK_PUBLIC), 0);
        wait_for_keys(w, 2);
        assert_int_equal(chmod(in(w, "b.jwk"), 0666), 0);
        wait_for_keys(w, 1);
        assert_int_equal(chmod(in(w, "b.jwk"), 0644), 0);
        wait_for_keys(w, 2);
        assert_int_equal(rename(in(w, "b.jwk"), in(w, "b.old")), 0);
        wait_for_keys(w, 1);
        snprintf(outside, sizeof(outside), "%s.old", w->directory);
        assert_int_equal(rename(in(w, "a.jwk"), outside), 0);
        wait_for_keys(w, 0);
        assert_int_equal(rename(outside, in(w, "a.jwk")), 0);
        wait_for_keys(w, 1);
        assert_int_equal(symlink("b.old", in(w, "b.jwk")), 0);
        wait_for_keys(w, 2);
        assert_int_equal(unlink(in(w, "b.jwk")), 0);
        wait_for_keys(w, 1);
        assert_int_equal(link(in(w, "b.old"), in(w, "b.jwk")), 0);
        wait_for_keys(w, 2);
}

/* J2: what a key has proved does not end because somebody spoils its file, but when it goes. */
static void test_a_file_that_breaks_keeps_its_key(void **state) {
        static const char other[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"other\","
                                    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
        static const char *const broken[] = { "",
                                              "{",
                                              "{}",
                                              "ssh-ed25519 AAAA",
                                              "{\"keys\":[]}",
                                              "{\"kty\":\"oct\",\"k\":\"AA\"}",
                                              other };
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(secret_freep) struct secret *token = make_fresh_token(k, "");
        _cleanup_(identity_unrefp) struct identity *id = NULL;
        struct ae_error error;

        start_well(w);
        assert_int_equal(verify(w, token, UID, &id, &error), 0);
        for (unsigned i = 0; i < ELEMENTSOF(broken); i++) {
                w->n_problems = 0;
                write_file(w, ".new", broken[i]);
                assert_int_equal(rename(in(w, ".new"), in(w, "main.jwk")), 0);
                wait_for_problems(w, 1);
                assert_non_null(strstr(w->problem, "main.jwk is not used: "));
                assert_non_null(strstr(w->problem, "stays good"));
                assert_int_equal(auth_n_keys(w->auth), 1);
                assert_int_equal(auth_still_valid(w->auth, id, &error), 0);
        }

        /* Another's change reads it again; and a key that comes in its place is the one. */
        jwk_free(install_key(w, "another", NULL));
        wait_for_keys(w, 2);
        assert_int_equal(auth_still_valid(w->auth, id, &error), 0);
        jwk_free(install_key(w, "main", NULL));
        wait_for_verdict(w, id, -EKEYREJECTED);
        assert_int_equal(auth_n_keys(w->auth), 2);

        /* What is gone is gone, however it looked last. */
        w->n_problems = 0;
        write_file(w, "main.jwk", "");
        wait_for_problems(w, 1);
        assert_int_equal(unlink(in(w, "main.jwk")), 0);
        wait_for_keys(w, 1);
        write_file(w, "main.jwk", "");
        jwk_free(install_key(w, "later", NULL));
        wait_for_keys(w, 2);
        assert_non_null(strstr(w->problem, "main.jwk is not used: "));
        assert_null(strstr(w->problem, "stays good"));
        assert_int_equal(w->priority, LOG_WARNING);
}

static void test_a_set_that_breaks_keeps_its_keys(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *a = NULL, *b = NULL, *c = NULL;

        assert_int_equal(jwk_generate(&jwk_ed25519, "a", NULL, &a), 0);
        assert_int_equal(jwk_generate(&jwk_ed25519, "b", NULL, &b), 0);
        install_set(w, "issuer.jwks", a, b);
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), 2);

        write_file(w, "issuer.jwks", "{\"keys\":");
        wait_for_problems(w, 1);
        assert_int_equal(auth_n_keys(w->auth), 2);
        assert_non_null(strstr(w->problem, "(keys: 2)"));

        c = install_key(w, "a", NULL); /* its name comes first: of the set one key is left */
        wait_for_problems(w, 2);
        assert_non_null(strstr(w->problem, "(keys: 1)"));
        assert_int_equal(auth_n_keys(w->auth), 2);
        assert_int_equal(unlink(in(w, "issuer.jwks")), 0);
        wait_for_keys(w, 1);
}

/* Without its folder nothing holds; with it, everything again, without a restart. */
static void test_folder_goes_and_comes_back(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        char elsewhere[80];

        start_well(w);
        snprintf(elsewhere, sizeof(elsewhere), "%s.away", w->directory);

        assert_int_equal(rename(w->directory, elsewhere), 0);
        wait_for_keys(w, 0);
        assert_non_null(strstr(w->problem, w->directory));
        for (int i = 0; i < 2; i++) /* tried again and again, but told once */
                assert_true(sd_event_run(w->event, 20 * USEC_PER_SEC) > 0);
        assert_int_equal(w->n_problems, 1);
        assert_int_equal(rename(elsewhere, w->directory), 0);
        wait_for_keys(w, 1);

        assert_int_equal(unlink(in(w, "main.jwk")), 0);
        assert_int_equal(rmdir(w->directory), 0);
        wait_for_keys(w, 0);
        assert_int_equal(mkdir(w->directory, 0700), 0);
        assert_int_equal(jwk_write_file(AT_FDCWD, in(w, "main.jwk"), k, JWK_PUBLIC), 0);
        wait_for_keys(w, 1);
        assert_int_equal(w->n_problems, 2);

        assert_int_equal(chmod(w->directory, 0777), 0);
        wait_for_keys(w, 0);
        assert_non_null(strstr(w->problem, "anybody"));
        assert_int_equal(chmod(w->directory, 0700), 0);
        wait_for_keys(w, 1);
}

static void test_broken_files_cost_only_themselves(void **state) {
        static const struct {
                const char *name, *text, *sentence;
        } cases[] = {
                { "empty.jwk", "", "no JSON" },
                { "text.jwk", "ssh-ed25519 AAAA", "no JSON" },
                { "hmac.jwk", "{\"kty\":\"oct\",\"k\":\"AA\"}", "private" },
                { "set.jwk", "{\"keys\":[]}", "type" },
                { "spa ce.jwk", "", "no JSON" },
                { "renamed.jwk",
                  "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"original\","
                  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                  "original.jwk" },
                { "a b.jwk",
                  "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                  "its name" },
                { "private.jwk",
                  "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                  "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
                  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                  "private key" },
        };
        static const char *const passed_over[] = { "README", ".hidden.jwk", "main.jwk~", ".jwk",
                                                   "a.JWK" };
        struct world *w = *state;

        jwk_free(install_key(w, "main", NULL));
        for (size_t i = 0; i < ELEMENTSOF(passed_over); i++)
                write_file(w, passed_over[i], "no key");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                write_file(w, cases[i].name, cases[i].text);
                w->n_problems = 0;
                start_well(w);
                assert_int_equal(auth_n_keys(w->auth), 1);
                assert_int_equal(w->n_problems, 1);
                assert_non_null(strstr(w->problem, cases[i].name));
                assert_non_null(strstr(w->problem, cases[i].sentence));
                assert_null(strstr(w->problem, "nWGxne"));
                w->auth = auth_free(w->auth);
                assert_int_equal(unlink(in(w, cases[i].name)), 0);
        }

        assert_int_equal(mkdir(in(w, "folder.jwk"), 0700), 0);
        assert_int_equal(mkfifo(in(w, "fifo.jwk"), 0644), 0);
        w->n_problems = 0;
        start_well(w);
        assert_int_equal(w->n_problems, 2);
        assert_int_equal(auth_n_keys(w->auth), 1);
}

static void test_a_name_without_kid_is_enough(void **state) {
        struct world *w = *state;

        write_file(w, "nameless.jwk",
                   "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                   "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), 1);
        assert_int_equal(w->n_problems, 0);
}

static void test_number_of_keys_is_bounded(void **state) {
        struct world *w = *state;
        char name[32];

        for (int i = 0; i < KEYRING_MAX_KEYS; i++) {
                snprintf(name, sizeof(name), "key%d", i);
                jwk_free(install_key(w, name, NULL));
        }
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), KEYRING_MAX_KEYS);
        assert_int_equal(w->n_problems, 0);

        w->auth = auth_free(w->auth);
        jwk_free(install_key(w, "one-more", NULL));
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), KEYRING_MAX_KEYS);
        assert_int_equal(w->n_problems, 1);
        assert_non_null(strstr(w->problem, "too many"));
}

/* C11: the keys of an issuer change one by one; none is missed while both are there. */
static void test_rotation_overlaps(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *old = NULL, *current = NULL, *next = NULL;
        _cleanup_(secret_freep) struct secret *first = NULL, *second = NULL;
        _cleanup_(identity_unrefp) struct identity *a = NULL, *b = NULL, *c = NULL;
        struct identity *none;
        struct ae_error error;

        assert_int_equal(jwk_generate(&jwk_ed25519, "2026-01", NULL, &old), 0);
        assert_int_equal(jwk_generate(&jwk_ed25519, "2026-02", NULL, &current), 0);
        assert_int_equal(jwk_generate(&jwk_ed25519, "2026-03", NULL, &next), 0);
        install_set(w, "issuer.jwks", old, current);
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), 2);
        first = make_fresh_token(old, "");
        second = make_fresh_token(current, "");
        assert_int_equal(verify(w, first, UID, &a, &error), 0);
        assert_int_equal(verify(w, second, UID, &b, &error), 0);

        install_set(w, "issuer.jwks", current, next);
        wait_for_verdict(w, a, -EKEYREJECTED);
        assert_int_equal(verify(w, first, UID, &none, &error), -EKEYREJECTED);
        assert_int_equal(auth_still_valid(w->auth, b, &error), 0);
        assert_int_equal(verify(w, second, UID, &c, &error), 0);
        assert_ptr_equal(c, b); /* from memory */
        assert_int_equal(w->n_problems, 0);
}

/* The same kid twice: who made a token must not hang on which file was read last. */
static void test_a_kid_belongs_to_one_key(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *mine = install_key(w, "b", NULL), *theirs = NULL;
        _cleanup_(jwk_freep) struct jwk *other = NULL;
        _cleanup_(secret_freep) struct secret *good = make_fresh_token(mine, ""), *bad = NULL;
        _cleanup_(identity_unrefp) struct identity *id = NULL;
        struct identity *none;
        struct ae_error error;

        assert_int_equal(jwk_generate(&jwk_ed25519, "b", NULL, &theirs), 0);
        assert_int_equal(jwk_generate(&jwk_ed25519, "c", NULL, &other), 0);
        bad = make_fresh_token(theirs, "");
        install_set(w, "c.jwks", theirs, other); /* b.jwk comes before it */
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), 2);
        assert_int_equal(w->n_problems, 1);
        assert_non_null(strstr(w->problem, "'b' already"));
        assert_int_equal(verify(w, good, UID, &id, &error), 0);
        assert_int_equal(verify(w, bad, UID, &none, &error), -EKEYREJECTED);

        install_set(w, "d.jwks", other, other); /* twice in one set, and in two */
        w->n_problems = 0;
        assert_int_equal(unlink(in(w, "b.jwk")), 0);
        wait_for_verdict(w, id, -EKEYREJECTED);
        assert_int_equal(auth_n_keys(w->auth), 2);
        assert_int_equal(w->n_problems, 2);
}

static void test_a_set_counts_its_keys(void **state) {
        struct world *w = *state;
        _cleanup_(buffer_done) struct buffer text = { 0 };
        char name[32];

        for (int set = 0; set <= KEYRING_MAX_KEYS / JWKS_MAX_KEYS; set++) {
                buffer_clear(&text);
                buffer_puts(&text, "{\"keys\":[");
                for (int i = 0; i < JWKS_MAX_KEYS; i++)
                        buffer_printf(&text,
                                      "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k%d-%d\","
                                      "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                                      i > 0 ? "," : "", set, i);
                buffer_puts(&text, "]}");
                snprintf(name, sizeof(name), "%d.jwks", set);
                write_file(w, name, text.data);
        }
        start_well(w);
        assert_int_equal(auth_n_keys(w->auth), KEYRING_MAX_KEYS);
        assert_int_equal(w->n_problems, JWKS_MAX_KEYS);
        assert_non_null(strstr(w->problem, "too many"));
}

/* ---- revoked tokens ---- */

static void make_list_folder(struct world *w) {
        char path[80];

        snprintf(path, sizeof(path), "%s.list", w->directory);
        assert_int_equal(mkdir(path, 0700), 0);
        w->with_list = true;
}

static void write_list(const struct world *w, const char *text) {
        char path[128];
        _cleanup_(fd_closep) int fd = -1;

        snprintf(path, sizeof(path), "%s.new", list_path(w));
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(rename(path, list_path(w)), 0);
}

/* A jti that is revoked ends what was proved by it, remembered or not, and nothing else. */
static void test_revoked_tokens(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(secret_freep) struct secret *stolen = make_fresh_token(k, ",\"jti\":\"a b\"");
        _cleanup_(secret_freep) struct secret *other = make_fresh_token(k, ",\"jti\":\"a\"");
        _cleanup_(secret_freep) struct secret *nameless = make_fresh_token(k, "");
        _cleanup_(identity_unrefp) struct identity *a = NULL, *b = NULL, *c = NULL, *d = NULL;
        struct identity *none;
        struct ae_error error;

        make_list_folder(w);
        start_well(w);
        assert_int_equal(verify(w, stolen, UID, &a, &error), 0);
        assert_int_equal(verify(w, other, UID, &b, &error), 0);
        assert_int_equal(verify(w, nameless, UID, &c, &error), 0);

        write_list(w, "# the laptop\n\"a b\"\n");
        wait_for_verdict(w, a, -EKEYREJECTED);
        assert_int_equal(auth_n_revoked(w->auth), 1);
        assert_int_equal(auth_still_valid(w->auth, b, &error), 0);
        assert_int_equal(auth_still_valid(w->auth, c, &error), 0);
        for (int i = 0; i < 2; i++) { /* from memory, and anew */
                assert_int_equal(verify(w, stolen, UID, &none, &error), -EKEYREJECTED);
                assert_int_equal(error.code, AE_TOKEN_INVALID);
                assert_non_null(strstr(error.message, "revoked"));
        }

        write_list(w, "");
        wait_for_verdict(w, a, 0);
        assert_int_equal(verify(w, stolen, UID, &d, &error), 0);
        assert_int_equal(w->n_problems, 0);
}

static void test_revoked_at_the_start(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(secret_freep) struct secret *token = make_fresh_token(k, ",\"jti\":\"a\"");
        struct identity *none;
        struct ae_error error;

        make_list_folder(w);
        write_list(w, "a 2000-01-01T00:00:00Z\n"); /* what stands there counts, old or not */
        start_well(w);
        assert_int_equal(verify(w, token, UID, &none, &error), -EKEYREJECTED);
}

static void test_does_not_start_with_a_broken_list(void **state) {
        struct world *w = *state;
        struct ae_error error = { 0 };

        make_list_folder(w);
        w->list_required = true;
        assert_int_equal(start(w, &error), -ENOENT);
        assert_non_null(strstr(error.message, list_path(w)));

        write_list(w, "a b c\n");
        error = (struct ae_error){ 0 };
        assert_true(start(w, &error) < 0);
        assert_non_null(strstr(error.message, "line 1"));
        w->list_required = false;
        error = (struct ae_error){ 0 };
        assert_true(start(w, &error) < 0);

        write_list(w, "a\n");
        assert_int_equal(chmod(list_path(w), 0666), 0);
        error = (struct ae_error){ 0 };
        assert_true(start(w, &error) < 0);
        assert_non_null(strstr(error.message, "anybody"));
}

/* J2: what is broken later leaves what was good before, and says so. */
static void test_a_broken_list_keeps_the_old_one(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(secret_freep) struct secret *token = make_fresh_token(k, ",\"jti\":\"b\"");
        _cleanup_(identity_unrefp) struct identity *id = NULL;
        struct identity *none;
        struct ae_error error;

        make_list_folder(w);
        write_list(w, "a\n");
        start_well(w);
        assert_int_equal(verify(w, token, UID, &id, &error), 0);
        write_list(w, "a\nb\n");
        wait_for_verdict(w, id, -EKEYREJECTED);

        write_list(w, "a\nb c\n");
        wait_for_problems(w, 1);
        assert_non_null(strstr(w->problem, "line 2"));
        assert_non_null(strstr(w->problem, "2 tokens revoked before stay revoked"));
        assert_int_equal(unlink(list_path(w)), 0);
        wait_for_problems(w, 2);
        assert_int_equal(mkdir(list_path(w), 0700), 0);
        wait_for_problems(w, 3);
        assert_int_equal(rmdir(list_path(w)), 0);
        wait_for_problems(w, 4);
        assert_int_equal(verify(w, token, UID, &none, &error), -EKEYREJECTED);

        write_list(w, "c\n"); /* whole again */
        wait_for_verdict(w, id, 0);
        assert_int_equal(auth_n_revoked(w->auth), 1);
        assert_int_equal(w->n_problems, 4);
}

/* The folder comes later than the engine, or is put elsewhere for a while. */
static void test_the_lists_folder_comes_and_goes(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(secret_freep) struct secret *token = make_fresh_token(k, ",\"jti\":\"a\"");
        _cleanup_(identity_unrefp) struct identity *id = NULL;
        char folder[80], away[96];
        struct ae_error error;

        w->with_list = true;
        start_well(w);
        assert_int_equal(verify(w, token, UID, &id, &error), 0);
        make_list_folder(w);
        write_list(w, "a\n");
        wait_for_verdict(w, id, -EKEYREJECTED);
        assert_int_equal(w->n_problems, 0);

        snprintf(folder, sizeof(folder), "%s.list", w->directory);
        snprintf(away, sizeof(away), "%s.away", folder);
        assert_int_equal(rename(folder, away), 0);
        wait_for_problems(w, 1);
        for (int i = 0; i < 2; i++) /* tried again and again, but told once */
                assert_true(sd_event_run(w->event, 20 * USEC_PER_SEC) > 0);
        assert_int_equal(w->n_problems, 1);
        assert_int_equal(auth_still_valid(w->auth, id, &error), -EKEYREJECTED);
        assert_int_equal(rename(away, folder), 0);
        write_list(w, "");
        wait_for_verdict(w, id, 0);
}

static int on_request_of_revoked(sd_event_source *source, int fd, uint32_t revents,
                                 void *userdata) {
        struct world *w = userdata;

        assert_int_equal(auth_n_revoked(w->auth), 1);
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* C11: the token is revoked, and a request is already waiting: the request comes second. */
static void test_a_token_is_revoked_before_the_next_request(void **state) {
        struct world *w = *state;
        _cleanup_(fd_closep) int fd = eventfd(1, EFD_CLOEXEC);
        sd_event_source *request = NULL;

        make_list_folder(w);
        start_well(w);
        write_list(w, "a\n");
        assert_true(sd_event_add_io(w->event, &request, fd, EPOLLIN, on_request_of_revoked, w) >=
                    0);
        assert_int_equal(sd_event_loop(w->event), 0);
        sd_event_source_disable_unref(request);
}

/* For the records: whatever else is wrong with a token, and never more than a name. */
static void test_claimed_kids(void **state) {
        static const struct {
                const char *token, *kid;
        } cases[] = {
                { "eyJraWQiOiJhIn0.", "a" }, /* {"kid":"a"} */
                { "eyJraWQiOiJhIn0.x.y.z", "a" },
                { "eyJraWQiOiJhIn0", "" },
                { "eyJraWQiOiIuLi9hIn0..", "" },          /* {"kid":"../a"} */
                { "eyJraWQiOjF9..", "" },                 /* {"kid":1} */
                { "eyJraWQiOiJhIiwia2lkIjoiYiJ9..", "" }, /* {"kid":"a","kid":"b"} */
                { "e30..", "" },
                { "..", "" },
                { "", "" },
        };
        char kid[AUTH_KID_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                auth_claimed_kid(cases[i].token, strlen(cases[i].token), kid);
                assert_string_equal(kid, cases[i].kid);
        }
}

static void test_does_not_start_without_a_folder(void **state) {
        struct world *w = *state;
        struct ae_error error = { 0 };

        assert_int_equal(chmod(w->directory, 0777), 0);
        assert_true(start(w, &error) < 0);
        assert_non_null(strstr(error.message, "anybody"));

        error = (struct ae_error){ 0 };
        assert_int_equal(rmdir(w->directory), 0);
        assert_int_equal(start(w, &error), -ENOENT);
        assert_non_null(strstr(error.message, w->directory));

        error = (struct ae_error){ 0 };
        assert_int_equal(close(open(w->directory, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
        assert_int_equal(start(w, &error), -ENOTDIR);
}

/* From here on without a loop: the time is what the test says it is. */

static struct verifier *make_verifier(const struct world *w, size_t cache_entries) {
        struct ae_error error = { 0 };
        struct keyring *keys;
        struct verifier *v;

        assert_int_equal(keyring_load(w->directory, NULL, NULL, NULL, &keys, &error), 0);
        assert_int_equal(verifier_new(keys, cache_entries, SKEW, &v), 0);
        return v;
}

static int verify_at(struct verifier *v, const struct secret *token, uint64_t seconds,
                     struct identity **ret) {
        struct ae_error error = { 0 };

        *ret = NULL;
        return verifier_verify(v, token->data, token->size, UID, seconds * USEC_PER_SEC, ret,
                               &error);
}

/* C11: what is remembered grows old as well. */
static void test_expiry_is_minded_from_memory(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(verifier_freep) struct verifier *v = make_verifier(w, 4);
        _cleanup_(secret_freep) struct secret *token = make_token(k, 1000, 2000, "");
        _cleanup_(identity_unrefp) struct identity *id = NULL, *again = NULL, *anew = NULL;
        struct identity *none;
        struct ae_error error = { 0 };

        assert_int_equal(verify_at(v, token, 1000, &id), 0);
        assert_int_equal(verify_at(v, token, 2059, &again), 0);
        assert_ptr_equal(again, id);
        assert_int_equal(verifier_check(v, id, 2059 * USEC_PER_SEC, &error), 0);
        assert_int_equal(verify_at(v, token, 2060, &none), -EKEYEXPIRED);
        assert_int_equal(verifier_check(v, id, 2060 * USEC_PER_SEC, &error), -EKEYEXPIRED);
        assert_int_equal(error.code, AE_TOKEN_EXPIRED);

        /* It was forgotten, so an earlier clock has to look at it anew. */
        assert_int_equal(verify_at(v, token, 1500, &anew), 0);
        assert_ptr_not_equal(anew, id);
}

/* H5: a clock that was set back makes nothing live longer than who comes new would. */
static void test_a_clock_set_back(void **state) {
        static const struct {
                const char *more;
                uint64_t early, good; /* seconds */
        } cases[] = { { "", 939, 940 },
                      { ",\"nbf\":1500", 1439, 1440 },
                      { ",\"nbf\":0", 939, 940 } };
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(verifier_freep) struct verifier *v = make_verifier(w, 4);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(secret_freep) struct secret *token =
                                make_token(k, 1000, 2000, cases[i].more);
                _cleanup_(identity_unrefp) struct identity *id = NULL, *anew = NULL;
                struct identity *none;
                struct ae_error error = { 0 };

                assert_int_equal(verify_at(v, token, 1600, &id), 0);
                assert_int_equal(verifier_check(v, id, cases[i].good * USEC_PER_SEC, &error), 0);
                assert_int_equal(verifier_check(v, id, cases[i].early * USEC_PER_SEC, &error),
                                 -EKEYREJECTED);
                assert_int_equal(verify_at(v, token, cases[i].early, &none), -EKEYREJECTED);
                assert_int_equal(verify_at(v, token, cases[i].early, &none), -EKEYREJECTED);
                assert_int_equal(verify_at(v, token, cases[i].good, &anew), 0);
        }
}

static void test_failures_are_not_remembered(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(verifier_freep) struct verifier *v = make_verifier(w, 4);
        _cleanup_(secret_freep) struct secret *token = make_token(k, 1000, 2000, ",\"nbf\":1200");
        _cleanup_(identity_unrefp) struct identity *id = NULL;

        assert_int_equal(verify_at(v, token, 1100, &id), -EKEYREJECTED);
        assert_int_equal(verify_at(v, token, 1140, &id), 0);
}

static void test_memory_is_emptied_with_the_keys(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(verifier_freep) struct verifier *v = make_verifier(w, 4);
        _cleanup_(secret_freep) struct secret *token = make_token(k, 1000, 2000, "");
        _cleanup_(identity_unrefp) struct identity *id = NULL;
        struct identity *none;
        struct ae_error error = { 0 };

        assert_int_equal(verify_at(v, token, 1000, &id), 0);
        verifier_set_keys(v, NULL);
        assert_int_equal(verifier_n_keys(v), 0);
        assert_int_equal(verify_at(v, token, 1000, &none), -EKEYREJECTED);
        assert_int_equal(verifier_check(v, id, 1000 * USEC_PER_SEC, &error), -EKEYREJECTED);
}

static void test_cache_is_bounded_and_keeps_what_is_used(void **state) {
        static const struct jwk some_key = { .kid = "key" };
        struct identity *ids[100], *unknown;
        unsigned char keys[100][CACHE_KEY_SIZE];
        _cleanup_(cache_freep) struct cache *c = NULL;
        size_t n_kept = 0;

        assert_int_equal(cache_new(8, &c), 0);
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                struct token_claims claims = { 0 };
                char token[16];

                snprintf(token, sizeof(token), "token %zu", i);
                cache_key(c, token, strlen(token), UID, keys[i]);
                assert_int_equal(identity_new(&claims, &some_key, &ids[i]), 0);
                cache_add(c, keys[i], ids[i]);
                assert_ptr_equal(cache_find(c, keys[i]), ids[i]);
                assert_ptr_equal(cache_find(c, keys[0]), ids[0]); /* in use all the time */
        }
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                unknown = cache_find(c, keys[i]);
                assert_true(!unknown || unknown == ids[i]);
                n_kept += unknown != NULL;
        }
        assert_int_equal(n_kept, 8);
        assert_non_null(cache_find(c, keys[0]));

        cache_drop(c, keys[0]);
        cache_drop(c, keys[0]);
        assert_null(cache_find(c, keys[0]));
        cache_add(c, keys[0], ids[0]);
        assert_ptr_equal(cache_find(c, keys[0]), ids[0]);

        /* References of its own: both sides can let go first. */
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                assert_int_equal(ids[i]->n_refs, cache_find(c, keys[i]) ? 2 : 1);
                identity_unref(ids[i]);
        }
}

static void test_cache_of_nothing(void **state) {
        struct world *w = *state;
        _cleanup_(jwk_freep) struct jwk *k = install_key(w, "main", NULL);
        _cleanup_(verifier_freep) struct verifier *v = make_verifier(w, 0);
        _cleanup_(secret_freep) struct secret *token = make_token(k, 1000, 2000, "");
        _cleanup_(identity_unrefp) struct identity *id = NULL, *again = NULL;

        assert_int_equal(verify_at(v, token, 1000, &id), 0);
        assert_int_equal(verify_at(v, token, 1000, &again), 0);
        assert_ptr_not_equal(id, again);
}

/* C12: names of tokens cannot be computed outside, differ by uid, and by process. */
static void test_cache_keys(void **state) {
        unsigned char mine[CACHE_KEY_SIZE], other[CACHE_KEY_SIZE];
        _cleanup_(cache_freep) struct cache *c = NULL, *d = NULL;

        assert_int_equal(cache_new(1, &c), 0);
        assert_int_equal(cache_new(1, &d), 0);
        cache_key(c, "token", 5, UID, mine);
        cache_key(c, "token", 5, UID, other);
        assert_memory_equal(mine, other, CACHE_KEY_SIZE);
        cache_key(c, "token", 5, UID + 1, other);
        assert_memory_not_equal(mine, other, CACHE_KEY_SIZE);
        cache_key(c, "token", 4, UID, other);
        assert_memory_not_equal(mine, other, CACHE_KEY_SIZE);
        cache_key(d, "token", 5, UID, other);
        assert_memory_not_equal(mine, other, CACHE_KEY_SIZE);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void) {
        const struct CMUnitTest tests[] = {
                world_test(test_a_good_token),
                world_test(test_one_token_or_two),
                world_test(test_tokens_that_are_refused),
                world_test(test_another_audience),
                world_test(test_key_changes_under_an_identity),
                world_test(test_revoked_before_the_next_request),
                world_test(test_folder_is_watched),
                world_test(test_a_file_that_breaks_keeps_its_key),
                world_test(test_a_set_that_breaks_keeps_its_keys),
                world_test(test_folder_goes_and_comes_back),
                world_test(test_broken_files_cost_only_themselves),
                world_test(test_a_name_without_kid_is_enough),
                world_test(test_number_of_keys_is_bounded),
                world_test(test_does_not_start_without_a_folder),
                world_test(test_rotation_overlaps),
                world_test(test_a_kid_belongs_to_one_key),
                world_test(test_a_set_counts_its_keys),
                world_test(test_revoked_tokens),
                world_test(test_revoked_at_the_start),
                world_test(test_does_not_start_with_a_broken_list),
                world_test(test_a_broken_list_keeps_the_old_one),
                world_test(test_the_lists_folder_comes_and_goes),
                world_test(test_a_token_is_revoked_before_the_next_request),
                world_test(test_a_clock_set_back),
                cmocka_unit_test(test_claimed_kids),
                world_test(test_expiry_is_minded_from_memory),
                world_test(test_failures_are_not_remembered),
                world_test(test_memory_is_emptied_with_the_keys),
                cmocka_unit_test(test_cache_is_bounded_and_keeps_what_is_used),
                world_test(test_cache_of_nothing),
                cmocka_unit_test(test_cache_keys),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
