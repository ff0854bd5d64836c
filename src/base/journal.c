/* SPDX-License-Identifier: MIT */
#include "base/journal.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/legible.h"

#define QUEUE_SIZE 4096
#define MAX_FIELDS 32
#define MAX_VALUE 4096
/* What an entry's fields take as a rule: so much is there before it is begun. */
#define ENTRY_SIZE 2048

static const char journal_socket[] = "/run/systemd/journal/socket";

struct journal_entry {
        struct buffer text; /* "FIELD=value" one behind the other */
        size_t ends[MAX_FIELDS];
        size_t n_fields;
        uint64_t realtime_usec;
};

static struct {
        pthread_mutex_t lock;
        pthread_cond_t filled;
        pthread_t thread;
        bool running, stopping, native;
        int max_priority;
        struct journal_entry *queue[QUEUE_SIZE];
        size_t head, n_queued, n_reserved, n_dropped;
        struct journal_entry *spare[QUEUE_SIZE]; /* the memory for those reserved, not yet begun */
        size_t n_spare;
        struct buffer line, shown; /* write_stderr()'s, kept from one entry to the next */
} journal = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .filled = PTHREAD_COND_INITIALIZER,
        .max_priority = LOG_INFO,
};

static struct journal_entry *entry_free(struct journal_entry *e) {
        if (!e)
                return NULL;
        buffer_done(&e->text);
        free(e);
        return NULL;
}

static struct journal_entry *entry_new(void) {
        struct journal_entry *e = calloc(1, sizeof(*e));

        if (e && !buffer_reserve(&e->text, ENTRY_SIZE))
                e = entry_free(e);
        return e;
}

static struct journal_entry *take_spare(void) {
        struct journal_entry *e = NULL;

        pthread_mutex_lock(&journal.lock);
        if (journal.n_spare > 0)
                e = journal.spare[--journal.n_spare];
        pthread_mutex_unlock(&journal.lock);
        return e;
}

/* Not through the middle of a UTF-8 character. */
static size_t value_cut(const char *value, size_t size) {
        if (size <= MAX_VALUE)
                return size;
        for (size = MAX_VALUE; size > 0 && ((unsigned char)value[size] & 0xc0) == 0x80;)
                size--;
        return size;
}

static bool entry_is_full(const struct journal_entry *e) {
        return !e || e->n_fields == MAX_FIELDS;
}

static void entry_end_field(struct journal_entry *e) {
        if (buffer_error(&e->text) == 0)
                e->ends[e->n_fields++] = e->text.size;
}

static void entry_field(struct journal_entry *e, const char *field, const char *value) {
        if (entry_is_full(e))
                return;
        buffer_puts(&e->text, field);
        buffer_putc(&e->text, '=');
        buffer_append(&e->text, value, value_cut(value, strlen(value)));
        entry_end_field(e);
}

/*
 * What people read. journalctl shows a whole message as a blob for a single escape in it. Made in
 * the entry's own memory, since there may be no other.
 */
static void entry_message(struct journal_entry *e, const char *text) {
        size_t start;

        if (entry_is_full(e))
                return;
        buffer_puts(&e->text, "MESSAGE=");
        start = e->text.size;
        legible_append(&e->text, text, MAX_VALUE);
        if (buffer_error(&e->text) == 0)
                e->text.size = start + value_cut(e->text.data + start, e->text.size - start);
        entry_end_field(e);
}

static struct journal_entry *entry_begin(struct journal_entry *e, int priority,
                                         const char *message_id) {
        if (!e)
                return NULL;
        e->realtime_usec = clock_usec(CLOCK_REALTIME);
        journal_entry_printf(e, "PRIORITY", "%d", priority);
        if (message_id)
                journal_entry_add(e, "MESSAGE_ID", message_id);
        return e;
}

struct journal_entry *journal_entry_new(int priority, const char *message_id) {
        return entry_begin(take_spare() ?: entry_new(), priority, message_id);
}

void journal_entry_add(struct journal_entry *e, const char *field, const char *value) {
        if (strcmp(field, "MESSAGE") == 0)
                entry_message(e, value);
        else
                entry_field(e, field, value);
}

void journal_entry_printf(struct journal_entry *e, const char *field, const char *format, ...) {
        char value[MAX_VALUE + 1];
        va_list ap;

        va_start(ap, format);
        vsnprintf(value, sizeof(value), format, ap);
        va_end(ap);
        journal_entry_add(e, field, value);
}

static int write_native(const struct journal_entry *e) {
        struct iovec fields[MAX_FIELDS];
        size_t start = 0;

        for (size_t i = 0; i < e->n_fields; i++) {
                fields[i] = (struct iovec){ e->text.data + start, e->ends[i] - start };
                start = e->ends[i];
        }
        return sd_journal_sendv(fields, (int)e->n_fields);
}

/* JSON has no quarrel with DEL and C1 controls, but a terminal that shows the line has. */
static void escape_controls(const struct buffer *line, struct buffer *to) {
        const unsigned char *text = (const unsigned char *)line->data;
        size_t copied = 0;

        for (size_t i = 0; i < line->size; i++) {
                bool c1 = text[i] == 0xc2 && i + 1 < line->size && text[i + 1] >= 0x80 &&
                          text[i + 1] <= 0x9f;

                if (!c1 && text[i] != 0x7f)
                        continue;
                buffer_append(to, text + copied, i - copied);
                i += c1;
                copied = i + 1;
                buffer_printf(to, "\\u%04x", text[i]);
        }
        buffer_append(to, text + copied, line->size - copied);
}

/* As `journalctl -o json` would print it. */
static int print_entry(const struct journal_entry *e, struct buffer *line, struct buffer *shown) {
        size_t start = 0;

        buffer_clear(line);
        buffer_clear(shown);
        buffer_printf(line, "{\"__REALTIME_TIMESTAMP\":\"%llu\"",
                      (unsigned long long)e->realtime_usec);
        for (size_t i = 0; i < e->n_fields; i++) {
                const char *field = e->text.data + start, *end = e->text.data + e->ends[i];
                const char *equals = memchr(field, '=', (size_t)(end - field));

                buffer_putc(line, ',');
                json_print_string(field, (size_t)(equals - field), line);
                buffer_putc(line, ':');
                json_print_string(equals + 1, (size_t)(end - equals - 1), line);
                start = e->ends[i];
        }
        buffer_puts(line, "}\n");
        if (buffer_error(line) == 0)
                escape_controls(line, shown);
        return buffer_error(line) < 0 ? buffer_error(line) : buffer_error(shown);
}

static int write_stderr(const struct journal_entry *e) {
        size_t done = 0;
        int r;

        r = print_entry(e, &journal.line, &journal.shown);
        if (r < 0) {
                buffer_done(&journal.line); /* which also forgets that it failed */
                buffer_done(&journal.shown);
                return r;
        }

        while (done < journal.shown.size) {
                ssize_t n = write(STDERR_FILENO, journal.shown.data + done,
                                  journal.shown.size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += (size_t)n;
        }
        return 0;
}

static int write_once(const struct journal_entry *e) {
        return journal.native ? write_native(e) : write_stderr(e);
}

/* What fails once is tried once more: an entry of the audit is not given up for a moment's want. */
static int write_entry(const struct journal_entry *e) {
        int r = write_once(e);

        return r < 0 ? write_once(e) : r;
}

static void write_dropped(size_t n_dropped) {
        struct journal_entry *e = entry_begin(entry_new(), LOG_WARNING, NULL);

        journal_entry_printf(e, "MESSAGE",
                             "%zu messages were dropped: the journal was too slow, or failed",
                             n_dropped);
        if (e)
                (void)write_entry(e);
        entry_free(e);
}

static void *write_queue(void *arg) {
        pthread_mutex_lock(&journal.lock);
        for (;;) {
                struct journal_entry *e;
                size_t n_dropped;
                int r;

                while (journal.n_queued == 0 && !journal.stopping)
                        pthread_cond_wait(&journal.filled, &journal.lock);
                if (journal.n_queued == 0)
                        break;

                e = journal.queue[journal.head];
                n_dropped = journal.n_dropped;
                journal.n_dropped = 0;
                pthread_mutex_unlock(&journal.lock);

                r = write_entry(e);
                entry_free(e);
                if (n_dropped > 0)
                        write_dropped(n_dropped);

                /* Its place is free only now, so that the entry being written counts as queued. */
                pthread_mutex_lock(&journal.lock);
                journal.head = (journal.head + 1) % QUEUE_SIZE;
                journal.n_queued--;
                journal.n_dropped += r < 0;
        }
        pthread_mutex_unlock(&journal.lock);
        return NULL;
}

int journal_start(enum journal_target target, int max_priority) {
        sigset_t all, before;
        int r;

        journal.native = target == JOURNAL_NATIVE ||
                         (target == JOURNAL_AUTO && access(journal_socket, W_OK) == 0);
        journal.max_priority = max_priority;
        journal.stopping = false;

        /* Signals are the event loop's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&journal.thread, NULL, write_queue, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r != 0)
                return -r;

        journal.running = true;
        return 0;
}

void journal_stop(void) {
        if (!journal.running)
                return;

        pthread_mutex_lock(&journal.lock);
        journal.stopping = true;
        pthread_cond_signal(&journal.filled);
        pthread_mutex_unlock(&journal.lock);
        pthread_join(journal.thread, NULL);
        journal.running = false;
        buffer_done(&journal.line);
        buffer_done(&journal.shown);
}

int journal_reserve(void) {
        struct journal_entry *e = entry_new();
        int r = -ENOBUFS;

        if (!e)
                return -ENOMEM;

        pthread_mutex_lock(&journal.lock);
        if (journal.n_queued + journal.n_reserved < QUEUE_SIZE) {
                journal.n_reserved++;
                journal.spare[journal.n_spare++] = TAKE_PTR(e);
                r = 0;
        }
        pthread_mutex_unlock(&journal.lock);
        entry_free(e);
        return r;
}

/* With the lock held. The memory of a place that was given up, or that nobody took. */
static struct journal_entry *give_back(void) {
        assert(journal.n_reserved > 0);
        journal.n_reserved--;
        return journal.n_spare > journal.n_reserved ? journal.spare[--journal.n_spare] : NULL;
}

void journal_unreserve(void) {
        struct journal_entry *unused;

        pthread_mutex_lock(&journal.lock);
        unused = give_back();
        pthread_mutex_unlock(&journal.lock);
        entry_free(unused);
}

/* With the lock held. */
static void enqueue(struct journal_entry *e) {
        journal.queue[(journal.head + journal.n_queued) % QUEUE_SIZE] = e;
        journal.n_queued++;
        pthread_cond_signal(&journal.filled);
}

void journal_commit(struct journal_entry *e) {
        struct journal_entry *unused;

        pthread_mutex_lock(&journal.lock);
        unused = give_back();
        if (e && journal.running) {
                enqueue(e);
                e = NULL;
        }
        pthread_mutex_unlock(&journal.lock);

        if (e)
                (void)write_entry(e); /* the thread is not there (yet, or any more) */
        entry_free(e);
        entry_free(unused);
}

void journal_log(int priority, const char *format, ...) {
        char text[MAX_VALUE + 1];
        struct journal_entry *e;
        va_list ap;

        if (priority > journal.max_priority)
                return;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        if (!journal.running) {
                fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
                return;
        }

        e = entry_begin(entry_new(), priority, NULL);
        journal_entry_add(e, "MESSAGE", text);

        pthread_mutex_lock(&journal.lock);
        if (e && journal.n_queued + journal.n_reserved < QUEUE_SIZE) {
                enqueue(e);
                e = NULL;
        } else
                journal.n_dropped++;
        pthread_mutex_unlock(&journal.lock);
        entry_free(e);
}
