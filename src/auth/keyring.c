/* SPDX-License-Identifier: MIT */
#include "auth/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "auth/jwk-file.h"

#define KEY_SUFFIX ".jwk"

/* A key and the file that it came from: of both a ring and its successor, if that file broke. */
struct held {
        unsigned n_refs;
        struct jwk *jwk; /* owned */
        char file[NAME_MAX + 1];
};

struct keyring {
        struct held *keys[KEYRING_MAX_KEYS];
        size_t n_keys;
};

/* One reading of a folder. */
struct loader {
        const char *directory;
        int fd;
        const struct keyring *old; /* NULL: nothing was read before */
        struct keyring *ring;
        const char *name; /* of the file that is being read */
        void (*on_problem)(int priority, const char *sentence, void *userdata);
        void *userdata;
};

static void held_unref(struct held *h) {
        if (--h->n_refs > 0)
                return;
        jwk_free(h->jwk);
        free(h);
}

struct keyring *keyring_free(struct keyring *k) {
        if (!k)
                return NULL;
        for (size_t i = 0; i < k->n_keys; i++)
                held_unref(k->keys[i]);
        free(k);
        return NULL;
}

size_t keyring_n_keys(const struct keyring *k) {
        return k->n_keys;
}

const struct jwk *keyring_find(const struct keyring *k, const char *kid) {
        for (size_t i = 0; i < k->n_keys; i++)
                if (strcmp(k->keys[i]->jwk->kid, kid) == 0)
                        return k->keys[i]->jwk;
        return NULL;
}

static void tell(const struct loader *l, int priority, const char *what, const char *why) {
        struct ae_error sentence = { 0 }; /* for its way of cleaning foreign text */

        if (!l->on_problem)
                return;
        (void)ae_error_set(&sentence, AE_INTERNAL, "the key file %s/%s %s: %s", l->directory,
                           l->name, what, why);
        l->on_problem(priority, sentence.message, l->userdata);
}

/* The same kid twice: who made a token would depend on which file is read first. */
static int check_room(const struct keyring *ring, const char *kid, struct ae_error *error) {
        if (keyring_find(ring, kid))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "another file, or this one, has a key '%s' already", kid);
        if (ring->n_keys >= KEYRING_MAX_KEYS)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "the folder holds too many keys; remove old ones");
        return 0;
}

/* Takes over `k` on success. */
static int add_key(struct loader *l, struct jwk *k, struct ae_error *error) {
        struct held *h;
        int r;

        r = check_room(l->ring, k->kid, error);
        if (r < 0)
                return r;
        h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;
        h->n_refs = 1;
        h->jwk = k;
        snprintf(h->file, sizeof(h->file), "%s", l->name);
        l->ring->keys[l->ring->n_keys++] = h;
        return 0;
}

/* What the file held when it was last good. Returns how many keys. */
static size_t keep_keys(struct loader *l) {
        size_t n = 0;

        for (size_t i = 0; l->old && i < l->old->n_keys; i++) {
                struct ae_error unheard = { 0 }; /* another file has it now, which is told there */
                struct held *h = l->old->keys[i];

                if (strcmp(h->file, l->name) != 0 || check_room(l->ring, h->jwk->kid, &unheard) < 0)
                        continue;
                h->n_refs++;
                l->ring->keys[l->ring->n_keys++] = h;
                n++;
        }
        return n;
}

/* The name says what the key is called; what the text says may only agree. */
static int take_name(struct jwk *k, const char *name, struct ae_error *error) {
        char kid[NAME_MAX + 1];

        snprintf(kid, sizeof(kid), "%.*s", (int)(strlen(name) - strlen(KEY_SUFFIX)), name);
        if (!jwk_kid_is_valid(kid))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its name is not 1 to %d letters, digits, '.', '_' or '-' "
                                    "before " KEY_SUFFIX,
                                    JWK_KID_MAX);
        if (k->kid[0] && strcmp(k->kid, kid) != 0)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'kid' is '%s'; name the file %s" KEY_SUFFIX, k->kid,
                                    k->kid);
        strcpy(k->kid, kid);
        return 0;
}

static int load_key(struct loader *l, struct ae_error *error) {
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        int r;

        r = jwk_read_file(l->fd, l->name, JWK_PUBLIC, &k, error);
        if (r < 0)
                return r;
        r = take_name(k, l->name, error);
        if (r < 0)
                return r;
        r = add_key(l, k, error);
        if (r < 0)
                return r;
        TAKE_PTR(k);
        return 0;
}

static void on_skipped(const char *sentence, void *userdata) {
        const struct loader *l = userdata;

        tell(l, LOG_NOTICE, "is not used in full", sentence);
}

static int load_set(struct loader *l, struct ae_error *error) {
        _cleanup_(jwks_done) struct jwks set = { 0 };
        int r;

        r = jwks_read_file(l->fd, l->name, on_skipped, l, &set, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < set.n_keys; i++) {
                struct ae_error problem = { 0 };

                r = add_key(l, set.keys[i], &problem);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        on_skipped(problem.message, l);
                else
                        set.keys[i] = NULL;
        }
        return 0;
}

static const struct kind {
        const char *suffix;
        int (*load)(struct loader *l, struct ae_error *error);
} kinds[] = {
        { KEY_SUFFIX, load_key },
        { ".jwks", load_set },
};

static const struct kind *find_kind(const char *name) {
        size_t n = strlen(name);

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                size_t suffix = strlen(kinds[i].suffix);

                if (name[0] != '.' && n > suffix && strcmp(name + n - suffix, kinds[i].suffix) == 0)
                        return &kinds[i];
        }
        return NULL;
}

static int is_key_file(const struct dirent *entry) {
        return find_kind(entry->d_name) != NULL;
}

/* Not the file's fault: read again later, all of it, rather than go on without a key. */
static bool is_shortage(int r) {
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/*
 * A key that was good does not go because its file is written badly, or is being written. Where
 * anybody may write it, what it held before may have been anybody's as well.
 */
static void fall_back(struct loader *l, int r, const struct ae_error *problem) {
        size_t n = r == -EPERM ? 0 : keep_keys(l);
        struct ae_error why = { 0 };

        if (n == 0) {
                tell(l, LOG_WARNING, "is not used", problem->message);
                return;
        }
        (void)ae_error_set(&why, AE_INTERNAL,
                           "%.300s; what it held before (keys: %zu) stays good "
                           "until the file is mended or removed",
                           problem->message, n);
        tell(l, LOG_ERR, "is not used", why.message);
}

static int load_file(struct loader *l, const char *name) {
        struct ae_error problem = { 0 };
        int r;

        l->name = name;
        r = find_kind(name)->load(l, &problem);
        if (is_shortage(r))
                return r;
        /* One that went away since it was listed was not there. */
        if (r < 0 && r != -ENOENT)
                fall_back(l, r, &problem);
        return 0;
}

/* In the order of their names, so that which key is one too many is no matter of chance. */
static int load_all(struct loader *l) {
        struct dirent **entries;
        int n, r = 0;

        n = scandirat(l->fd, ".", &entries, is_key_file, alphasort);
        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = load_file(l, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int check_directory(const struct loader *l, struct ae_error *error) {
        struct stat st;

        if (fstat(l->fd, &st) < 0)
                return -errno;
        if (st.st_mode & S_IWOTH)
                return ae_error_set(error, AE_INTERNAL,
                                    "anybody can put keys into the key folder %s; make its mode "
                                    "0755",
                                    l->directory);
        return 0;
}

static int load(struct loader *l, struct ae_error *error) {
        _cleanup_(fd_closep) int fd = open(l->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        l->fd = fd;
        r = check_directory(l, error);
        return r < 0 ? r : load_all(l);
}

int keyring_load(const char *directory, const struct keyring *old,
                 void (*on_problem)(int priority, const char *sentence, void *userdata),
                 void *userdata, struct keyring **ret, struct ae_error *error) {
        _cleanup_(keyring_freep) struct keyring *ring = calloc(1, sizeof(*ring));
        struct loader l = {
                .directory = directory,
                .old = old,
                .ring = ring,
                .on_problem = on_problem,
                .userdata = userdata,
        };
        int r;

        r = ring ? load(&l, error) : -ENOMEM;
        if (r < 0 && error->code == AE_NONE)
                (void)ae_error_set(error, AE_INTERNAL,
                                   "the key folder %s cannot be read (%s); it must be there and "
                                   "readable by the engine",
                                   directory, strerror(-r));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ring);
        return 0;
}
