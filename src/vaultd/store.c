/* SPDX-License-Identifier: MIT */
#include "vaultd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "vault/record.h"
#include "vaultd/database.h"
#include "vaultd/guard.h"

enum statement {
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        STATEMENT_READ,
        STATEMENT_REPLACE,
        STATEMENT_COUNT_OF_USER,
        STATEMENT_INSERT,
        STATEMENT_DELETE,
        STATEMENT_LIST,
        STATEMENT_COUNT,
        STATEMENT_PROVIDER_READ,
        STATEMENT_PROVIDER_REPLACE,
        STATEMENT_PROVIDER_COUNT,
        STATEMENT_PROVIDER_INSERT,
        STATEMENT_PROVIDER_DELETE,
        STATEMENT_PROVIDER_LIST,
        STATEMENT_MAX,
};

#define SEALED "?4" /* behind the names that there may be */
#define SEALED_INDEX 4

/* clang-format off */
static const char *const statements[STATEMENT_MAX] = {
        [STATEMENT_BEGIN]            = "BEGIN IMMEDIATE",
        [STATEMENT_COMMIT]           = "COMMIT",
        [STATEMENT_ROLLBACK]         = "ROLLBACK",
        [STATEMENT_READ]             = "SELECT sealed FROM record"
                                       " WHERE user_id = ?1 AND platform = ?2 AND account = ?3",
        [STATEMENT_REPLACE]          = "UPDATE record SET sealed = " SEALED
                                       " WHERE user_id = ?1 AND platform = ?2 AND account = ?3",
        [STATEMENT_COUNT_OF_USER]    = "SELECT count(*) FROM record WHERE user_id = ?1",
        [STATEMENT_INSERT]           = "INSERT INTO record (user_id, platform, account, sealed)"
                                       " VALUES (?1, ?2, ?3, " SEALED ")",
        [STATEMENT_DELETE]           = "DELETE FROM record"
                                       " WHERE user_id = ?1 AND platform = ?2 AND account = ?3",
        [STATEMENT_LIST]             = "SELECT platform, account, sealed FROM record"
                                       " WHERE user_id = ?1 ORDER BY platform, account",
        [STATEMENT_COUNT]            = "SELECT count(*) FROM record",
        [STATEMENT_PROVIDER_READ]    = "SELECT sealed FROM provider WHERE name = ?1",
        [STATEMENT_PROVIDER_REPLACE] = "UPDATE provider SET sealed = " SEALED " WHERE name = ?1",
        [STATEMENT_PROVIDER_COUNT]   = "SELECT count(*) FROM provider",
        [STATEMENT_PROVIDER_INSERT]  = "INSERT INTO provider (name, sealed) VALUES (?1, " SEALED ")",
        [STATEMENT_PROVIDER_DELETE]  = "DELETE FROM provider WHERE name = ?1",
        [STATEMENT_PROVIDER_LIST]    = "SELECT name, sealed FROM provider ORDER BY name",
};
/* clang-format on */

struct store {
        char *path;
        int lock_fd; /* of the folder: there is no second one that writes */
        size_t max_bytes;
        struct database database;
        struct guard guard;
        sqlite3_stmt *statements[STATEMENT_MAX];
        size_t n_records;
};

static void statement_reset(sqlite3_stmt **statement) {
        if (!*statement)
                return;
        (void)sqlite3_reset(*statement);
        (void)sqlite3_clear_bindings(*statement);
}

static int prepare(struct store *s) {
        int rc;

        for (size_t i = 0; i < STATEMENT_MAX; i++) {
                rc = sqlite3_prepare_v3(s->database.db, statements[i], -1,
                                        SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL);
                if (rc != SQLITE_OK)
                        return database_failed(&s->database, rc);
        }
        return 0;
}

static void close_file(struct store *s) {
        for (size_t i = 0; i < STATEMENT_MAX; i++) {
                (void)sqlite3_finalize(s->statements[i]);
                s->statements[i] = NULL;
        }
        guard_close(&s->guard);
        database_close(&s->database);
}

/* O_CREAT in `flags` makes the file if there is none. */
static int open_file(struct store *s, int flags) {
        int r, n;

        r = database_open(&s->database, s->path, s->max_bytes, flags);
        if (r < 0)
                return r;
        r = prepare(s);
        if (r < 0)
                return r;
        r = guard_open(&s->guard, &s->database);
        if (r < 0)
                return r;
        r = database_int(&s->database, statements[STATEMENT_COUNT], &n);
        if (r < 0)
                return r;

        s->n_records = (size_t)n;
        s->database.broken = false;
        return 0;
}

/* Says in a sentence why the file was not opened. Returns r. */
static int explain(const struct store *s, int r, char error[static STORE_ERROR_SIZE]) {
        static const struct {
                int error;
                const char *what;
        } reasons[] = {
                { -EUCLEAN, "is damaged; it was left as it is: restore it, or move it away" },
                { -EPROTONOSUPPORT, "was written by a newer version; it was left as it is" },
                { -EMEDIUMTYPE, "is not a vault's store; it was left as it is" },
                { -EBUSY, "is in use by another program" },
                { -EDEADLK, "is served by another action-vaultd; there can only be one" },
                { -EKEYREJECTED, "was sealed with another key; it was left as it is" },
                { -ESTALE, "is not as the vault left it, and was not touched" },
        };
        const char *what = "cannot be opened";

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (r == reasons[i].error)
                        what = reasons[i].what;
        snprintf(error, STORE_ERROR_SIZE, "'%.200s' %s%s%.512s%s", s->path, what,
                 *s->database.problem ? " (" : "", s->database.problem,
                 *s->database.problem ? ")" : "");
        return r;
}

/* The lock is of who opened it, and lasts as long as the process, even one that is stopped. */
static int lock_folder(struct store *s) {
        const char *slash = strrchr(s->path, '/');
        char folder[PATH_MAX];

        snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - s->path + 1) : 1,
                 slash ? s->path : ".");
        s->lock_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->lock_fd >= 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
                return 0;
        if (s->lock_fd >= 0 && errno == EWOULDBLOCK)
                return -EDEADLK;
        snprintf(s->database.problem, sizeof(s->database.problem), "%s", strerror(errno));
        return -errno;
}

int store_open(const char *path, size_t max_bytes, struct store **ret,
               char error[static STORE_ERROR_SIZE]) {
        _cleanup_(store_freep) struct store *s = NULL;
        int r;

        error[0] = 0;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->max_bytes = max_bytes;
        s->lock_fd = -1;
        s->path = strdup(path);
        if (!s->path)
                return -ENOMEM;

        r = lock_folder(s);
        if (r == 0)
                r = open_file(s, O_CREAT);
        if (r < 0)
                return explain(s, r, error);

        *ret = TAKE_PTR(s);
        return 0;
}

int store_guard(struct store *s, const struct secret *key, const char *folder,
                char error[static STORE_ERROR_SIZE]) {
        int r;

        error[0] = 0;
        r = guard_init(&s->guard, key, folder);
        if (r == 0)
                r = guard_open(&s->guard, &s->database);
        return r < 0 ? explain(s, r, error) : 0;
}

struct store *store_free(struct store *s) {
        if (!s)
                return NULL;
        close_file(s);
        guard_done(&s->guard);
        fd_close(s->lock_fd);
        free(s->path);
        free(s);
        return NULL;
}

struct record_id store_provider_id(const char *name) {
        return (struct record_id){ "", "provider", name };
}

/* What a row is found by: as many names as its statement takes. */
struct names {
        const char *names[3];
};

static struct names record_names(const struct record_id *id) {
        return (struct names){ { id->user_id, id->platform, id->account } };
}

static struct names provider_names(const char *name) {
        return (struct names){ { name } };
}

/* A statement with its names bound. */
static int start(struct store *s, enum statement which, struct names names, sqlite3_stmt **ret) {
        sqlite3_stmt *statement;
        int r;

        if (s->database.broken) {
                close_file(s);
                r = open_file(s, 0);
                if (r < 0) {
                        s->database.broken = true;
                        return -EIO; /* a file that is gone is no record that is not there */
                }
        }

        statement = s->statements[which];
        for (int i = 0; i < (int)ELEMENTSOF(names.names) && names.names[i]; i++)
                if (i < sqlite3_bind_parameter_count(statement) &&
                    sqlite3_bind_text(statement, i + 1, names.names[i], -1, SQLITE_STATIC) !=
                                    SQLITE_OK)
                        return -ENOMEM;
        *ret = statement;
        return 0;
}

static int read_sealed(struct store *s, enum statement which, struct names names,
                       struct buffer *to) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = start(s, which, names, &statement);
        if (r < 0)
                return r;

        rc = sqlite3_step(statement);
        if (rc == SQLITE_DONE)
                return -ENOENT;
        if (rc != SQLITE_ROW)
                return database_failed(&s->database, rc);
        buffer_append(to, sqlite3_column_blob(statement, 0),
                      (size_t)sqlite3_column_bytes(statement, 0));
        return buffer_error(to);
}

/* Runs a statement that gives no rows. */
static int run(struct store *s, enum statement which, struct names names, const void *sealed,
               size_t size) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = start(s, which, names, &statement);
        if (r < 0)
                return r;
        if (sealed) {
                rc = sqlite3_bind_blob64(statement, SEALED_INDEX, sealed, size, SQLITE_STATIC);
                if (rc != SQLITE_OK)
                        return database_failed(&s->database, rc);
        }
        rc = sqlite3_step(statement);
        return rc == SQLITE_DONE ? 0 : database_failed(&s->database, rc);
}

static int count(struct store *s, enum statement which, struct names names) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = start(s, which, names, &statement);
        if (r < 0)
                return r;
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
                return database_failed(&s->database, rc);
        return sqlite3_column_int(statement, 0);
}

/* Which statements change a table, and how many rows there may be. */
struct table {
        enum statement read, replace, count, insert, delete;
        int max;
};

static const struct table records = {
        .read = STATEMENT_READ,
        .replace = STATEMENT_REPLACE,
        .count = STATEMENT_COUNT_OF_USER,
        .insert = STATEMENT_INSERT,
        .delete = STATEMENT_DELETE,
        .max = STORE_MAX_PER_USER,
};

static const struct table providers = {
        .read = STATEMENT_PROVIDER_READ,
        .replace = STATEMENT_PROVIDER_REPLACE,
        .count = STATEMENT_PROVIDER_COUNT,
        .insert = STATEMENT_PROVIDER_INSERT,
        .delete = STATEMENT_PROVIDER_DELETE,
        .max = STORE_MAX_PROVIDERS,
};

/* What is to become of a row. */
struct change {
        const struct table *table;
        struct names names;
        struct record_id id; /* the same, as the row is sealed */
        const void *sealed;  /* NULL: it goes */
        size_t size;
};

static int check_room(struct store *s, const struct change *c) {
        int n = count(s, c->table->count, c->names);

        return n < 0 ? n : n < c->table->max ? 0 : -EDQUOT;
}

static int change_row(struct store *s, const struct change *c, int *ret_more) {
        _cleanup_(buffer_done) struct buffer old = { 0 };
        const struct table *t = c->table;
        bool was_there;
        int r;

        r = read_sealed(s, t->read, c->names, &old);
        was_there = r == 0;
        if (r == -ENOENT && c->sealed)
                r = check_room(s, c);
        if (r < 0)
                return r;

        r = run(s,
                !c->sealed  ? t->delete
                : was_there ? t->replace
                            : t->insert,
                c->names, c->sealed, c->size);
        if (r < 0)
                return r;
        if (was_there)
                guard_toggle(&s->guard, &c->id, old.data, old.size);
        if (c->sealed)
                guard_toggle(&s->guard, &c->id, c->sealed, c->size);
        *ret_more = (c->sealed != NULL) - was_there;
        return guard_save(&s->guard, &s->database);
}

/* *ret_more: how many rows there are more than before. */
static int change(struct store *s, const struct change *c, int *ret_more) {
        static const struct names none = { { 0 } };
        int r;

        r = run(s, STATEMENT_BEGIN, none, NULL, 0);
        if (r < 0)
                return r;
        guard_begin(&s->guard);
        r = change_row(s, c, ret_more);
        if (r == 0)
                r = run(s, STATEMENT_COMMIT, none, NULL, 0);
        if (r == 0)
                guard_keep(&s->guard);
        else if (!s->database.broken && !sqlite3_get_autocommit(s->database.db))
                (void)run(s, STATEMENT_ROLLBACK, none, NULL, 0);
        return r;
}

int store_read(struct store *s, const struct record_id *id, struct buffer *to) {
        return read_sealed(s, STATEMENT_READ, record_names(id), to);
}

static int change_record(struct store *s, const struct record_id *id, const void *sealed,
                         size_t size) {
        const struct change c = { &records, record_names(id), *id, sealed, size };
        int more, r;

        r = change(s, &c, &more);
        if (r == 0)
                s->n_records += (size_t)more;
        return r;
}

int store_write(struct store *s, const struct record_id *id, const void *sealed, size_t size) {
        return change_record(s, id, sealed, size);
}

int store_delete(struct store *s, const struct record_id *id) {
        return change_record(s, id, NULL, 0);
}

int store_list(struct store *s, const char *user_id,
               int (*found)(const struct record_id *id, const void *sealed, size_t size,
                            void *userdata),
               void *userdata) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        struct record_id id = { .user_id = user_id };
        int rc, r;

        r = start(s, STATEMENT_LIST, record_names(&id), &statement);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
                id.platform = (const char *)sqlite3_column_text(statement, 0);
                id.account = (const char *)sqlite3_column_text(statement, 1);
                r = found(&id, sqlite3_column_blob(statement, 2),
                          (size_t)sqlite3_column_bytes(statement, 2), userdata);
                if (r < 0)
                        return r;
        }
        return rc == SQLITE_DONE ? 0 : database_failed(&s->database, rc);
}

int store_read_provider(struct store *s, const char *name, struct buffer *to) {
        return read_sealed(s, STATEMENT_PROVIDER_READ, provider_names(name), to);
}

static int change_provider(struct store *s, const char *name, const void *sealed, size_t size) {
        const struct change c = { &providers, provider_names(name), store_provider_id(name), sealed,
                                  size };
        int more;

        return change(s, &c, &more);
}

int store_write_provider(struct store *s, const char *name, const void *sealed, size_t size) {
        return change_provider(s, name, sealed, size);
}

int store_delete_provider(struct store *s, const char *name) {
        return change_provider(s, name, NULL, 0);
}

int store_list_providers(struct store *s,
                         int (*found)(const char *name, const void *sealed, size_t size,
                                      void *userdata),
                         void *userdata) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = start(s, STATEMENT_PROVIDER_LIST, provider_names(NULL), &statement);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
                r = found((const char *)sqlite3_column_text(statement, 0),
                          sqlite3_column_blob(statement, 1),
                          (size_t)sqlite3_column_bytes(statement, 1), userdata);
                if (r < 0)
                        return r;
        }
        return rc == SQLITE_DONE ? 0 : database_failed(&s->database, rc);
}

size_t store_count(const struct store *s) {
        return s->n_records;
}

const char *store_problem(const struct store *s) {
        return s->database.problem;
}
