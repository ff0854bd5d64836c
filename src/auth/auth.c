/* SPDX-License-Identifier: MIT */
/*
 * The rim of this room: the clock, and the watch over the folder of keys. What a token is worth is
 * verifier.c's business.
 */
#include "auth/auth.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/inotify.h>

#include "auth/identity.h"
#include "auth/keyring.h"
#include "auth/login.h"
#include "auth/verifier.h"
#include "base/clock.h"

#define MAX_SKEW_USEC (UINT64_C(86400) * USEC_PER_SEC)
#define RETRY_USEC USEC_PER_SEC
#define SETTLE_USEC (100 * USEC_PER_MSEC)

#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
#define WATCHED_EVENTS \
        (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
         SELF_EVENTS | IN_ONLYDIR)

/* Both before clients (priority 0), so that no request is judged by keys that are gone. */
#define WATCH_PRIORITY SD_EVENT_PRIORITY_IMPORTANT
#define RELOAD_PRIORITY (WATCH_PRIORITY + 1)

struct auth {
        sd_event *event;
        char *directory;
        struct verifier *verifier;
        sd_event_source *watch;  /* NULL: the folder is not there at the moment */
        sd_event_source *reload; /* a timer, so that many changes cost one reading */
        bool failing;            /* the last reading failed, and it was told */
        void (*on_problem)(const char *sentence, void *userdata);
        void *userdata;
};

static void schedule_reload(struct auth *a, uint64_t delay_usec) {
        uint64_t at = clock_usec(CLOCK_MONOTONIC) + delay_usec, pending;

        if (sd_event_source_get_enabled(a->reload, NULL) > 0 &&
            sd_event_source_get_time(a->reload, &pending) >= 0 && pending <= at)
                return;
        (void)sd_event_source_set_time(a->reload, at);
        (void)sd_event_source_set_enabled(a->reload, SD_EVENT_ONESHOT);
}

/*
 * A file that was just created is most likely still being written, and tells when it is closed;
 * only links do not. What takes a key away may not wait.
 */
static int on_directory_event(sd_event_source *source, const struct inotify_event *e,
                              void *userdata) {
        struct auth *a = userdata;

        if (e->mask & (SELF_EVENTS | IN_IGNORED | IN_UNMOUNT))
                a->watch = sd_event_source_disable_unref(a->watch);
        schedule_reload(a, e->mask & IN_CREATE ? SETTLE_USEC : 0);
        return 0;
}

static int watch_directory(struct auth *a) {
        int r;

        r = sd_event_add_inotify(a->event, &a->watch, a->directory, WATCHED_EVENTS,
                                 on_directory_event, a);
        if (r < 0)
                return r;
        return sd_event_source_set_priority(a->watch, WATCH_PRIORITY);
}

/* The watch first: what changes while we read is then seen again. */
static int read_keys(struct auth *a, struct keyring **ret, struct ae_error *error) {
        int r;

        if (!a->watch) {
                r = watch_directory(a);
                if (r < 0) {
                        (void)ae_error_set(error, AE_INTERNAL,
                                           "the key folder %s cannot be watched (%s); it must be "
                                           "there and readable by the engine",
                                           a->directory, strerror(-r));
                        return r;
                }
        }
        return keyring_load(a->directory, a->on_problem, a->userdata, ret, error);
}

/* Fails closed: keys that cannot be read are no keys, however good they were. */
static int on_reload(sd_event_source *source, uint64_t usec, void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct auth *a = userdata;
        struct keyring *keys = NULL;
        int r;

        r = read_keys(a, &keys, &error);
        verifier_set_keys(a->verifier, keys);
        if (r < 0) {
                a->watch = sd_event_source_disable_unref(a->watch);
                if (!a->failing && a->on_problem)
                        a->on_problem(error.message, a->userdata);
                schedule_reload(a, RETRY_USEC);
        }
        a->failing = r < 0;
        return 0;
}

static int add_reload(struct auth *a) {
        int r;

        r = sd_event_add_time(a->event, &a->reload, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_reload,
                              a);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(a->reload, RELOAD_PRIORITY);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(a->reload, SD_EVENT_OFF);
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
        a->event = sd_event_ref(event);
        a->on_problem = options->on_problem;
        a->userdata = options->userdata;
        a->directory = strdup(options->key_directory);
        if (!a->directory)
                return ae_error_from_errno(error, -ENOMEM);

        r = add_reload(a);
        if (r < 0)
                return ae_error_from_errno(error, r);
        r = make_verifier(a, options, error);
        if (r < 0)
                return ae_error_from_errno(error, r);

        *ret = TAKE_PTR(a);
        return 0;
}

struct auth *auth_free(struct auth *a) {
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->reload);
        sd_event_source_disable_unref(a->watch);
        verifier_free(a->verifier);
        free(a->directory);
        sd_event_unref(a->event);
        free(a);
        return NULL;
}

size_t auth_n_keys(const struct auth *a) {
        return verifier_n_keys(a->verifier);
}

int auth_verify(struct auth *a, const char *token, size_t size, uid_t uid, struct identity **ret,
                struct ae_error *error) {
        return verifier_verify(a->verifier, token, size, uid, clock_usec(CLOCK_REALTIME), ret,
                               error);
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
