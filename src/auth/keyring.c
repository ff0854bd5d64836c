/* SPDX-License-Identifier: MIT */
#include "auth/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/jwk-file.h"

#define SUFFIX ".jwk"

struct keyring {
        struct jwk *keys[KEYRING_MAX_KEYS];
        size_t n_keys;
};

/* One reading of a folder. */
struct loader {
        const char *directory;
        int fd;
        struct keyring *ring;
        void (*on_problem)(const char *sentence, void *userdata);
        void *userdata;
};

static DIR *dir_close(DIR *d) {
        if (d)
                closedir(d);
        return NULL;
}
DEFINE_CLEANUP(DIR *, dir_close);

struct keyring *keyring_free(struct keyring *k) {
        if (!k)
                return NULL;
        for (size_t i = 0; i < k->n_keys; i++)
                jwk_free(k->keys[i]);
        free(k);
        return NULL;
}

size_t keyring_n_keys(const struct keyring *k) {
        return k->n_keys;
}

const struct jwk *keyring_find(const struct keyring *k, const char *kid) {
        for (size_t i = 0; i < k->n_keys; i++)
                if (strcmp(k->keys[i]->kid, kid) == 0)
                        return k->keys[i];
        return NULL;
}

static void tell(const struct loader *l, const char *name, const char *what) {
        struct ae_error sentence = { 0 }; /* for its way of cleaning foreign text */

        if (!l->on_problem)
                return;
        (void)ae_error_set(&sentence, AE_INTERNAL, "the key file %s/%s is not used: %s",
                           l->directory, name, what);
        l->on_problem(sentence.message, l->userdata);
}

static bool is_key_name(const char *name) {
        size_t n = strlen(name);

        return name[0] != '.' && n > strlen(SUFFIX) &&
               strcmp(name + n - strlen(SUFFIX), SUFFIX) == 0;
}

/* The name says what the key is called; what the text says may only agree. */
static int take_name(struct jwk *k, const char *name, struct ae_error *error) {
        char kid[NAME_MAX + 1];

        snprintf(kid, sizeof(kid), "%.*s", (int)(strlen(name) - strlen(SUFFIX)), name);
        if (!jwk_kid_is_valid(kid))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its name is not 1 to %d letters, digits, '.', '_' or '-' "
                                    "before " SUFFIX,
                                    JWK_KID_MAX);
        if (k->kid[0] && strcmp(k->kid, kid) != 0)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'kid' is '%s'; name the file %s" SUFFIX, k->kid, k->kid);
        strcpy(k->kid, kid);
        return 0;
}

static int load_key(struct loader *l, const char *name, struct ae_error *error) {
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        int r;

        r = jwk_read_file(l->fd, name, JWK_PUBLIC, &k, error);
        if (r < 0)
                return r;
        r = take_name(k, name, error);
        if (r < 0)
                return r;
        l->ring->keys[l->ring->n_keys++] = TAKE_PTR(k);
        return 0;
}

/* Not the file's fault: read again later, all of it, rather than go on without a key. */
static bool is_shortage(int r) {
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

static int load_all(struct loader *l, DIR *dir) {
        for (;;) {
                struct ae_error problem = { 0 };
                const struct dirent *entry;
                int r;

                errno = 0;
                entry = readdir(dir);
                if (!entry)
                        return -errno;
                if (!is_key_name(entry->d_name))
                        continue;
                if (l->ring->n_keys >= KEYRING_MAX_KEYS) {
                        tell(l, entry->d_name, "the folder holds too many keys; remove old ones");
                        return 0;
                }

                r = load_key(l, entry->d_name, &problem);
                if (is_shortage(r))
                        return r;
                /* One that went away since it was listed was not there. */
                if (r < 0 && r != -ENOENT)
                        tell(l, entry->d_name, problem.message);
        }
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
        _cleanup_(dir_closep) DIR *dir = NULL;
        int r;

        dir = opendir(l->directory);
        if (!dir)
                return -errno;
        l->fd = dirfd(dir);
        r = check_directory(l, error);
        if (r < 0)
                return r;
        return load_all(l, dir);
}

int keyring_load(const char *directory, void (*on_problem)(const char *sentence, void *userdata),
                 void *userdata, struct keyring **ret, struct ae_error *error) {
        _cleanup_(keyring_freep) struct keyring *ring = calloc(1, sizeof(*ring));
        struct loader l = {
                .directory = directory, .ring = ring, .on_problem = on_problem, .userdata = userdata
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
