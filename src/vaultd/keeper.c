/* SPDX-License-Identifier: MIT */
#include "vaultd/keeper.h"

#include <errno.h>
#include <string.h>

#include "base/journal.h"
#include "vaultd/store.h"

/* Sealed as it will stand in the store, unless the record has changed by then. */
struct held {
        struct held *next;
        struct record_id id; /* owned strings */
        struct record_version replaces;
        struct buffer sealed;
};

static struct held *held_free(struct held *h) {
        if (!h)
                return NULL;
        free((char *)h->id.user_id);
        free((char *)h->id.platform);
        free((char *)h->id.account);
        buffer_done(&h->sealed);
        free(h);
        return NULL;
}
DEFINE_CLEANUP(struct held *, held_free);

void keeper_done(struct keeper *k) {
        if (k->n_held > 0)
                log_error("Lost %u rotated refresh tokens that the store did not take", k->n_held);
        while (k->held) {
                struct held *h = k->held;

                k->held = h->next;
                held_free(h);
        }
        k->n_held = 0;
}

bool record_version_equals(const struct record_version *a, const struct record_version *b) {
        return memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0;
}

static bool is_same(const struct record_id *a, const struct record_id *b) {
        return strcmp(a->user_id, b->user_id) == 0 && strcmp(a->platform, b->platform) == 0 &&
               strcmp(a->account, b->account) == 0;
}

/* Tells what the store cannot do, and logs it: nobody below did, and above it is an answer. */
static int store_error(const struct keeper *k, int r, struct ae_error *error) {
        if (r == -ENOMEM)
                return r;
        log_error("The vault's store failed: %s", store_problem(k->store));
        return ae_error_set(error, AE_STORE_UNAVAILABLE, "the vault's store failed: %s",
                            store_problem(k->store));
}

static int record_error(const struct keeper *k, int r, const struct record_id *id,
                        struct ae_error *error) {
        switch (r) {
        case -ENOENT:
                return ae_error_set(error, AE_NOT_CONNECTED, "there is no record of %s/%s/%s",
                                    id->user_id, id->platform, id->account);
        case -EDQUOT:
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'%s' has %d records, which is the most a user may have",
                                    id->user_id, STORE_MAX_PER_USER);
        default:
                return store_error(k, r, error);
        }
}

/* What is too short to have a version does not open either. */
static void read_version(const void *sealed, size_t size, struct record_version *ret) {
        *ret = (struct record_version){ 0 };
        if (size >= SEAL_OVERHEAD)
                memcpy(ret->nonce, (const unsigned char *)sealed + SEAL_NONCE_AT,
                       sizeof(ret->nonce));
}

/* The version that the store has. Returns 0 or a negative errno; none is there: zeroes. */
static int stored_version(struct keeper *k, const struct record_id *id,
                          struct record_version *ret) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        int r;

        r = store_read(k->store, id, &sealed);
        if (r < 0 && r != -ENOENT)
                return r;
        read_version(sealed.data, sealed.size, ret);
        return 0;
}

/* Returns 0 when it is written or of no use any more. */
static int write_held(struct keeper *k, const struct held *h) {
        struct record_version version;
        int r;

        r = stored_version(k, &h->id, &version);
        if (r < 0)
                return r;
        if (!record_version_equals(&version, &h->replaces))
                return 0;
        r = store_write(k->store, &h->id, h->sealed.data, h->sealed.size);
        if (r == 0)
                log_info("Wrote the refresh token of %s/%s/%s that the store had not taken",
                         h->id.user_id, h->id.platform, h->id.account);
        return r;
}

/* Writes what is held of that record, or (NULL) of all. Returns the first failure. */
static int flush(struct keeper *k, const struct record_id *id) {
        struct held **at = &k->held, *h;
        int failure = 0, r;

        while ((h = *at)) {
                r = !id || is_same(id, &h->id) ? write_held(k, h) : -EAGAIN;
                if (r == 0) {
                        *at = h->next;
                        held_free(h);
                        k->n_held--;
                        continue;
                }
                if (r != -EAGAIN && failure == 0)
                        failure = r;
                at = &h->next;
        }
        return failure;
}

void keeper_flush(struct keeper *k) {
        (void)flush(k, NULL);
}

static int hold(struct keeper *k, const struct record_id *id, const struct record_version *replaces,
                struct buffer *sealed) {
        _cleanup_(held_freep) struct held *h = NULL;

        if (k->n_held >= KEEPER_MAX_HELD)
                return -ENOBUFS;
        h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;
        h->id = (struct record_id){ strdup(id->user_id), strdup(id->platform),
                                    strdup(id->account) };
        if (!h->id.user_id || !h->id.platform || !h->id.account)
                return -ENOMEM;

        h->replaces = *replaces;
        h->sealed = *sealed;
        *sealed = (struct buffer){ 0 };
        h->next = k->held;
        k->held = TAKE_PTR(h);
        k->n_held++;
        return 0;
}

static void hold_or_lose(struct keeper *k, const struct record_id *id,
                         const struct record_version *replaces, struct buffer *sealed) {
        int r;

        r = hold(k, id, replaces, sealed);
        if (r == 0)
                log_error("The store did not take the new refresh token of %s/%s/%s, whose old one "
                          "is spent: it is kept in memory until it can be written",
                          id->user_id, id->platform, id->account);
        else
                log_error("Lost the new refresh token of %s/%s/%s, whose old one is spent: the "
                          "store did not take it, and no room was left to hold it; the account "
                          "must be connected again",
                          id->user_id, id->platform, id->account);
}

/* Opens what was sealed. */
static int open_record(const struct keeper *k, const struct record_id *id, const void *sealed,
                       size_t size, struct record *ret, struct ae_error *error) {
        _cleanup_(secret_freep) struct secret *plain = NULL;
        int r;

        r = seal_open(k->key, id, sealed, size, &plain);
        if (r == 0)
                r = record_reopen(&(struct json_slice){ .text = plain->data, .size = plain->size },
                                  ret);
        if (r == 0 || r == -ENOMEM)
                return r;

        r = ae_error_set(error, AE_INTERNAL,
                         "the record of %s/%s/%s cannot be opened: wrong key or damaged; nothing "
                         "was changed",
                         id->user_id, id->platform, id->account);
        log_error("%s", error->message);
        return r;
}

int keeper_read(struct keeper *k, const struct record_id *id, struct record *ret,
                struct record_version *ret_version, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        int r;

        r = k->held ? flush(k, id) : 0;
        if (r == 0)
                r = store_read(k->store, id, &sealed);
        if (r < 0)
                return record_error(k, r, id, error);
        r = open_record(k, id, sealed.data, sealed.size, ret, error);
        if (r == 0 && ret_version)
                read_version(sealed.data, sealed.size, ret_version);
        return r;
}

/* What could not be read again is not written: a provider's tokens have come a long way. */
static int seal_record(const struct keeper *k, const struct record_id *id, const struct record *r,
                       struct buffer *to, struct ae_error *error) {
        _cleanup_(record_done) struct record again = { 0 };
        _cleanup_(buffer_wipe) struct buffer plain = { 0 };
        int result;

        record_print(r, &plain);
        result = buffer_error(&plain);
        if (result == 0)
                result = record_reopen(
                                &(struct json_slice){ .text = plain.data, .size = plain.size },
                                &again);
        if (result == 0)
                return seal(k->key, id, plain.data, plain.size, to);
        if (result == -EBADMSG)
                return ae_error_set(error, AE_UPSTREAM_ERROR,
                                    "the provider gave what cannot be kept for %s/%s/%s",
                                    id->user_id, id->platform, id->account);
        return result;
}

int keeper_write(struct keeper *k, const struct record_id *id, const struct record *r,
                 const struct keeper_writing *how, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        struct record_version version;
        int result;

        result = seal_record(k, id, r, &sealed, error);
        if (result < 0)
                return result;

        result = how->only_if ? stored_version(k, id, &version) : 0;
        if (result == 0 && how->only_if && !record_version_equals(&version, how->only_if))
                return -ESTALE;
        if (result == 0)
                result = store_write(k->store, id, sealed.data, sealed.size);
        if (result < 0 && how->hold && how->only_if)
                hold_or_lose(k, id, how->only_if, &sealed);
        return result < 0 ? record_error(k, result, id, error) : 0;
}

int keeper_delete(struct keeper *k, const struct record_id *id,
                  const struct record_version *only_if, struct ae_error *error) {
        struct record_version version;
        int r;

        r = only_if ? stored_version(k, id, &version) : 0;
        if (r == 0 && only_if && !record_version_equals(&version, only_if))
                return -ESTALE;
        if (r == 0)
                r = store_delete(k->store, id);
        return r < 0 ? record_error(k, r, id, error) : 0;
}

struct listing {
        struct keeper *keeper;
        keeper_record_fn *found;
        keeper_app_fn *found_app;
        void *userdata;
        struct ae_error *error;
};

static int list_record(const struct record_id *id, const void *sealed, size_t size,
                       void *userdata) {
        _cleanup_(record_done) struct record record = { 0 };
        const struct listing *l = userdata;
        int r;

        r = open_record(l->keeper, id, sealed, size, &record, l->error);
        return r < 0 ? r : l->found(id, &record, l->userdata);
}

int keeper_list(struct keeper *k, const char *user_id, keeper_record_fn *found, void *userdata,
                struct ae_error *error) {
        struct listing l = {
                .keeper = k,
                .found = found,
                .userdata = userdata,
                .error = error,
        };
        int r;

        r = store_list(k->store, user_id, list_record, &l);
        return r < 0 && error->code == AE_NONE ? store_error(k, r, error) : r;
}

static int app_error(const struct keeper *k, int r, const char *name, struct ae_error *error) {
        switch (r) {
        case -ENOENT:
                return ae_error_set(error, AE_NOT_FOUND,
                                    "there is no provider '%s'; an administrator makes it with "
                                    "'actionctl provider add'",
                                    name);
        case -EDQUOT:
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "there are %d providers, which is the most there may be",
                                    STORE_MAX_PROVIDERS);
        default:
                return store_error(k, r, error);
        }
}

static int open_app(const struct keeper *k, const char *name, const void *sealed, size_t size,
                    struct oauth_app *ret, struct ae_error *error) {
        _cleanup_(ae_error_done) struct ae_error damage = { 0 };
        _cleanup_(secret_freep) struct secret *plain = NULL;
        const struct record_id id = store_provider_id(name);
        struct json_slice json = { .type = JSON_OBJECT };
        int r;

        r = seal_open(k->key, &id, sealed, size, &plain);
        if (r == 0) {
                json.text = plain->data;
                json.size = plain->size;
                r = oauth_app_parse(&json, ret, &damage);
        }
        if (r == 0 || r == -ENOMEM)
                return r;

        r = ae_error_set(error, AE_INTERNAL,
                         "the provider '%s' cannot be opened: wrong key or damaged; nothing was "
                         "changed",
                         name);
        log_error("%s", error->message);
        return r;
}

int keeper_read_app(struct keeper *k, const char *name, struct oauth_app *ret,
                    struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        int r;

        r = store_read_provider(k->store, name, &sealed);
        if (r < 0)
                return app_error(k, r, name, error);
        return open_app(k, name, sealed.data, sealed.size, ret, error);
}

int keeper_write_app(struct keeper *k, const char *name, const struct oauth_app *app,
                     struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        _cleanup_(buffer_wipe) struct buffer plain = { 0 };
        const struct record_id id = store_provider_id(name);
        int r;

        oauth_app_print(app, /* with_secret= */ true, &plain);
        r = buffer_error(&plain);
        if (r == 0)
                r = seal(k->key, &id, plain.data, plain.size, &sealed);
        if (r < 0)
                return r;
        r = store_write_provider(k->store, name, sealed.data, sealed.size);
        return r < 0 ? app_error(k, r, name, error) : 0;
}

int keeper_delete_app(struct keeper *k, const char *name, struct ae_error *error) {
        int r;

        r = store_delete_provider(k->store, name);
        return r < 0 ? app_error(k, r, name, error) : 0;
}

static int list_app(const char *name, const void *sealed, size_t size, void *userdata) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        const struct listing *l = userdata;
        int r;

        r = open_app(l->keeper, name, sealed, size, &app, l->error);
        return r < 0 ? r : l->found_app(name, &app, l->userdata);
}

int keeper_list_apps(struct keeper *k, keeper_app_fn *found, void *userdata,
                     struct ae_error *error) {
        struct listing l = {
                .keeper = k,
                .found_app = found,
                .userdata = userdata,
                .error = error,
        };
        int r;

        r = store_list_providers(k->store, list_app, &l);
        return r < 0 && error->code == AE_NONE ? store_error(k, r, error) : r;
}
