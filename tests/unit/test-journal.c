/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/journal.h"
#include "base/json.h"
#include "everywhere.h"

/* Runs write_all() with stderr going to a pipe or file, and gives back what came out. */
static char *captured(void (*write_all)(void)) {
        FILE *file = tmpfile();
        int saved = dup(STDERR_FILENO);
        char *text = calloc(1, 1 << 20);
        ssize_t n;

        assert_non_null(file);
        assert_non_null(text);
        dup2(fileno(file), STDERR_FILENO);
        assert_int_equal(journal_start(JOURNAL_STDERR, LOG_INFO), 0);
        write_all();
        journal_stop();
        dup2(saved, STDERR_FILENO);
        fd_close(saved);

        n = pread(fileno(file), text, (1 << 20) - 1, 0);
        assert_true(n >= 0);
        fclose(file);
        return text;
}

static void write_forger(void) {
        struct journal_entry *e;

        assert_int_equal(journal_reserve(), 0);
        e = journal_entry_new(LOG_INFO, "0123456789abcdef0123456789abcdef");
        journal_entry_add(e, "MESSAGE", "one\n<0>two\",\"ACTION_USER_ID\":\"root");
        journal_entry_add(e, "ACTION_USER_ID", "u1\nACTION_STATUS=success");
        journal_entry_printf(e, "ACTION_ATTEMPT", "%d", 1);
        journal_commit(e);
}

/* What a user supplies can neither end the line nor add a field. */
static void test_entry_is_one_line_of_json(void **state) {
        _cleanup_(freep) char *text = captured(write_forger);
        _cleanup_(json_freep) cJSON *json = NULL;

        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        assert_int_equal(json_parse(text, strlen(text), &json, NULL), 0);
        assert_int_equal(cJSON_GetArraySize(json), 6);
        assert_string_equal(json_string(json, "ACTION_USER_ID"), "u1\nACTION_STATUS=success");
        assert_string_equal(json_string(json, "MESSAGE"), "one?<0>two\",\"ACTION_USER_ID\":\"root");
        assert_string_equal(json_string(json, "PRIORITY"), "6");
        assert_null(json_string(json, "ACTION_STATUS"));
}

static void write_commands(void) {
        static const char commands[] = "\x1b[2J \xc2\x9b"
                                       "2J \x7f \xc2\x80 \xc2\xa0 \xc3\x9b \xe2\x80\xae";
        struct journal_entry *e = journal_entry_new(LOG_INFO, NULL);

        assert_int_equal(journal_reserve(), 0);
        journal_entry_add(e, "MESSAGE", "");
        journal_entry_add(e, "FIELD", commands);
        journal_commit(e);
        log_info("%s", commands);
}

/*
 * Nor move a terminal's cursor: what is no control stays as it is. A message is for people, and has
 * no marks that make it read another way; any other field has all that it was given.
 */
static void test_no_control_comes_through(void **state) {
        _cleanup_(freep) char *text = captured(write_commands);

        assert_non_null(strstr(text, "\"MESSAGE\":\"?[2J ?2J ? ? \xc2\xa0 \xc3\x9b ?\""));
        assert_non_null(strstr(text, "\"FIELD\":\"\\u001b[2J \\u009b2J \\u007f \\u0080 "
                                     "\xc2\xa0 \xc3\x9b \xe2\x80\xae\""));
        assert_non_null(strstr(text, "\"MESSAGE\":\"\""));
}

static void write_long(void) {
        char value[10000];
        struct journal_entry *e;

        /* Two-byte characters, so that the limit falls into one. */
        value[0] = 'x';
        for (size_t i = 1; i + 2 < sizeof(value); i += 2)
                memcpy(value + i, "\xc3\xa9", 3);
        assert_int_equal(journal_reserve(), 0);
        e = journal_entry_new(LOG_INFO, NULL);
        journal_entry_add(e, "MESSAGE", value);
        for (int i = 0; i < 100; i++) {
                char field[16];

                snprintf(field, sizeof(field), "FIELD_%d", i);
                journal_entry_add(e, field, "x");
        }
        journal_commit(e);
        log_debug("not written at this level");
        log_info("written");
}

static void test_limits(void **state) {
        _cleanup_(freep) char *text = captured(write_long);
        _cleanup_(json_freep) cJSON *json = NULL;
        char *end = strchr(text, '\n');

        assert_non_null(end);
        assert_int_equal(json_parse(text, (size_t)(end - text), &json, NULL), 0);
        assert_int_equal(cJSON_GetArraySize(json), 32 + 1); /* the time stands beside them */
        assert_int_equal(strlen(json_string(json, "MESSAGE")), 4095);
        assert_non_null(strstr(end, "\"MESSAGE\":\"written\""));
        assert_null(strstr(end, "not written"));
}

static int blocked_pipe[2];

static void *drain_pipe(void *arg) {
        char chunk[65536];

        while (read(blocked_pipe[0], chunk, sizeof(chunk)) > 0)
                ;
        return NULL;
}

/*
 * With nobody reading, the writer stands still: messages are dropped, but an audit entry is either
 * refused beforehand or written in the end.
 */
static void test_full_queue_refuses_reservations(void **state) {
        int saved = dup(STDERR_FILENO), n_reserved = 0;

        assert_int_equal(pipe(blocked_pipe), 0);
        (void)fcntl(blocked_pipe[1], F_SETPIPE_SZ, 4096);
        dup2(blocked_pipe[1], STDERR_FILENO);
        fd_close(blocked_pipe[1]);
        assert_int_equal(journal_start(JOURNAL_STDERR, LOG_INFO), 0);

        for (int i = 0; i < 6000; i++)
                log_info("filling the queue until it is full, message number %d", i);
        assert_int_equal(journal_reserve(), -ENOBUFS);

        {
                pthread_t drain;

                assert_int_equal(pthread_create(&drain, NULL, drain_pipe, NULL), 0);
                journal_stop();
                dup2(saved, STDERR_FILENO);
                pthread_join(drain, NULL);
        }

        while (journal_reserve() == 0)
                n_reserved++;
        assert_int_equal(n_reserved, 4096);
        for (; n_reserved > 0; n_reserved--)
                journal_unreserve();
        fd_close(blocked_pipe[0]);
        fd_close(saved);
}

static struct fault_plan next_plan;
static bool reserved;

static void write_while_one_fails(void) {
        struct journal_entry *e;
        struct stat st = { 0 };

        log_info("so that the thread runs");
        while (fstat(STDERR_FILENO, &st) == 0 && st.st_size == 0)
                sched_yield();

        *fault_plan = next_plan;
        reserved = journal_reserve() == 0;
        if (!reserved)
                return;
        e = journal_entry_new(LOG_INFO, "0123456789abcdef0123456789abcdef");
        journal_entry_add(e, "MESSAGE", "all of it");
        journal_commit(e);
}

/* An audit entry for which a place was given is written, though a call of either thread fails. */
static void test_a_reserved_entry_is_not_lost(void **state) {
        static const unsigned kinds[] = { FAULT_MEMORY, FAULT_WRITE };

        for (size_t k = 0; k < ELEMENTSOF(kinds); k++) {
                bool failed = true;

                for (unsigned nth = 1; failed; nth++) {
                        _cleanup_(freep) char *text = NULL;

                        next_plan = (struct fault_plan){ .kinds = kinds[k], .nth = nth };
                        text = captured(write_while_one_fails);
                        failed = fault_plan->n_failed > 0;
                        *fault_plan = (struct fault_plan){ 0 };
                        assert_int_equal(strstr(text, "\"all of it\"}\n") != NULL, reserved);
                        assert_true(nth > 1 || failed);
                }
                assert_true(reserved);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_entry_is_one_line_of_json),
                cmocka_unit_test(test_no_control_comes_through),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_full_queue_refuses_reservations),
                cmocka_unit_test(test_a_reserved_entry_is_not_lost),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
