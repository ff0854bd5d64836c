/* SPDX-License-Identifier: MIT */
#include "vaultd/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/sync-folder.h"
#include "vault/record.h"
#include "vaultd/mark.h"
#include "vaultd/seal.h"

#define SYNC_INTERVAL_USEC USEC_PER_SEC

int guard_init(struct guard *g, const struct secret *key, const char *folder) {
        if (asprintf(&g->mark, "%s/" GUARD_MARK, folder) < 0)
                g->mark = NULL;
        if (asprintf(&g->accept, "%s/" GUARD_ACCEPT, folder) < 0)
                g->accept = NULL;
        if (!g->mark || !g->accept)
                return -ENOMEM;
        g->key = key;
        return 0;
}

static int write_mark(struct guard *g, bool sync) {
        int r;

        r = mark_write(g->mark, g->key, &g->now, g->place, sync);
        if (r < 0)
                return r;
        g->unsynced = !sync;
        if (sync) {
                g->place = !g->place;
                g->synced_usec = clock_usec(CLOCK_MONOTONIC);
        }
        return 0;
}

void guard_done(struct guard *g) {
        guard_close(g);
        free(g->mark);
        free(g->accept);
        *g = (struct guard){ 0 };
}

void guard_close(struct guard *g) {
        if (g->unsynced)
                (void)write_mark(g, true);
        (void)sqlite3_finalize(g->save);
        g->save = NULL;
}

/* What an opening finds. */
struct findings {
        int row, mark; /* 0, -ENOENT, -EBADMSG */
        struct generation of_row, of_mark, actual;
        int place; /* of_mark's */
        size_t n_rows;
        bool key_fits;
        const char *fault; /* NULL: all is as it was left */
};

static void statement_freep(sqlite3_stmt **statement) {
        (void)sqlite3_finalize(*statement);
}

static int query(struct database *d, const char *sql, sqlite3_stmt **ret) {
        int rc = sqlite3_prepare_v2(d->db, sql, -1, ret, NULL);

        return rc == SQLITE_OK ? 0 : database_failed(d, rc);
}

static int read_row(const struct guard *g, struct database *d, struct findings *f) {
        _cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = query(d, "SELECT sealed FROM generation", &statement);
        if (r < 0)
                return r;
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                return database_failed(d, rc);

        f->row = rc == SQLITE_DONE ? -ENOENT
                                   : generation_open(g->key, GENERATION_OF_STORE,
                                                     sqlite3_column_blob(statement, 0),
                                                     (size_t)sqlite3_column_bytes(statement, 0),
                                                     &f->of_row);
        return f->row == -ENOMEM ? -ENOMEM : 0;
}

static bool opens(const struct guard *g, const struct record_id *id, const void *sealed,
                  size_t size) {
        _cleanup_(secret_freep) struct secret *plain = NULL;

        return seal_open(g->key, id, sealed, size, &plain) == 0;
}

/* Sums up all rows. One that the key opens shows that it is the key. */
static int read_all(const struct guard *g, struct database *d, struct findings *f) {
        _cleanup_(statement_freep) sqlite3_stmt *statement = NULL;
        int rc, r;

        r = query(d,
                  "SELECT user_id, platform, account, sealed FROM record"
                  " UNION ALL SELECT '', 'provider', name, sealed FROM provider",
                  &statement);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
                const struct record_id id = {
                        (const char *)sqlite3_column_text(statement, 0),
                        (const char *)sqlite3_column_text(statement, 1),
                        (const char *)sqlite3_column_text(statement, 2),
                };
                const void *sealed = sqlite3_column_blob(statement, 3);
                size_t size = (size_t)sqlite3_column_bytes(statement, 3);

                if (!id.user_id || !id.platform || !id.account)
                        return database_failed(d, SQLITE_NOMEM);
                generation_toggle(&f->actual, g->key, &id, sealed, size);
                f->n_rows++;
                if (!f->key_fits)
                        f->key_fits = opens(g, &id, sealed, size);
        }
        return rc == SQLITE_DONE ? 0 : database_failed(d, rc);
}

static int look(const struct guard *g, struct database *d, struct findings *f) {
        int r;

        f->mark = mark_read(g->mark, g->key, &f->of_mark, &f->place);
        if (f->mark < 0 && f->mark != -ENOENT && f->mark != -EBADMSG) {
                snprintf(d->problem, sizeof(d->problem), "%s: %s", g->mark, strerror(-f->mark));
                return f->mark;
        }
        r = read_row(g, d, f);
        if (r < 0)
                return r;

        f->key_fits = f->row == 0 || f->mark == 0;
        r = read_all(g, d, f);
        if (r == 0 && f->n_rows == 0 && f->row == -ENOENT && f->mark == -ENOENT)
                f->key_fits = true;
        return r;
}

static bool is_same_sum(const struct generation *a, const struct generation *b) {
        return memcmp(a->sum, b->sum, sizeof(a->sum)) == 0;
}

/* What is wrong with it, or NULL. */
static const char *judge(const struct findings *f) {
        const struct generation *row = &f->of_row, *mark = &f->of_mark;

        if (f->row == -ENOENT)
                return f->mark == -ENOENT ? NULL : "is older than its mark";
        if (f->row < 0 || !is_same_sum(row, &f->actual))
                return "was changed by something else than this vault";
        if (f->mark < 0)
                return row->n_changes == 0 ? NULL : "has lost its mark";
        if (memcmp(row->id, mark->id, sizeof(row->id)) != 0)
                return "is another one than its mark was made for";
        if (row->n_changes < mark->n_changes)
                return "is older than its mark";
        if (row->n_changes == mark->n_changes && !is_same_sum(row, mark))
                return "has another history than its mark";
        return NULL;
}

/* A row of its own, outside of any change. */
static int write_first(struct guard *g, struct database *d, const struct generation *first) {
        g->next = *first;
        return guard_save(g, d);
}

/* From now on it is the newest, whatever there was. */
static int adopt(struct guard *g, struct database *d, const struct findings *f) {
        struct generation new;
        int r;

        generation_init(&new);
        memcpy(new.sum, f->actual.sum, sizeof(new.sum));
        if (f->row == 0)
                new.n_changes = f->of_row.n_changes + 1;
        if (f->mark == 0 && new.n_changes <= f->of_mark.n_changes)
                new.n_changes = f->of_mark.n_changes + 1;
        r = write_first(g, d, &new);
        if (r < 0)
                return r;
        g->now = new;

        r = write_mark(g, true);
        if (r == 0 && unlink(g->accept) < 0)
                r = -errno;
        if (r == 0)
                r = sync_folder_of(AT_FDCWD, g->accept);
        if (r < 0) {
                snprintf(d->problem, sizeof(d->problem), "%s: %s", g->mark, strerror(-r));
                return r;
        }
        log_warning("The store %s, and is used all the same: '%s' was there", f->fault, g->accept);
        return 0;
}

/* Nothing was ever changed: the generation is 0, and there is no mark yet. */
static int begin(struct guard *g, struct database *d, const struct findings *f) {
        int r = 0;

        if (f->row == -ENOENT) {
                generation_init(&g->now);
                memcpy(g->now.sum, f->actual.sum, sizeof(g->now.sum));
                r = write_first(g, d, &g->now);
        }
        if (r < 0)
                return r;
        r = write_mark(g, true);
        if (r < 0)
                snprintf(d->problem, sizeof(d->problem), "%s: %s", g->mark, strerror(-r));
        return r;
}

static int refuse(const struct guard *g, struct database *d, const struct findings *f) {
        snprintf(d->problem, sizeof(d->problem),
                 "%s, '%s'; if it was restored on purpose, 'touch %s' and start it again", f->fault,
                 g->mark, g->accept);
        return -ESTALE;
}

int guard_open(struct guard *g, struct database *d) {
        struct findings f = { 0 };
        int r;

        if (!g->key)
                return 0;
        r = query(d,
                  "INSERT INTO generation VALUES (1, ?1)"
                  " ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
                  &g->save);
        if (r < 0)
                return r;
        r = look(g, d, &f);
        if (r < 0)
                return r;
        if (!f.key_fits) {
                snprintf(d->problem, sizeof(d->problem),
                         "bring its key back, or move it and '%s' away", g->mark);
                return -EKEYREJECTED;
        }

        g->place = !f.place;
        f.fault = judge(&f);
        if (f.fault)
                return access(g->accept, F_OK) == 0 ? adopt(g, d, &f) : refuse(g, d, &f);
        if (unlink(g->accept) == 0)
                log_warning("'%s' was not needed, and is gone", g->accept);
        g->now = f.of_row;
        return f.mark < 0 ? begin(g, d, &f) : 0;
}

void guard_begin(struct guard *g) {
        g->next = g->now;
        g->next.n_changes++;
}

void guard_toggle(struct guard *g, const struct record_id *id, const void *sealed, size_t size) {
        if (g->key)
                generation_toggle(&g->next, g->key, id, sealed, size);
}

int guard_save(struct guard *g, struct database *d) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };
        int rc, r;

        if (!g->key)
                return 0;
        r = generation_seal(&g->next, g->key, GENERATION_OF_STORE, &sealed);
        if (r < 0)
                return r;
        rc = sqlite3_bind_blob64(g->save, 1, sealed.data, sealed.size, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(g->save);
        r = rc == SQLITE_DONE ? 0 : database_failed(d, rc);
        (void)sqlite3_reset(g->save);
        (void)sqlite3_clear_bindings(g->save);
        return r;
}

/* A store ahead of its mark is none the worse, but older copies of it are less sure to be noticed. */
void guard_keep(struct guard *g) {
        int r;

        if (!g->key)
                return;
        g->now = g->next;
        r = write_mark(g, clock_usec(CLOCK_MONOTONIC) - g->synced_usec >= SYNC_INTERVAL_USEC);
        if (r < 0 && !g->mark_failed)
                log_warning("Cannot write '%s', going on: %s", g->mark, strerror(-r));
        g->mark_failed = r < 0;
}
