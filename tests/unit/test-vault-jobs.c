/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vaultd/jobs.h"

static const struct record_id ann = { "u1", "gmail", "default" };
static const struct record_id others[] = {
        { "u2", "gmail", "default" },
        { "u1", "slack", "default" },
        { "u1", "gmail", "work" },
};

static const struct record_version first = { "first" }, second = { "second" };

struct waiter {
        struct job_waiter head;
        struct jobs *jobs;
        unsigned n_ends;
        enum job_end how;
        enum ae_code code;
        bool joins; /* another job, as soon as it is told */
};

static void on_end(struct job_waiter *head, enum job_end how, const struct ae_error *error) {
        struct waiter *w = (struct waiter *)head;
        struct job *job;

        w->n_ends++;
        w->how = how;
        w->code = how == JOB_FAILED ? error->code : AE_NONE;
        if (!w->joins)
                return;
        job = jobs_find(w->jobs, &ann);
        if (!job)
                assert_int_equal(job_new(w->jobs, &ann, &second, NULL, &job), 0);
        w->joins = false;
        job_wait(job, head);
}

static void test_a_record_has_one(void **state) {
        struct jobs jobs = { 0 };
        struct job *job, *another;

        assert_null(jobs_find(&jobs, &ann));
        assert_int_equal(job_new(&jobs, &ann, &first, &jobs, &job), 0);
        assert_ptr_equal(job->userdata, &jobs);
        assert_ptr_equal(jobs_find(&jobs, &(struct record_id){ "u1", "gmail", "default" }), job);
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                assert_null(jobs_find(&jobs, &others[i]));
                assert_int_equal(job_new(&jobs, &others[i], &first, NULL, &another), 0);
                assert_ptr_equal(jobs_find(&jobs, &others[i]), another);
        }
        job_end(jobs_find(&jobs, &others[1]), JOB_DONE); /* out of the middle */
        assert_null(jobs_find(&jobs, &others[1]));
        assert_ptr_equal(jobs_find(&jobs, &ann), job);
        job_end(job, JOB_DONE);
        assert_null(jobs_find(&jobs, &ann));
        assert_non_null(jobs_find(&jobs, &others[0]));
        assert_non_null(jobs_find(&jobs, &others[2]));
        jobs_done(&jobs);
        assert_null(jobs.first);
}

/* Those who find the record still wanting all wait for the one that begins the next job. */
static void test_all_who_wait_are_told_once(void **state) {
        struct jobs jobs = { 0 };
        struct waiter waiters[5];
        struct job *job;

        assert_int_equal(job_new(&jobs, &ann, &first, NULL, &job), 0);
        for (size_t i = 0; i < ELEMENTSOF(waiters); i++) {
                waiters[i] = (struct waiter){ { .on_end = on_end }, &jobs, .joins = i % 2 };
                job_wait(job, &waiters[i].head);
        }
        job_end(job, JOB_CHANGED);
        for (size_t i = 0; i < ELEMENTSOF(waiters); i++) {
                assert_int_equal(waiters[i].n_ends, 1);
                assert_int_equal(waiters[i].how, JOB_CHANGED);
        }
        job_end(jobs_find(&jobs, &ann), JOB_DONE);
        for (size_t i = 0; i < ELEMENTSOF(waiters); i++)
                assert_int_equal(waiters[i].n_ends, 1 + i % 2);
        assert_null(jobs.first);
}

/* Wherever in the row one stood, the others are told, and who comes later as well. */
static void test_who_leaves_is_not_told(void **state) {
        struct jobs jobs = { 0 };

        jobs_leave(&jobs, &ann, &(struct job_waiter){ 0 });
        for (size_t leaver = 0; leaver < 4; leaver++) {
                struct waiter waiters[4] = { 0 };
                struct job *job;

                assert_int_equal(job_new(&jobs, &ann, &first, NULL, &job), 0);
                for (size_t i = 0; i < ELEMENTSOF(waiters); i++)
                        waiters[i].head.on_end = on_end;
                for (size_t i = 0; i < 3; i++)
                        job_wait(job, &waiters[i].head);
                jobs_leave(&jobs, &ann, &waiters[leaver].head); /* the last never came */
                if (leaver < 3)
                        job_wait(job, &waiters[3].head);
                job_end(job, JOB_DONE);
                for (size_t i = 0; i < ELEMENTSOF(waiters); i++)
                        assert_int_equal(waiters[i].n_ends, i != leaver);
        }
}

static void fail_job(struct jobs *jobs, const struct record_version *version, const char *message) {
        struct waiter w = { { .on_end = on_end }, jobs };
        struct ae_error error = { 0 };
        struct job *job;

        (void)ae_error_set(&error, AE_UPSTREAM_ERROR, "%s", message);
        assert_int_equal(job_new(jobs, &ann, version, NULL, &job), 0);
        job_wait(job, &w.head);
        job_fail(job, &error);
        assert_int_equal(w.code, AE_UPSTREAM_ERROR);
}

static void test_a_failure_is_remembered(void **state) {
        struct jobs jobs = { 0 };
        struct ae_error error = { 0 };

        assert_int_equal(jobs_recall(&jobs, &first, &error), 0);
        fail_job(&jobs, &first, "it was %s");
        assert_int_equal(jobs_recall(&jobs, &second, &error), 0);
        assert_int_equal(error.code, AE_NONE);
        assert_int_equal(jobs_recall(&jobs, &first, &error), ae_code_errno(AE_UPSTREAM_ERROR));
        assert_string_equal(error.message, "it was %s");
        jobs_forget(&jobs);
        assert_int_equal(jobs_recall(&jobs, &first, &error), 0);
}

static void test_a_failure_is_forgotten_in_time(void **state) {
        struct jobs jobs = { 0 };
        struct ae_error error = { 0 };

        fail_job(&jobs, &first, "no");
        jobs.failures[0].until_usec = 1;
        assert_int_equal(jobs_recall(&jobs, &first, &error), 0);

        fail_job(&jobs, &first, "no");
        for (int i = 0; i < JOBS_MAX_REMEMBERED; i++) {
                assert_int_equal(jobs_recall(&jobs, &first, &error) < 0, true);
                fail_job(&jobs, &second, "no");
        }
        assert_int_equal(jobs_recall(&jobs, &first, &error), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_record_has_one),
                cmocka_unit_test(test_all_who_wait_are_told_once),
                cmocka_unit_test(test_who_leaves_is_not_told),
                cmocka_unit_test(test_a_failure_is_remembered),
                cmocka_unit_test(test_a_failure_is_forgotten_in_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
