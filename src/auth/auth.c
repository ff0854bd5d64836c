/* SPDX-License-Identifier: MIT */
/*
 * The rim of this room: the clock, and the watch over the keys and the list of revoked tokens. What
 * a token is worth is verifier.c's business.
 */
#include "auth/auth.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "auth/identity.h"
#include "auth/jws.h"
#include "auth/keyring.h"
#include "auth/login.h"
#include "auth/verifier.h"
#include "auth/watch.h"
#include "base/clock.h"

#define MAX_SKEW_USEC (UINT64_C(86400) * USEC_PER_SEC)
struct auth {
        struct verifier *verifier;
        struct watch *key_watch;
        char *directory;
        bool failing; /* the last reading of the keys failed, and it was told */

        struct watch *list_watch; /* NULL: there is no list */
        char *list;               /* the path */
        bool list_required;
        bool list_failing; /* as `failing` */

        void (*on_problem)(int priority, const char *sentence, void *userdata);
        void *userdata;
};

static void tell(const struct auth *a, int priority, const char *sentence) {
        if (a->on_problem)
                a->on_problem(priority, sentence, a->userdata);
}

/* ---- keys ---- */

static int read_keys(struct auth *a, struct keyring **ret, struct ae_error *error) {
        int r;

        r = watch_begin(a->key_watch);
        if (r < 0) {
                (void)ae_error_set(error, AE_INTERNAL,
                                   "the key folder %s cannot be watched (%s); it must be there "
                                   "and readable by the engine",
                                   a->directory, strerror(-r));
                return r;
        }
        return keyring_load(a->directory, a->verifier ? verifier_keys(a->verifier) : NULL,
                            a->on_problem, a->userdata, ret, error);
}

/* Fails closed: keys that cannot be read are no keys, however good they were. */
static int on_keys_changed(void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct auth *a = userdata;
        struct keyring *keys = NULL;
        int r;

        r = read_keys(a, &keys, &error);
        verifier_set_keys(a->verifier, keys);
        if (r < 0 && !a->failing)
                tell(a, LOG_ERR, error.message);
        a->failing = r < 0;
        return r;
}

static int make_verifier(struct auth *a, const struct auth_options *options,
                         struct ae_error *error) {
        _cleanup_(keyring_freep) struct keyring *keys = NULL;
        int r;

        r = read_keys(a, &keys, error);
        if (r < 0)
                return r;
        r = verifier_new(keys, options->cache_entries, options->clock_skew_usec, &a->verifier);
        if (r < 0)
                return r;
        TAKE_PTR(keys);
        return 0;
}

static int start_keys(struct auth *a, sd_event *event, const struct auth_options *options,
                      struct ae_error *error) {
        const struct watch_options watch = {
                .directory = options->key_directory,
                .read = on_keys_changed,
                .userdata = a,
        };
        int r;

        a->directory = strdup(options->key_directory);
        if (!a->directory)
                return -ENOMEM;
        r = watch_new(event, &watch, &a->key_watch);
        return r < 0 ? r : make_verifier(a, options, error);
}

/* ---- revoked tokens ---- */

/* Here it is the old list that is safe: without one, what was revoked would be good again. */
static void tell_list_kept(const struct auth *a, const struct ae_error *error) {
        struct ae_error sentence = { 0 };

        (void)ae_error_set(&sentence, AE_INTERNAL,
                           "%.400s; the %zu tokens revoked before stay revoked, and no others are",
                           error->message, verifier_n_revoked(a->verifier));
        tell(a, LOG_ERR, sentence.message);
}

static bool is_shortage(int r) {
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* A list that has not been there yet is not missed. */
static bool is_missed(const struct auth *a, int r) {
        return r != -ENOENT || a->list_required || verifier_n_revoked(a->verifier) > 0;
}

static int on_list_changed(void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct auth *a = userdata;
        struct revocations *list;
        int watching, r;

        watching = watch_begin(a->list_watch);
        r = revocations_load(a->list, &list, &error);
        if (r >= 0)
                verifier_set_revocations(a->verifier, list);
        else if (!a->list_failing && is_missed(a, r))
                tell_list_kept(a, &error);

        /* What time alone may mend is told once; a broken file, whenever it is written. */
        a->list_failing = r < 0 && (watching < 0 || is_shortage(r));
        if (watching < 0)
                return watching;
        return is_shortage(r) ? r : 0;
}

/* A folder that is not there has no list in it, and is looked for until it is. */
static int read_first_list(struct auth *a, struct ae_error *error) {
        struct revocations *list;
        int r;

        if (watch_begin(a->list_watch) < 0)
                watch_retry(a->list_watch);
        r = revocations_load(a->list, &list, error);
        if (r == -ENOENT && !a->list_required) {
                *error = (struct ae_error){ 0 };
                return 0;
        }
        if (r >= 0)
                verifier_set_revocations(a->verifier, list);
        return r;
}

static int start_list(struct auth *a, sd_event *event, const struct auth_options *options,
                      struct ae_error *error) {
        _cleanup_(freep) char *directory = NULL;
        struct watch_options watch = { .read = on_list_changed, .userdata = a };
        char *slash;
        int r;

        if (!options->revocation_file)
                return 0;
        a->list_required = options->revocation_file_required;
        a->list = strdup(options->revocation_file);
        directory = strdup(options->revocation_file);
        if (!a->list || !directory)
                return -ENOMEM;

        slash = strrchr(directory, '/');
        assert(slash && slash[1]); /* settings take nothing but a file's absolute path */
        *slash = 0;
        watch.name = slash + 1;
        watch.directory = *directory ? directory : "/";
        r = watch_new(event, &watch, &a->list_watch);
        return r < 0 ? r : read_first_list(a, error);
}

int auth_new(sd_event *event, const struct auth_options *options, struct auth **ret,
             struct ae_error *error) {
        _cleanup_(auth_freep) struct auth *a = NULL;
        int r;

        if (options->clock_skew_usec > MAX_SKEW_USEC)
                return ae_error_set(error, AE_INTERNAL,
                                    "the clock skew to be borne with is more than a day; set it "
                                    "to some seconds");

        a = calloc(1, sizeof(*a));
        if (!a)
                return ae_error_from_errno(error, -ENOMEM);
        a->on_problem = options->on_problem;
        a->userdata = options->userdata;

        r = start_keys(a, event, options, error);
        if (r >= 0)
                r = start_list(a, event, options, error);
        if (r < 0)
                return ae_error_from_errno(error, r);

        *ret = TAKE_PTR(a);
        return 0;
}

struct auth *auth_free(struct auth *a) {
        if (!a)
                return NULL;
        watch_free(a->list_watch);
        watch_free(a->key_watch);
        verifier_free(a->verifier);
        free(a->list);
        free(a->directory);
        free(a);
        return NULL;
}

size_t auth_n_keys(const struct auth *a) {
        return verifier_n_keys(a->verifier);
}

size_t auth_n_revoked(const struct auth *a) {
        return verifier_n_revoked(a->verifier);
}

int auth_verify(struct auth *a, const char *token, size_t size, uid_t uid, struct identity **ret,
                struct ae_error *error) {
        return verifier_verify(a->verifier, token, size, uid, clock_usec(CLOCK_REALTIME), ret,
                               error);
}

void auth_claimed_kid(const char *token, size_t size, char ret[static AUTH_KID_SIZE]) {
        _Static_assert(AUTH_KID_SIZE == JWK_KID_MAX + 1, "a kid fits");

        jws_claimed_kid(token, size, ret);
}

int auth_enable_login(struct auth *a) {
        struct jwk *key;
        int r;

        r = login_key_new(&key);
        if (r < 0)
                return r;
        verifier_set_own_key(a->verifier, key);
        return 0;
}

int auth_login(struct auth *a, const struct auth_login *login, struct secret **ret,
               uint64_t *ret_expires_at_usec) {
        const struct jwk *key = verifier_own_key(a->verifier);

        if (!key)
                return -ENOKEY;
        return login_token(key, login, clock_usec(CLOCK_REALTIME), ret, ret_expires_at_usec);
}

int auth_still_valid(struct auth *a, const struct identity *id, struct ae_error *error) {
        return verifier_check(a->verifier, id, clock_usec(CLOCK_REALTIME), error);
}
