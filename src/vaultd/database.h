/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The vault's SQLite file: examined before anything in it is touched, then set up to be durable and
 * brought to the newest schema. What is kept in it is told in store.h.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#define DATABASE_PROBLEM_SIZE 768

/* Zero-initialised is closed. */
struct database {
        sqlite3 *db;
        size_t max_bytes;
        bool broken;                         /* to be opened anew */
        char problem[DATABASE_PROBLEM_SIZE]; /* why SQLite last failed */
};

/*
 * O_CREAT in `flags` makes the file (mode 0600) if there is none. Returns 0; a negative errno, as
 * store_open() tells them, and the caller closes it all the same.
 */
int database_open(struct database *d, const char *path, size_t max_bytes, int flags);
/* After the last statement was finalized. */
void database_close(struct database *d);

/* Remembers why SQLite failed. Returns the errno for it. */
int database_failed(struct database *d, int rc);

/* The one number that a statement without parameters gives. */
int database_int(struct database *d, const char *sql, int *ret);
