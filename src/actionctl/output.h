/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a person sees. Text that comes from outside is cleaned (clean.h) before it reaches a
 * terminal.
 */

#include <stdbool.h>
#include <stddef.h>

#include "actionctl/clean.h"
#include "actionctl/ctl.h"
#include "base/json.h"

/* A value, an indented line for each scalar in it, on stdout. */
void output_value(const cJSON *value);

/*
 * The engine's line on stdout, as it came: but DEL and C1, which JSON allows unescaped, are
 * escaped, so that it says the same and cannot drive a terminal.
 */
void output_line(const char *line, size_t size);

/* The same for what is no line any more. */
void output_json(const cJSON *value);

/* A sentence on stderr, cleaned, with the program's name before it. */
void output_error(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
void output_note(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
/* The same for wrong arguments, with where to look. Returns CTL_USAGE. */
int output_usage(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* A line on a terminal that the next one takes the place of; NULL: none any more. */
void output_progress(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* A whole request line on stderr, cleaned. */
void output_request(const char *line);

/*
 * Tells why the engine said no, and what to do next. Returns the exit code.
 */
int output_failure(const struct ctl *ctl, const cJSON *response);

/*
 * Tells what is wrong with a payload that was not sent: findings as the engine would give them.
 * Returns CTL_USAGE.
 */
int output_findings(const char *platform, const char *action_type, const cJSON *errors);

/* Flushes stdout. Returns `code`, or CTL_USAGE when not all could be written. */
int output_end(int code);

struct libscols_table;

struct output_column {
        const char *name;
        double width; /* a share of the terminal, or columns; see libsmartcols */
        int flags;
};

/* A table on stdout. NULL when memory is out; the others accept that. */
struct libscols_table *output_table_new(const struct output_column *columns, size_t n);
void output_table_add(struct libscols_table *table, const char *const *cells, size_t n);
void output_table_print(struct libscols_table *table);
