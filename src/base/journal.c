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

static void entry_field(struct journal_entry *e, const char *field, const char *value,
                        size_t size) {
        if (!e || e->n_fields == MAX_FIELDS)
                return;

        if (size > MAX_VALUE) {
                size = MAX_VALUE; /* not through the middle of a UTF-8 character */
                while (size > 0 && ((unsigned char)value[size] & 0xc0) == 0x80)
                        size--;
        }
        buffer_puts(&e->text, field);
        buffer_putc(&e->text, '=');
        buffer_append(&e->text, value, size);
        if (buffer_error(&e->text) == 0)
                e->ends[e->n_fields++] = e->text.size;
}

struct journal_entry *journal_entry_new(int priority, const char *message_id) {
        struct journal_entry *e = calloc(1, sizeof(*e));

        if (!e)
                return NULL;
        e->realtime_usec = clock_usec(CLOCK_REALTIME);
        journal_entry_printf(e, "PRIORITY", "%d", priority);
        if (message_id)
                journal_entry_add(e, "MESSAGE_ID", message_id);
        return e;
}

/* What people read. journalctl shows a whole message as a blob for a single escape in it. */
static void entry_message(struct journal_entry *e, const char *text) {
        _cleanup_(buffer_done) struct buffer shown = { 0 };

        legible_append(&shown, text, MAX_VALUE);
        if (buffer_error(&shown) == 0)
                entry_field(e, "MESSAGE", shown.data ?: "", shown.size);
}

void journal_entry_add(struct journal_entry *e, const char *field, const char *value) {
        if (strcmp(field, "MESSAGE") == 0)
                entry_message(e, value);
        else
                entry_field(e, field, value, strlen(value));
}

void journal_entry_printf(struct journal_entry *e, const char *field, const char *format, ...) {
        char value[MAX_VALUE + 1];
        va_list ap;

        va_start(ap, format);
        vsnprintf(value, sizeof(value), format, ap);
        va_end(ap);
        journal_entry_add(e, field, value);
}

static void write_native(const struct journal_entry *e) {
        struct iovec fields[MAX_FIELDS];
        size_t start = 0;

        for (size_t i = 0; i < e->n_fields; i++) {
                fields[i] = (struct iovec){ e->text.data + start, e->ends[i] - start };
                start = e->ends[i];
        }
        (void)sd_journal_sendv(fields, (int)e->n_fields);
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
static void write_stderr(const struct journal_entry *e) {
        struct buffer line = { 0 }, shown = { 0 };
        size_t start = 0, done = 0;

        buffer_printf(&line, "{\"__REALTIME_TIMESTAMP\":\"%llu\"",
                      (unsigned long long)e->realtime_usec);
        for (size_t i = 0; i < e->n_fields; i++) {
                const char *field = e->text.data + start, *end = e->text.data + e->ends[i];
                const char *equals = memchr(field, '=', (size_t)(end - field));

                buffer_putc(&line, ',');
                json_print_string(field, (size_t)(equals - field), &line);
                buffer_putc(&line, ':');
                json_print_string(equals + 1, (size_t)(end - equals - 1), &line);
                start = e->ends[i];
        }
        buffer_puts(&line, "}\n");
        if (buffer_error(&line) == 0)
                escape_controls(&line, &shown);

        while (buffer_error(&shown) == 0 && done < shown.size) {
                ssize_t n = write(STDERR_FILENO, shown.data + done, shown.size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        break; /* nowhere left to say so */
                done += (size_t)n;
        }
        buffer_done(&line);
        buffer_done(&shown);
}

static void write_entry(const struct journal_entry *e) {
        if (journal.native)
                write_native(e);
        else
                write_stderr(e);
}

static void write_dropped(size_t n_dropped) {
        struct journal_entry *e = journal_entry_new(LOG_WARNING, NULL);

        journal_entry_printf(e, "MESSAGE", "%zu messages were dropped: the journal was too slow",
                             n_dropped);
        if (e)
                write_entry(e);
        entry_free(e);
}

static void *write_queue(void *arg) {
        pthread_mutex_lock(&journal.lock);
        for (;;) {
                struct journal_entry *e;
                size_t n_dropped;

                while (journal.n_queued == 0 && !journal.stopping)
                        pthread_cond_wait(&journal.filled, &journal.lock);
                if (journal.n_queued == 0)
                        break;

                e = journal.queue[journal.head];
                n_dropped = journal.n_dropped;
                journal.n_dropped = 0;
                pthread_mutex_unlock(&journal.lock);

                write_entry(e);
                entry_free(e);
                if (n_dropped > 0)
                        write_dropped(n_dropped);

                /* Its place is free only now, so that the entry being written counts as queued. */
                pthread_mutex_lock(&journal.lock);
                journal.head = (journal.head + 1) % QUEUE_SIZE;
                journal.n_queued--;
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
}

int journal_reserve(void) {
        int r = 0;

        pthread_mutex_lock(&journal.lock);
        if (journal.n_queued + journal.n_reserved < QUEUE_SIZE)
                journal.n_reserved++;
        else
                r = -ENOBUFS;
        pthread_mutex_unlock(&journal.lock);
        return r;
}

void journal_unreserve(void) {
        pthread_mutex_lock(&journal.lock);
        assert(journal.n_reserved > 0);
        journal.n_reserved--;
        pthread_mutex_unlock(&journal.lock);
}

/* With the lock held. */
static void enqueue(struct journal_entry *e) {
        journal.queue[(journal.head + journal.n_queued) % QUEUE_SIZE] = e;
        journal.n_queued++;
        pthread_cond_signal(&journal.filled);
}

void journal_commit(struct journal_entry *e) {
        pthread_mutex_lock(&journal.lock);
        assert(journal.n_reserved > 0);
        journal.n_reserved--;
        if (e && journal.running) {
                enqueue(e);
                e = NULL;
        }
        pthread_mutex_unlock(&journal.lock);

        if (e)
                write_entry(e); /* the thread is not there (yet, or any more) */
        entry_free(e);
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

        e = journal_entry_new(priority, NULL);
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
