/* SPDX-License-Identifier: MIT */
#include "vaultd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "vault/record.h"
#include "vaultd/database.h"

enum statement {
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
        size_t max_bytes;
        struct database database;
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
        };
        const char *what = "cannot be opened";

        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (r == reasons[i].error)
                        what = reasons[i].what;
        snprintf(error, STORE_ERROR_SIZE, "'%.200s' %s%s%.100s%s", s->path, what,
                 *s->database.problem ? " (" : "", s->database.problem,
                 *s->database.problem ? ")" : "");
        return r;
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
        s->path = strdup(path);
        if (!s->path)
                return -ENOMEM;

        r = open_file(s, O_CREAT);
        if (r < 0)
                return explain(s, r, error);

        *ret = TAKE_PTR(s);
        return 0;
}

struct store *store_free(struct store *s) {
        if (!s)
                return NULL;
        close_file(s);
        free(s->path);
        free(s);
        return NULL;
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

/* Runs a statement that changes at most one row. Returns how many. */
static int change(struct store *s, enum statement which, struct names names, const void *sealed,
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
        if (rc != SQLITE_DONE)
                return database_failed(&s->database, rc);
        return sqlite3_changes(s->database.db);
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

/* The statements that put a row in, and how many rows there may be. */
struct writing {
        enum statement replace, count, insert;
        int max;
};

/* Returns 1 when there is a row more, 0 when one was replaced. */
static int write_sealed(struct store *s, const struct writing *w, struct names names,
                        const void *sealed, size_t size) {
        int r;

        r = change(s, w->replace, names, sealed, size);
        if (r != 0)
                return r < 0 ? r : 0;
        r = count(s, w->count, names);
        if (r < 0)
                return r;
        if (r >= w->max)
                return -EDQUOT;
        return change(s, w->insert, names, sealed, size);
}

int store_read(struct store *s, const struct record_id *id, struct buffer *to) {
        return read_sealed(s, STATEMENT_READ, record_names(id), to);
}

int store_write(struct store *s, const struct record_id *id, const void *sealed, size_t size) {
        static const struct writing writing = {
                .replace = STATEMENT_REPLACE,
                .count = STATEMENT_COUNT_OF_USER,
                .insert = STATEMENT_INSERT,
                .max = STORE_MAX_PER_USER,
        };
        int r;

        r = write_sealed(s, &writing, record_names(id), sealed, size);
        if (r < 0)
                return r;
        s->n_records += (size_t)r;
        return 0;
}

int store_delete(struct store *s, const struct record_id *id) {
        int r;

        r = change(s, STATEMENT_DELETE, record_names(id), NULL, 0);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENOENT;
        s->n_records--;
        return 0;
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

int store_write_provider(struct store *s, const char *name, const void *sealed, size_t size) {
        static const struct writing writing = {
                .replace = STATEMENT_PROVIDER_REPLACE,
                .count = STATEMENT_PROVIDER_COUNT,
                .insert = STATEMENT_PROVIDER_INSERT,
                .max = STORE_MAX_PROVIDERS,
        };
        int r;

        r = write_sealed(s, &writing, provider_names(name), sealed, size);
        return r < 0 ? r : 0;
}

int store_delete_provider(struct store *s, const char *name) {
        int r;

        r = change(s, STATEMENT_PROVIDER_DELETE, provider_names(name), NULL, 0);
        if (r < 0)
                return r;
        return r == 0 ? -ENOENT : 0;
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
