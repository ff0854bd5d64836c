/* SPDX-License-Identifier: MIT */
/*
 * setup: the steps that belong to the machine.
 */
#include "actionctl/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actionctl/program.h"
#include "auth/jwk-file.h"
#include "base/sync-folder.h"

#define ETC CONFIG_ADMIN_DIR
#define VAULT_KEY ETC "/vault-key.cred"
#define VAULT_KEY_NEW ETC "/.vault-key.cred.new"
#define VAULT_KEY_BYTES 32
#define VAULT_RECORDS "/var/lib/action-vault/vault.db"
#define PRIVATE_DIR ETC "/private"
#define PRIVATE_KEY PRIVATE_DIR "/signing.jwk"
#define PUBLIC_DIR ETC "/keys.d"
#define PUBLIC_KEY PUBLIC_DIR "/" KID ".jwk"
#define SOCKET_DIR "/run/action-engine"
#define CATALOG_DATABASE "/var/lib/systemd/catalog/database"
#define KID "local"
#define ISSUER "actionctl"
/* Of sysusers.d, tmpfiles.d: nobody else's are touched. */
#define OUR_FILE "action-engine.conf"

/* ---- what all steps use ---- */

int setup_fail(struct setup *s, int r, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vsnprintf(s->reason, sizeof(s->reason), format, ap);
        va_end(ap);
        return r;
}

void setup_path(const struct setup *s, const char *path, char ret[static PATH_MAX]) {
        snprintf(ret, PATH_MAX, "%s%s", s->root, path);
}

/* Whatever it is. */
static bool exists(const struct setup *s, const char *path) {
        char full[PATH_MAX];

        setup_path(s, path, full);
        return faccessat(AT_FDCWD, full, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int check_run(struct setup *s, const char *program, int r, const char *said) {
        if (r == -ENOENT)
                return setup_fail(s, r, "there is no program '%s' on this system", program);
        if (r < 0)
                return setup_fail(s, r, "'%s' cannot be run: %s", program, strerror(-r));
        if (r > 0)
                return setup_fail(s, -EIO, "'%s' ended with status %d: %s", program, r, said);
        return 0;
}

static int run(struct setup *s, const char *const argv[]) {
        char said[PROGRAM_SAID_MAX];
        int r = program_run(argv, NULL, -1, said);

        return check_run(s, argv[0], r, said);
}

int setup_run_in_root(struct setup *s, const char *option, const char *const argv[]) {
        char in_root[PATH_MAX + 32];
        const char *with[16] = { argv[0], in_root };

        if (!*s->root)
                return run(s, argv);
        snprintf(in_root, sizeof(in_root), "%s%s", option, s->root);
        for (size_t i = 1; argv[i] && i + 2 < ELEMENTSOF(with); i++)
                with[i + 1] = argv[i];
        return run(s, with);
}

static int make_folder(struct setup *s, const char *path, mode_t mode) {
        char full[PATH_MAX];
        int r;

        setup_path(s, path, full);
        if (mkdir(full, mode) < 0 && errno != EEXIST)
                return setup_fail(s, -errno, "'%s' cannot be made: %s", full, strerror(errno));
        /* Who made it may have been interrupted. */
        r = sync_folder_of(AT_FDCWD, full);
        return r < 0 ? setup_fail(s, r, "'%s' cannot be kept: %s", full, strerror(-r)) : 0;
}

/* ---- users, folders, units ---- */

static int find_users(struct setup *s) {
        return setup_has_user(s, "action-engine") && setup_has_user(s, "action-vault");
}

static int make_users(struct setup *s) {
        static const char *const argv[] = { "systemd-sysusers", OUR_FILE, NULL };

        return setup_run_in_root(s, "--root=", argv);
}

static int find_socket_folder(struct setup *s) {
        return exists(s, SOCKET_DIR);
}

static int make_socket_folder(struct setup *s) {
        static const char *const argv[] = { "systemd-tmpfiles", "--create", OUR_FILE, NULL };

        return run(s, argv);
}

/* Fills `ret` with what the program prints. */
static int run_for_text(struct setup *s, const char *const argv[], char *ret, size_t size) {
        _cleanup_(fd_closep) int out = memfd_create("out", MFD_CLOEXEC);
        char said[PROGRAM_SAID_MAX];
        ssize_t n;
        int r;

        if (out < 0)
                return setup_fail(s, -errno, "there is no memory: %s", strerror(errno));
        r = program_run(argv, NULL, out, said);
        r = check_run(s, argv[0], r, said);
        if (r < 0)
                return r;
        n = pread(out, ret, size - 1, 0);
        ret[n > 0 ? n : 0] = '\0';
        return 0;
}

static int find_units(struct setup *s) {
        static const char *const argv[] = {
                "systemctl",
                "show",
                "--property=LoadState",
                "--property=NeedDaemonReload",
                "action-engine.service",
                "action-engine.socket",
                "action-grant.socket",
                "action-vault.service",
                "action-vault.socket",
                NULL,
        };
        char text[1024];
        int r;

        r = run_for_text(s, argv, text, sizeof(text));
        if (r < 0)
                return r;
        return !strstr(text, "NeedDaemonReload=yes") && !strstr(text, "LoadState=not-found");
}

static int make_units(struct setup *s) {
        static const char *const argv[] = { "systemctl", "daemon-reload", NULL };

        return run(s, argv);
}

/* Its file is never older than what was made of it. */
static int find_catalog(struct setup *s) {
        struct stat ours, made;
        char path[PATH_MAX];

        setup_path(s, CATALOG_FILE, path);
        if (stat(path, &ours) < 0)
                return setup_fail(s, -errno, "there is no '%s': install first", path);
        setup_path(s, CATALOG_DATABASE, path);
        if (stat(path, &made) < 0)
                return 0;
        return made.st_mtim.tv_sec > ours.st_ctim.tv_sec ||
               (made.st_mtim.tv_sec == ours.st_ctim.tv_sec &&
                made.st_mtim.tv_nsec >= ours.st_ctim.tv_nsec);
}

static int make_catalog(struct setup *s) {
        static const char *const argv[] = { "journalctl", "--update-catalog", NULL };

        return setup_run_in_root(s, "--root=", argv);
}

/* ---- the vault's key ---- */

static int find_vault_key(struct setup *s) {
        if (exists(s, VAULT_KEY))
                return 1;
        if (!exists(s, VAULT_RECORDS))
                return 0;
        return setup_fail(s, -EEXIST,
                          VAULT_RECORDS " holds what another key has sealed: bring that key back "
                                        "as " VAULT_KEY ", or move the records away");
}

/* Its name only once it is whole. */
static int seal_vault_key(struct setup *s, const struct secret *key, int fd) {
        static const char *const argv[] = {
                "systemd-creds", "encrypt", "--name=vault-key", "-", "-", NULL,
        };
        char said[PROGRAM_SAID_MAX];
        int r;

        r = program_run(argv, key, fd, said);
        r = check_run(s, argv[0], r, said);
        if (r < 0)
                return r;
        if (fsync(fd) < 0 || link(VAULT_KEY_NEW, VAULT_KEY) < 0)
                return setup_fail(s, -errno, VAULT_KEY " cannot be written: %s", strerror(errno));
        r = sync_folder_of(AT_FDCWD, VAULT_KEY); /* records are sealed with it from now on */
        return r < 0 ? setup_fail(s, r, VAULT_KEY " cannot be kept: %s", strerror(-r)) : 0;
}

static int make_vault_key(struct setup *s) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        _cleanup_(fd_closep) int fd = -1;
        int r;

        r = secret_new(NULL, VAULT_KEY_BYTES, &key);
        if (r < 0)
                return setup_fail(s, r, "there is no memory");
        randombytes_buf(key->data, key->size);

        r = make_folder(s, ETC, 0755);
        if (r < 0)
                return r;
        (void)unlink(VAULT_KEY_NEW); /* of one who was interrupted */
        fd = open(VAULT_KEY_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
                return setup_fail(s, -errno, VAULT_KEY_NEW " cannot be made: %s", strerror(errno));
        r = seal_vault_key(s, key, fd);
        (void)unlink(VAULT_KEY_NEW);
        return r;
}

/* ---- the keys of tokens ---- */

static int read_key(struct setup *s, const char *path, enum jwk_part part, struct jwk **ret) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        char full[PATH_MAX];
        int r;

        setup_path(s, path, full);
        r = jwk_read_file(AT_FDCWD, full, part, ret, &error);
        return r < 0 ? setup_fail(s, r, "the key in '%s' cannot be used: %s", full, error.message)
                     : 0;
}

static int write_key(struct setup *s, const char *path, enum jwk_part part) {
        char full[PATH_MAX];
        int r;

        setup_path(s, path, full);
        r = jwk_write_file(AT_FDCWD, full, s->key, part);
        return r < 0 ? setup_fail(s, r, "'%s' cannot be written: %s", full, strerror(-r)) : 0;
}

static int find_private_key(struct setup *s) {
        int r;

        if (!exists(s, PRIVATE_KEY))
                return 0;
        r = read_key(s, PRIVATE_KEY, JWK_PRIVATE, &s->key);
        return r < 0 ? r : 1;
}

static int make_private_key(struct setup *s) {
        int r;

        r = make_folder(s, ETC, 0755);
        if (r == 0)
                r = make_folder(s, PRIVATE_DIR, 0700);
        if (r < 0)
                return r;
        r = jwk_generate(&jwk_ed25519, KID, ISSUER, &s->key);
        if (r < 0)
                return setup_fail(s, r, "there is no memory");
        return write_key(s, PRIVATE_KEY, JWK_PRIVATE);
}

static int find_public_key(struct setup *s) {
        _cleanup_(jwk_freep) struct jwk *key = NULL;
        int r;

        if (!exists(s, PUBLIC_KEY))
                return 0;
        r = read_key(s, PUBLIC_KEY, JWK_PUBLIC, &key);
        if (r < 0)
                return r;
        if (s->key && memcmp(key->fingerprint, s->key->fingerprint, JWK_FINGERPRINT_SIZE) != 0)
                return setup_fail(s, -EEXIST,
                                  PUBLIC_KEY " belongs to another key than " PRIVATE_KEY
                                             ": move away the one that is wrong");
        return 1;
}

static int make_public_key(struct setup *s) {
        int r = make_folder(s, PUBLIC_DIR, 0755);

        return r < 0 ? r : write_key(s, PUBLIC_KEY, JWK_PUBLIC);
}

/* ---- sockets ---- */

static const char *const engine_socket[] = { "action-engine.socket", NULL };
static const char *const vault_sockets[] = { "action-grant.socket", "action-vault.socket", NULL };

/* Whether `systemctl VERB` says yes to every one. */
static int ask_systemctl(struct setup *s, const char *verb, const char *const units[]) {
        char in_root[PATH_MAX + 32], said[PROGRAM_SAID_MAX];

        snprintf(in_root, sizeof(in_root), "--root=%s", s->root);
        for (size_t i = 0; units[i]; i++) {
                const char *const argv[] = {
                        "systemctl", verb, "--quiet", units[i], *s->root ? in_root : NULL, NULL
                };
                int r = program_run(argv, NULL, -1, said);

                if (r < 0)
                        return check_run(s, argv[0], r, said);
                if (r > 0)
                        return 0;
        }
        return 1;
}

static int find_sockets(struct setup *s, const char *const units[]) {
        int r = ask_systemctl(s, "is-enabled", units);

        return r > 0 && !*s->root ? ask_systemctl(s, "is-active", units) : r;
}

static int make_sockets(struct setup *s, const char *const units[]) {
        const char *argv[8] = { "systemctl", "enable", *s->root ? "--quiet" : "--now" };

        for (size_t i = 0; units[i]; i++)
                argv[3 + i] = units[i];
        return setup_run_in_root(s, "--root=", argv);
}

static int find_engine_socket(struct setup *s) {
        return find_sockets(s, engine_socket);
}

static int make_engine_socket(struct setup *s) {
        return make_sockets(s, engine_socket);
}

static int find_vault_sockets(struct setup *s) {
        return find_sockets(s, vault_sockets);
}

static int make_vault_sockets(struct setup *s) {
        return make_sockets(s, vault_sockets);
}

/* ---- all of them, in their order ---- */

/* clang-format off */
const struct setup_step setup_steps[] = {
        { "users",         "the users action-engine and action-vault", 0,
          find_users, make_users },
        { "socket-folder", "the folder of the sockets, " SOCKET_DIR, SETUP_RUNNING,
          find_socket_folder, make_socket_folder },
        { "units",         "the units, as they are installed, known to systemd", SETUP_RUNNING,
          find_units, make_units },
        { "catalog",       "the journal's explanations", 0,
          find_catalog, make_catalog },
        { "vault-key",     "the vault's key, which this machine alone can open, " VAULT_KEY, SETUP_RUNNING | SETUP_VAULT,
          find_vault_key, make_vault_key },
        { "private-key",   "the key that signs tokens, " PRIVATE_KEY, 0,
          find_private_key, make_private_key },
        { "public-key",    "its public half, for the engine, " PUBLIC_KEY, 0,
          find_public_key, make_public_key },
        { "vault-sockets", "the vault's sockets, now and after each boot", SETUP_VAULT,
          find_vault_sockets, make_vault_sockets },
        { "engine-socket", "the engine's socket, now and after each boot", 0,
          find_engine_socket, make_engine_socket },
        { "member",        "the user in the group action-engine, whom the socket lets in", SETUP_USER,
          setup_find_member, setup_make_member },
        { "token",         "the user's token, which they alone may present", SETUP_USER,
          setup_find_token, setup_make_token },
};
/* clang-format on */

const size_t setup_n_steps = ELEMENTSOF(setup_steps);
