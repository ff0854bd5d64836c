/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The way to the journal: a bounded queue and a thread behind it, because the journal's socket
 * blocks when journald stands still. Where there is no journal socket, each entry becomes one line
 * of JSON on stderr. Audit entries are never dropped: who begins something that must leave one
 * reserves its place first. Other messages are dropped when the queue is full, and counted.
 */

#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "base/cleanup.h"

struct journal_entry;

enum journal_target {
        JOURNAL_AUTO, /* the journal where it has a socket, else stderr */
        JOURNAL_NATIVE,
        JOURNAL_STDERR,
};

/*
 * Starts the thread; until then, and after journal_stop(), a message is written to stderr at once.
 * Only messages of at most `max_priority` (syslog(3)) are written. For the main thread, once.
 * Returns 0 or a negative errno.
 */
int journal_start(enum journal_target target, int max_priority);
/* Writes out all that is queued and ends the thread. */
void journal_stop(void);

/*
 * A place for one audit entry, and the memory for it. Returns 0, -ENOBUFS when the queue is full, or
 * -ENOMEM.
 */
int journal_reserve(void);
/* Gives a reserved place back unused. */
void journal_unreserve(void);

/*
 * An entry in the making, in the memory of a reserved place. Without one it is allocated, and NULL
 * (out of memory) is accepted by all calls below. A value may hold anything: it cannot add a field.
 * It is cut at 4096 bytes; fields beyond the 32nd are left out, and those beyond what memory there
 * is. In MESSAGE a '?' stands for what is invisible, moves characters or ends a line
 * (base/legible.h). `message_id` is 32 hex digits or NULL.
 */
struct journal_entry *journal_entry_new(int priority, const char *message_id);
void journal_entry_add(struct journal_entry *e, const char *field, const char *value);
void journal_entry_printf(struct journal_entry *e, const char *field, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));

/* Takes the entry over and uses up one reserved place. */
void journal_commit(struct journal_entry *e);

/* A message of the daemon's own: a sentence, without secrets and payloads. */
void journal_log(int priority, const char *format, ...)
                __attribute__((__format__(__printf__, 2, 3)));

#define log_error(...) journal_log(LOG_ERR, __VA_ARGS__)
#define log_warning(...) journal_log(LOG_WARNING, __VA_ARGS__)
#define log_info(...) journal_log(LOG_INFO, __VA_ARGS__)
#define log_debug(...) journal_log(LOG_DEBUG, __VA_ARGS__)
