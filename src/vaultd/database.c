/* SPDX-License-Identifier: MIT */
#include "vaultd/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sync-folder.h"

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
        "CREATE TABLE provider ("
        " name TEXT NOT NULL PRIMARY KEY,"
        " sealed BLOB NOT NULL"
        ") STRICT, WITHOUT ROWID",
        "CREATE TABLE generation ("
        " one INTEGER PRIMARY KEY CHECK (one = 1),"
        " sealed BLOB NOT NULL"
        ") STRICT",
};

#define SCHEMA_VERSION ((int)ELEMENTSOF(steps))

int database_failed(struct database *d, int rc) {
        snprintf(d->problem, sizeof(d->problem), "%s",
                 d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc));

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
                d->broken = true;
                return -EUCLEAN;
        default:
                d->broken = true;
                return -EIO;
        }
}

static int run(struct database *d, const char *sql) {
        int rc;

        rc = sqlite3_exec(d->db, sql, NULL, NULL, NULL);
        return rc == SQLITE_OK ? 0 : database_failed(d, rc);
}

/* The one value that a statement without parameters gives. */
static int run_for_text(struct database *d, const char *sql, char *ret, size_t size) {
        sqlite3_stmt *statement = NULL;
        int rc, r = 0;

        rc = sqlite3_prepare_v2(d->db, sql, -1, &statement, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
                snprintf(ret, size, "%s", (const char *)sqlite3_column_text(statement, 0));
        else
                r = database_failed(d, rc);
        (void)sqlite3_finalize(statement);
        return r;
}

int database_int(struct database *d, const char *sql, int *ret) {
        char text[32];
        int r;

        r = run_for_text(d, sql, text, sizeof(text));
        if (r < 0)
                return r;
        *ret = atoi(text);
        return 0;
}

/* SQLite gives its other files the mode of this one. */
static int look_at_file(const char *path, int flags) {
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;
        int r;

        fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | flags, 0600);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size == 0 && S_ISREG(st.st_mode)) {
                r = sync_folder_of(AT_FDCWD, path);
                if (r < 0)
                        return r;
        }
        if (!S_ISREG(st.st_mode))
                return -EMEDIUMTYPE;
        if (fchmod(fd, 0600) < 0)
                return -errno;
        return 0;
}

/* Looks and does not write. Returns the file's schema version, or a negative errno. */
static int examine(struct database *d) {
        int version, application, n_objects, r;
        char verdict[64];

        r = database_int(d, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        r = database_int(d, "PRAGMA application_id", &application);
        if (r < 0)
                return r;
        r = database_int(d, "SELECT count(*) FROM sqlite_schema", &n_objects);
        if (r < 0)
                return r;

        if (application != APPLICATION_ID && (application || version || n_objects))
                return -EMEDIUMTYPE;
        if (version < 0 || version > SCHEMA_VERSION)
                return -EPROTONOSUPPORT;

        r = run_for_text(d, "PRAGMA quick_check(1)", verdict, sizeof(verdict));
        if (r < 0)
                return r;
        if (strcmp(verdict, "ok") != 0) {
                snprintf(d->problem, sizeof(d->problem), "%s", verdict);
                return -EUCLEAN;
        }
        return version;
}

static int upgrade(struct database *d, int version) {
        char pragmas[96];
        int r;

        if (version == SCHEMA_VERSION)
                return 0;

        snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                 APPLICATION_ID, SCHEMA_VERSION);
        r = run(d, "BEGIN IMMEDIATE");
        for (; r == 0 && version < SCHEMA_VERSION; version++)
                r = run(d, steps[version]);
        if (r == 0)
                r = run(d, pragmas);
        if (r == 0)
                r = run(d, "COMMIT");
        return r; /* closing rolls back */
}

/*
 * A log that is found may stand in memory alone: its writer was killed before it was synced, or the
 * sync failed, which the kernel tells once and then takes for done. What follows such a log on the
 * disk is lost with it; so all that is in it is written anew, into the file.
 */
static int settle(struct database *d) {
        return run(d, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static int set_up(struct database *d) {
        static const char *const pragmas[] = {
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA secure_delete = ON",
                "PRAGMA journal_size_limit = 1048576",
        };
        char limit[64];
        int version, r;

        /* As long as the file has not been examined, nothing in it is to be touched. */
        (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_extended_result_codes(d->db, 1);
        (void)sqlite3_busy_timeout(d->db, BUSY_TIMEOUT_MSEC);
        (void)sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, MAX_SEALED);

        version = examine(d);
        if (version < 0)
                return version;
        (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);

        snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %zu", d->max_bytes / PAGE_SIZE);
        r = run(d, limit);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(pragmas); i++)
                r = run(d, pragmas[i]);
        if (r < 0)
                return r;
        r = upgrade(d, version);
        return r < 0 ? r : settle(d);
}

int database_open(struct database *d, const char *path, size_t max_bytes, int flags) {
        int rc, r;

        d->max_bytes = max_bytes;
        r = look_at_file(path, flags);
        if (r < 0) {
                snprintf(d->problem, sizeof(d->problem), "%s", strerror(-r));
                return r;
        }
        rc = sqlite3_open_v2(path, &d->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                             NULL);
        if (rc != SQLITE_OK)
                return database_failed(d, rc);
        if (sqlite3_db_readonly(d->db, "main") == 1) /* when it could not be opened for writing */
                return database_failed(d, SQLITE_READONLY);
        return set_up(d);
}

void database_close(struct database *d) {
        (void)sqlite3_close(d->db);
        d->db = NULL;
}
