/* SPDX-License-Identifier: MIT */
/*
 * H2, H3: power is cut while records are stored, at any moment and with whatever the disk had not
 * been told to write; and each call to the disk fails, once or for long. What was acknowledged is
 * there, what is there is what was written, and neither is taken for a store that was rolled back.
 */
#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "power-cut.h"
#include "vault/record.h"
#include "vaultd/seal.h"
#include "vaultd/store.h"

#define MAX_BYTES ((size_t)64 << 20)
#define N_USERS 12
#define MAX_STEPS 600
#define MAX_TEXT ((size_t)120 << 10)

/* One change, as it was asked for. Its number is what the record says from then on. */
struct step {
        int user;
        bool deletes;
        bool acknowledged;
        size_t begun, done; /* power_now() */
};

struct place {
        char directory[64], live[80], image[80];
        struct secret *key;
        struct store *store;
        struct step steps[MAX_STEPS];
        int n_steps;
        char *text;
        char error[STORE_ERROR_SIZE];
};

static void make_folders(const char *path) {
        char folder[128];

        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(folder, sizeof(folder), "%s/state", path);
        assert_int_equal(mkdir(folder, 0700), 0);
        snprintf(folder, sizeof(folder), "%s/mark", path);
        assert_int_equal(mkdir(folder, 0700), 0);
}

static int set_up(void **state) {
        struct place *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        p->text = malloc(MAX_TEXT);
        assert_non_null(p->text);
        strcpy(p->directory, "/tmp/test-vault-power-XXXXXX");
        assert_non_null(mkdtemp(p->directory));
        snprintf(p->live, sizeof(p->live), "%s/live", p->directory);
        snprintf(p->image, sizeof(p->image), "%s/image", p->directory);
        make_folders(p->live);
        make_folders(p->image);
        assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &p->key), 0);
        power_record(p->live);
        *state = p;
        return 0;
}

static int tear_down(void **state) {
        struct place *p = *state;
        char command[96];

        power_stop();
        store_free(p->store);
        secret_free(p->key);
        snprintf(command, sizeof(command), "rm -r '%s'", p->directory);
        assert_int_equal(system(command), 0);
        free(p->text);
        free(p);
        return 0;
}

static struct store *open_in(struct place *p, const char *folder) {
        _cleanup_(store_freep) struct store *s = NULL;
        char path[128];
        int r;

        snprintf(path, sizeof(path), "%s/state/vault.db", folder);
        r = store_open(path, MAX_BYTES, &s, p->error);
        if (r < 0)
                return NULL;
        snprintf(path, sizeof(path), "%s/mark", folder);
        r = store_guard(s, p->key, path, p->error);
        return r < 0 ? NULL : TAKE_PTR(s);
}

static bool open_live(struct place *p) {
        p->store = store_free(p->store);
        p->store = open_in(p, p->live);
        return p->store;
}

static struct record_id user_id(int user, char name[static 16]) {
        snprintf(name, 16, "u%d", user);
        return (struct record_id){ name, "gmail", "default" };
}

/* Of different lengths: in a leaf, on pages of its own, and enough to have the log written back. */
static size_t text_of(const struct place *p, int step) {
        static const size_t sizes[] = { 40, 400, 3000, 9000, 40, 400, 400, 60000 };
        size_t n = sizes[(size_t)step % ELEMENTSOF(sizes)] + (size_t)step;

        memset(p->text, 'a' + step % 26, n);
        memcpy(p->text + snprintf(p->text, 16, "%d", step), ":", 1);
        return n;
}

/* Returns whether it was acknowledged. */
static bool change(struct place *p, int user, bool deletes) {
        int number = p->n_steps++;
        struct step *step = &p->steps[number];
        char name[16];
        const struct record_id id = user_id(user, name);
        int r;

        assert_true(number < MAX_STEPS);
        *step = (struct step){ .user = user, .deletes = deletes, .begun = power_now() };
        r = deletes ? store_delete(p->store, &id)
                    : store_write(p->store, &id, p->text, text_of(p, number));
        step->acknowledged = r == 0 || (deletes && r == -ENOENT);
        step->done = power_now();
        return step->acknowledged;
}

/* The step that wrote what is there, -1: nothing is. */
static int writer_of(struct place *p, struct store *s, int user) {
        _cleanup_(buffer_done) struct buffer b = { 0 };
        char name[16];
        const struct record_id id = user_id(user, name);
        int r, step;

        r = store_read(s, &id, &b);
        if (r == -ENOENT)
                return -1;
        assert_int_equal(r, 0);
        step = atoi(b.data);
        assert_in_range(step, 0, p->n_steps - 1);
        assert_int_equal(b.size, text_of(p, step));
        assert_memory_equal(b.data, p->text, b.size);
        return step;
}

/*
 * Whether it is what the last acknowledged step left, or one that was begun after it and came to
 * its end in no other way.
 */
static bool may_be(const struct place *p, int user, int writer, size_t moment) {
        bool possible = writer < 0;

        for (int i = 0; i < p->n_steps && p->steps[i].begun <= moment; i++) {
                const struct step *s = &p->steps[i];
                bool is_it = s->deletes ? writer < 0 : writer == i;

                if (s->user != user)
                        continue;
                if (s->acknowledged && s->done <= moment)
                        possible = is_it;
                else
                        possible |= is_it;
        }
        return possible;
}

/* Cuts the power there. Returns how many records are not what they should be, -1: it does not open. */
static int losses_at(struct place *p, size_t moment, uint64_t seed) {
        _cleanup_(store_freep) struct store *s = NULL;
        int n = 0;

        power_cut(moment, seed, p->image);
        s = open_in(p, p->image);
        if (!s)
                return -1;
        for (int user = 0; user < N_USERS; user++)
                n += !may_be(p, user, writer_of(p, s, user), moment);
        return n;
}

static void assert_survives(struct place *p, size_t moment, uint64_t seed) {
        int n = losses_at(p, moment, seed);

        if (n != 0)
                fail_msg("power cut at %zu of %zu, seed %" PRIu64 ": %s", moment, power_now(), seed,
                         n > 0 ? "something is lost" : p->error);
}

static uint64_t draw(uint64_t *seed) {
        *seed = *seed * 6364136223846793005 + 1442695040888963407;
        return *seed >> 33;
}

static void work(struct place *p, int n, uint64_t seed) {
        assert_true(open_live(p));
        for (int i = 0; i < n; i++) {
                assert_true(change(p, (int)(draw(&seed) % N_USERS), draw(&seed) % 5 == 0));
                if (draw(&seed) % 40 == 0)
                        assert_true(open_live(p));
        }
}

static void test_power_is_cut(void **state) {
        struct place *p = *state;
        uint64_t seed = 1;

        work(p, 200, 7);
        power_stop();
        for (uint64_t i = 0; i < 400; i++)
                assert_survives(p, draw(&seed) % (power_now() + 1), i);
}

/* From nothing to the first records, at each moment. */
static void test_power_is_cut_at_the_start(void **state) {
        struct place *p = *state;

        work(p, 3, 1);
        assert_true(open_live(p));
        power_stop();
        for (size_t moment = 0; moment <= power_now(); moment++)
                for (uint64_t seed = 0; seed < 3; seed++)
                        assert_survives(p, moment, seed);
}

/* That the cuts are some: a log that is not synced, as with synchronous=NORMAL, loses what it had. */
static void test_that_losses_would_show(void **state) {
        struct place *p = *state;
        uint64_t seed = 1;
        int n_lost = 0;

        power_ignore_syncs_of("-wal");
        work(p, 60, 7);
        power_stop();
        for (uint64_t i = 0; i < 60; i++)
                n_lost += losses_at(p, draw(&seed) % (power_now() + 1), i) != 0;
        assert_true(n_lost > 10);
}

/* What happens from here on has each call fail in turn. Returns whether one did. */
static bool work_with_a_failure(struct place *p, size_t nth, size_t n, int error) {
        bool failed;

        power_record(p->live);
        p->n_steps = 0;
        assert_true(open_live(p));
        for (int user = 0; user < 3; user++)
                assert_true(change(p, user, false));

        power_fail(nth, n, error);
        for (int user = 0; user < 4; user++)
                (void)change(p, user, user == 2);
        (void)open_live(p);
        failed = power_failures() > 0;
        power_fail(0, 0, 0); /* the disk is well again */

        if (!p->store)
                assert_true(open_live(p));
        for (int user = 0; user < 6; user++) {
                assert_true(may_be(p, user, writer_of(p, p->store, user), SIZE_MAX));
                assert_true(change(p, user, user == 1));
        }
        return failed;
}

static void empty_live(struct place *p) {
        char command[128];

        power_stop();
        p->store = store_free(p->store);
        snprintf(command, sizeof(command), "rm -f '%s'/*/*", p->live);
        assert_int_equal(system(command), 0);
}

static void test_a_call_fails(void **state) {
        static const struct {
                int error;
                size_t n; /* in a row */
        } cases[] = { { EIO, 1 }, { ENOSPC, 1 }, { EIO, 7 }, { ENOSPC, 40 }, { EROFS, 12 } };
        struct place *p = *state;
        uint64_t seed = 3;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t nth = 0;; nth++) {
                        empty_live(p);
                        if (!work_with_a_failure(p, nth, cases[i].n, cases[i].error)) {
                                assert_true(nth > 30);
                                break;
                        }
                        power_stop();
                        for (uint64_t k = 0; k < 3; k++)
                                assert_survives(p, draw(&seed) % (power_now() + 1), k);
                        assert_survives(p, power_now(), nth);
                }
}

/* For as long as it fails nothing is acknowledged; and then it goes on. */
static void test_a_disk_that_takes_nothing(void **state) {
        static const int errors[] = { EIO, ENOSPC, EROFS };
        struct place *p = *state;

        assert_true(open_live(p));
        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                assert_true(change(p, 0, false));
                power_fail(0, SIZE_MAX, errors[i]);
                for (int k = 0; k < 10; k++)
                        assert_false(change(p, k % 3, k % 2));
                assert_true(store_problem(p->store)[0] != 0);
                power_fail(0, 0, 0);
                assert_true(may_be(p, 0, writer_of(p, p->store, 0), SIZE_MAX));
                assert_true(change(p, 1, false));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_power_is_cut, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_power_is_cut_at_the_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_that_losses_would_show, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_call_fails, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_disk_that_takes_nothing, set_up, tear_down),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
