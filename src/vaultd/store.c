/* SPDX-License-Identifier: MIT */
#include "vaultd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vault/record.h"

#define APPLICATION_ID 0x41455631 /* "AEV1": tells a vault's file from any other database */
#define BUSY_TIMEOUT_MSEC 250     /* the loop stands still meanwhile */
#define PAGE_SIZE 4096            /* SQLite's own choice for a new file */
#define MAX_SEALED (1 << 20)      /* bytes, of any one value */

/* Step n takes a file from schema version n to n + 1. A new file begins at 0. */
static const char *const steps[] = {
        "CREATE TABLE record ("
        " user_id TEXT NOT NULL,"
        " platform TEXT NOT NULL,"
        " account TEXT NOT NULL,"
        " sealed BLOB NOT NULL,"
        " PRIMARY KEY (user_id, platform, account)"
        ") STRICT, WITHOUT ROWID",
};

#define SCHEMA_VERSION ((int)ELEMENTSOF(steps))

enum statement {
        STATEMENT_READ,
        STATEMENT_REPLACE,
        STATEMENT_COUNT_OF_USER,
        STATEMENT_INSERT,
        STATEMENT_DELETE,
        STATEMENT_LIST,
        STATEMENT_COUNT,
        STATEMENT_MAX,
};

/* clang-format off */
static const char *const statements[STATEMENT_MAX] = {
        [STATEMENT_READ]          = "SELECT sealed FROM record"
                                    " WHERE user_id = ?1 AND platform = ?2 AND account = ?3",
        [STATEMENT_REPLACE]       = "UPDATE record SET sealed = ?4"
                                    " WHERE user_id = ?1 AND platform = ?2 AND account = ?3",
        [STATEMENT_COUNT_OF_USER] = "SELECT count(*) FROM record WHERE user_id = ?1",
        [STATEMENT_INSERT]        = "INSERT INTO record (user_id, platform, account, sealed)"
                                    " VALUES (?1, ?2, ?3, ?4)",
        [STATEMENT_DELETE]        = "DELETE FROM record"
                                    " WHERE user_id = ?1 AND platform = ?2 AND account = ?3",
        [STATEMENT_LIST]          = "SELECT platform, account, sealed FROM record"
                                    " WHERE user_id = ?1 ORDER BY platform, account",
        [STATEMENT_COUNT]         = "SELECT count(*) FROM record",
};
/* clang-format on */

struct store {
        char *path;
        size_t max_bytes;
        sqlite3 *db;
        sqlite3_stmt *statements[STATEMENT_MAX];
        size_t n_records;
        bool broken; /* to be opened anew */
        char problem[STORE_ERROR_SIZE];
};

static void statement_reset(sqlite3_stmt **statement) {
        if (!*statement)
                return;
        (void)sqlite3_reset(*statement);
        (void)sqlite3_clear_bindings(*statement);
}

/* Remembers why SQLite failed. Returns the errno for it. */
static int store_failed(struct store *s, int rc) {
        snprintf(s->problem, sizeof(s->problem), "%s",
                 s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));

        switch (rc & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                s->broken = true;
                return -EUCLEAN;
        default:
                s->broken = true;
                return -EIO;
        }
}

static int run(struct store *s, const char *sql) {
        int rc;

        rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
        return rc == SQLITE_OK ? 0 : store_failed(s, rc);
}

/* The one value that a statement without parameters gives. */
static int run_for_text(struct store *s, const char *sql, char *ret, size_t size) {
        sqlite3_stmt *statement = NULL;
        int rc, r = 0;

        rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
                snprintf(ret, size, "%s", (const char *)sqlite3_column_text(statement, 0));
        else
                r = store_failed(s, rc);
        (void)sqlite3_finalize(statement);
        return r;
}

static int run_for_int(struct store *s, const char *sql, int *ret) {
        char text[32];
        int r;

        r = run_for_text(s, sql, text, sizeof(text));
        if (r < 0)
                return r;
        *ret = atoi(text);
        return 0;
}

/* SQLite gives its other files the mode of this one. */
static int look_at_file(const char *path, int flags) {
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;

        fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | flags, 0600);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EMEDIUMTYPE;
        if (fchmod(fd, 0600) < 0)
                return -errno;
        return 0;
}

/* Looks and does not write. Returns the file's schema version, or a negative errno. */
static int examine(struct store *s) {
        int version, application, n_objects, r;
        char verdict[64];

        r = run_for_int(s, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        r = run_for_int(s, "PRAGMA application_id", &application);
        if (r < 0)
                return r;
        r = run_for_int(s, "SELECT count(*) FROM sqlite_schema", &n_objects);
        if (r < 0)
                return r;

        if (application != APPLICATION_ID && (application || version || n_objects))
                return -EMEDIUMTYPE;
        if (version < 0 || version > SCHEMA_VERSION)
                return -EPROTONOSUPPORT;

        r = run_for_text(s, "PRAGMA quick_check(1)", verdict, sizeof(verdict));
        if (r < 0)
                return r;
        if (strcmp(verdict, "ok") != 0) {
                snprintf(s->problem, sizeof(s->problem), "%s", verdict);
                return -EUCLEAN;
        }
        return version;
}

static int upgrade(struct store *s, int version) {
        char pragmas[96];
        int r;

        if (version == SCHEMA_VERSION)
                return 0;

        snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                 APPLICATION_ID, SCHEMA_VERSION);
        r = run(s, "BEGIN IMMEDIATE");
        for (; r == 0 && version < SCHEMA_VERSION; version++)
                r = run(s, steps[version]);
        if (r == 0)
                r = run(s, pragmas);
        if (r == 0)
                r = run(s, "COMMIT");
        return r; /* closing rolls back */
}

static int set_up(struct store *s) {
        static const char *const pragmas[] = {
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA secure_delete = ON",
                "PRAGMA journal_size_limit = 1048576",
        };
        char limit[64];
        int version, r;

        /* As long as the file has not been examined, nothing in it is to be touched. */
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_extended_result_codes(s->db, 1);
        (void)sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MSEC);
        (void)sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, MAX_SEALED);

        version = examine(s);
        if (version < 0)
                return version;
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);

        snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %zu", s->max_bytes / PAGE_SIZE);
        r = run(s, limit);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(pragmas); i++)
                r = run(s, pragmas[i]);
        if (r < 0)
                return r;
        return upgrade(s, version);
}

static int prepare(struct store *s) {
        int rc;

        for (size_t i = 0; i < STATEMENT_MAX; i++) {
                rc = sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &s->statements[i], NULL);
                if (rc != SQLITE_OK)
                        return store_failed(s, rc);
        }
        return 0;
}

static void database_close(struct store *s) {
        for (size_t i = 0; i < STATEMENT_MAX; i++) {
                (void)sqlite3_finalize(s->statements[i]);
                s->statements[i] = NULL;
        }
        (void)sqlite3_close(s->db);
        s->db = NULL;
}

/* O_CREAT in `flags` makes the file if there is none. */
static int database_open(struct store *s, int flags) {
        int rc, r, n;

        r = look_at_file(s->path, flags);
        if (r < 0) {
                snprintf(s->problem, sizeof(s->problem), "%s", strerror(-r));
                return r;
        }
        rc = sqlite3_open_v2(s->path, &s->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                             NULL);
        if (rc != SQLITE_OK)
                return store_failed(s, rc);

        r = set_up(s);
        if (r < 0)
                return r;
        r = prepare(s);
        if (r < 0)
                return r;
        r = run_for_int(s, statements[STATEMENT_COUNT], &n);
        if (r < 0)
                return r;

        s->n_records = (size_t)n;
        s->broken = false;
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
                 *s->problem ? " (" : "", s->problem, *s->problem ? ")" : "");
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

        r = database_open(s, O_CREAT);
        if (r < 0)
                return explain(s, r, error);

        *ret = TAKE_PTR(s);
        return 0;
}

struct store *store_free(struct store *s) {
        if (!s)
                return NULL;
        database_close(s);
        free(s->path);
        free(s);
        return NULL;
}

/* A statement with its record's name bound, or with the user's alone. */
static int start(struct store *s, enum statement which, const struct record_id *id,
                 sqlite3_stmt **ret) {
        sqlite3_stmt *statement;
        int r;

        if (s->broken) {
                database_close(s);
                r = database_open(s, 0);
                if (r < 0) {
                        s->broken = true;
                        return -EIO; /* a file that is gone is no record that is not there */
                }
        }

        statement = s->statements[which];
        if (sqlite3_bind_text(statement, 1, id->user_id, -1, SQLITE_STATIC) != SQLITE_OK)
                return -ENOMEM;
        if (sqlite3_bind_parameter_count(statement) > 1 &&
            (sqlite3_bind_text(statement, 2, id->platform, -1, SQLITE_STATIC) != SQLITE_OK ||
             sqlite3_bind_text(statement, 3, id->account, -1, SQLITE_STATIC) != SQLITE_OK))
                return -ENOMEM;
        *ret = statement;
        return 0;
}

int store_read(struct store *s, const struct record_id *id, struct buffer *to) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = start(s, STATEMENT_READ, id, &statement);
        if (r < 0)
                return r;

        rc = sqlite3_step(statement);
        if (rc == SQLITE_DONE)
                return -ENOENT;
        if (rc != SQLITE_ROW)
                return store_failed(s, rc);
        buffer_append(to, sqlite3_column_blob(statement, 0),
                      (size_t)sqlite3_column_bytes(statement, 0));
        return buffer_error(to);
}

/* Runs a statement that changes at most one record. Returns how many. */
static int change(struct store *s, enum statement which, const struct record_id *id,
                  const void *sealed, size_t size) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = start(s, which, id, &statement);
        if (r < 0)
                return r;
        if (sealed) {
                rc = sqlite3_bind_blob64(statement, 4, sealed, size, SQLITE_STATIC);
                if (rc != SQLITE_OK)
                        return store_failed(s, rc);
        }

        rc = sqlite3_step(statement);
        if (rc != SQLITE_DONE)
                return store_failed(s, rc);
        return sqlite3_changes(s->db);
}

static int count_of_user(struct store *s, const struct record_id *id) {
        _cleanup_(statement_reset) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = start(s, STATEMENT_COUNT_OF_USER, id, &statement);
        if (r < 0)
                return r;
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
                return store_failed(s, rc);
        return sqlite3_column_int(statement, 0);
}

int store_write(struct store *s, const struct record_id *id, const void *sealed, size_t size) {
        int r;

        r = change(s, STATEMENT_REPLACE, id, sealed, size);
        if (r != 0)
                return r < 0 ? r : 0;

        r = count_of_user(s, id);
        if (r < 0)
                return r;
        if (r >= STORE_MAX_PER_USER)
                return -EDQUOT;

        r = change(s, STATEMENT_INSERT, id, sealed, size);
        if (r < 0)
                return r;
        s->n_records++;
        return 0;
}

int store_delete(struct store *s, const struct record_id *id) {
        int r;

        r = change(s, STATEMENT_DELETE, id, NULL, 0);
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

        r = start(s, STATEMENT_LIST, &id, &statement);
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
        return rc == SQLITE_DONE ? 0 : store_failed(s, rc);
}

size_t store_count(const struct store *s) {
        return s->n_records;
}

const char *store_problem(const struct store *s) {
        return s->problem;
}
