/* SPDX-License-Identifier: MIT */
/*
 * I5: a store that is rolled back, as a whole or in part, is refused. A crash is no rollback: what
 * a power cut leaves is tested in test-vault-power.c.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "vault/record.h"
#include "vaultd/seal.h"
#include "vaultd/store.h"

#define MAX_BYTES ((size_t)16 << 20)

static const struct record_id home = { "u1", "gmail", "default" };
static const struct record_id work = { "u1", "gmail", "work" };

struct place {
        char directory[64], path[96], marks[80], mark[96], accept[112], copy[96];
        struct secret *key;
        struct store *store;
        char error[STORE_ERROR_SIZE];
};

static int set_up(void **state) {
        struct place *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        strcpy(p->directory, "/tmp/test-vault-guard-XXXXXX");
        assert_non_null(mkdtemp(p->directory));
        snprintf(p->path, sizeof(p->path), "%s/vault.db", p->directory);
        snprintf(p->marks, sizeof(p->marks), "%s/marks", p->directory);
        snprintf(p->mark, sizeof(p->mark), "%s/mark", p->marks);
        snprintf(p->accept, sizeof(p->accept), "%s/accept-restored", p->marks);
        snprintf(p->copy, sizeof(p->copy), "%s/copy", p->directory);
        assert_int_equal(mkdir(p->marks, 0700), 0);
        assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &p->key), 0);
        *state = p;
        return 0;
}

static int tear_down(void **state) {
        struct place *p = *state;
        char command[96];

        store_free(p->store);
        secret_free(p->key);
        snprintf(command, sizeof(command), "rm -r '%s'", p->directory);
        assert_int_equal(system(command), 0);
        free(p);
        return 0;
}

static int try_open(struct place *p) {
        int r;

        p->store = store_free(p->store);
        r = store_open(p->path, MAX_BYTES, &p->store, p->error);
        assert_int_equal(r, 0);
        r = store_guard(p->store, p->key, p->marks, p->error);
        if (r < 0)
                p->store = store_free(p->store);
        return r;
}

static void open_store(struct place *p) {
        int r = try_open(p);

        if (r < 0)
                fail_msg("%s", p->error);
}

static void close_store(struct place *p) {
        p->store = store_free(p->store);
}

static void put(struct place *p, const struct record_id *id, const char *text) {
        _cleanup_(buffer_done) struct buffer sealed = { 0 };

        assert_int_equal(seal(p->key, id, text, strlen(text), &sealed), 0);
        assert_int_equal(store_write(p->store, id, sealed.data, sealed.size), 0);
}

static void assert_holds(struct place *p, const struct record_id *id, const char *text) {
        _cleanup_(secret_freep) struct secret *plain = NULL;
        _cleanup_(buffer_done) struct buffer sealed = { 0 };

        assert_int_equal(store_read(p->store, id, &sealed), text ? 0 : -ENOENT);
        if (!text)
                return;
        assert_int_equal(seal_open(p->key, id, sealed.data, sealed.size, &plain), 0);
        assert_string_equal(plain->data, text);
}

static void read_whole(const char *path, char **ret, size_t *ret_size) {
        int fd = open(path, O_RDONLY);
        struct stat st;

        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        *ret_size = (size_t)st.st_size;
        *ret = malloc(*ret_size + 1);
        assert_int_equal(read(fd, *ret, *ret_size), st.st_size);
        fd_close(fd);
}

static void write_whole(const char *path, const char *data, size_t size) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), (ssize_t)size);
        fd_close(fd);
}

static void copy(const char *from, const char *to) {
        _cleanup_(freep) char *data = NULL;
        size_t n;

        read_whole(from, &data, &n);
        write_whole(to, data, n);
}

/* As somebody with the file in hand. */
static void meddle(const char *path, const char *sql) {
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* And neither it nor its mark is touched. */
static void assert_refused(struct place *p, int expected, const char *words) {
        _cleanup_(freep) char *before = NULL, *after = NULL;
        size_t n_before, n_after;

        read_whole(p->path, &before, &n_before);
        assert_int_equal(try_open(p), expected);
        if (!strstr(p->error, words))
                fail_msg("'%s' is not in: %s", words, p->error);
        assert_non_null(strstr(p->error, p->path));
        read_whole(p->path, &after, &n_after);
        assert_int_equal(n_before, n_after);
        assert_memory_equal(before, after, n_before);
}

static void accept(struct place *p) {
        write_whole(p->accept, "", 0);
        open_store(p);
        assert_int_equal(access(p->accept, F_OK), -1);
}

/* A store with a history, and a copy of it as it once was. */
static void fill(struct place *p) {
        open_store(p);
        put(p, &home, "first");
        put(p, &work, "to be deleted");
        assert_int_equal(store_write_provider(p->store, "google", "app", 3), 0);
        close_store(p);
        copy(p->path, p->copy);

        open_store(p);
        assert_int_equal(store_delete(p->store, &work), 0);
        put(p, &home, "second");
        close_store(p);
}

static void test_what_the_vault_left_is_taken(void **state) {
        struct place *p = *state;
        struct stat st;

        open_store(p); /* never changed yet, and opened again */
        fill(p);
        for (int i = 0; i < 3; i++) {
                open_store(p);
                assert_holds(p, &home, "second");
                assert_holds(p, &work, NULL);
                assert_int_equal(store_delete_provider(p->store, "google"), i == 0 ? 0 : -ENOENT);
        }
        assert_int_equal(stat(p->mark, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void test_an_older_copy_is_refused(void **state) {
        struct place *p = *state;

        fill(p);
        copy(p->copy, p->path);
        assert_refused(p, -ESTALE, "is older than its mark");
        assert_non_null(strstr(p->error, p->accept));

        assert_int_equal(unlink(p->path), 0);
        write_whole(p->path, "", 0);
        assert_int_equal(try_open(p), -ESTALE); /* a store that is gone is the oldest */
        assert_non_null(strstr(p->error, "is older than its mark"));
}

static void test_a_restored_one_is_taken_when_somebody_says_so(void **state) {
        _cleanup_(freep) char *newer = NULL;
        struct place *p = *state;
        size_t n;

        fill(p);
        read_whole(p->path, &newer, &n);
        copy(p->copy, p->path);
        assert_refused(p, -ESTALE, "touch");
        accept(p);
        assert_holds(p, &home, "first");
        put(p, &home, "third");
        open_store(p);
        assert_holds(p, &home, "third");
        close_store(p);

        /* Once, and not what has come before. */
        copy(p->copy, p->path);
        assert_refused(p, -ESTALE, "is another one than its mark was made for");
        write_whole(p->path, newer, n);
        assert_refused(p, -ESTALE, "is another one than its mark was made for");

        /* A word too many is not kept for later. */
        accept(p);
        write_whole(p->accept, "", 0);
        open_store(p);
        assert_int_equal(access(p->accept, F_OK), -1);
}

/* Each is done with the file in hand and without the key; `copy` is the older one. */
static void test_a_part_of_it(void **state) {
        static const struct {
                const char *sql, *words;
        } cases[] = {
                { "INSERT INTO record SELECT * FROM old.record WHERE account = 'work'", "changed" },
                { "UPDATE record SET sealed = (SELECT o.sealed FROM old.record o"
                  " WHERE o.account = 'default')",
                  "changed" },
                { "DELETE FROM record", "changed" },
                { "DELETE FROM provider", "changed" },
                { "INSERT INTO provider SELECT 'slack', sealed FROM provider", "changed" },
                { "UPDATE record SET user_id = 'u2'", "changed" },
                { "UPDATE record SET sealed = zeroblob(60)", "changed" },
                { "UPDATE generation SET sealed = (SELECT sealed FROM old.generation)", "changed" },
                { "UPDATE generation SET sealed = zeroblob(97)", "changed" },
                { "UPDATE generation SET sealed = x''", "changed" },
                { "DELETE FROM generation", "older than its mark" },
                { "DROP TABLE generation; PRAGMA user_version = 2", "older than its mark" },
                { "DELETE FROM record; INSERT INTO record SELECT * FROM old.record;"
                  "UPDATE generation SET sealed = (SELECT sealed FROM old.generation)",
                  "older than its mark" },
        };
        _cleanup_(freep) char *good = NULL;
        struct place *p = *state;
        char sql[512];
        size_t n;

        fill(p);
        read_whole(p->path, &good, &n);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                write_whole(p->path, good, n);
                snprintf(sql, sizeof(sql), "ATTACH '%s' AS old; %s", p->copy, cases[i].sql);
                meddle(p->path, sql);
                assert_int_equal(try_open(p), -ESTALE);
                if (!strstr(p->error, cases[i].words))
                        fail_msg("%s: %s", cases[i].sql, p->error);
        }
        write_whole(p->path, good, n);
        open_store(p);
        assert_holds(p, &home, "second");

        /* The newest generation in the older copy. */
        close_store(p);
        copy(p->copy, p->path);
        write_whole(p->copy, good, n);
        snprintf(sql, sizeof(sql),
                 "ATTACH '%s' AS new;"
                 "UPDATE generation SET sealed = (SELECT sealed FROM new.generation)",
                 p->copy);
        meddle(p->path, sql);
        assert_refused(p, -ESTALE, "changed");
}

static void test_marks(void **state) {
        _cleanup_(freep) char *good = NULL, *bad = calloc(1, 2048);
        struct place *p = *state;
        size_t n;

        open_store(p);
        close_store(p);
        assert_int_equal(unlink(p->mark), 0); /* a crash before the first one was written */
        open_store(p);
        close_store(p);
        write_whole(p->mark, "", 0); /* and amid it */
        fill(p);
        read_whole(p->mark, &good, &n);
        assert_true(n > 512 && n <= 1024);

        for (int i = 0; i < 4; i++) {
                const size_t sizes[] = { 0, 1, 512, 2048 };

                write_whole(p->mark, bad, sizes[i]);
                assert_refused(p, -ESTALE, "has lost its mark");
        }
        assert_int_equal(unlink(p->mark), 0);
        assert_refused(p, -ESTALE, "has lost its mark");

        /* One of its two places may be torn. */
        for (size_t at = 0; at <= 512; at += 512) {
                memcpy(bad, good, n);
                memset(bad + at + 30, 0xa5, 40);
                write_whole(p->mark, bad, n);
                open_store(p);
        }
        close_store(p);
        accept(p);

        /* What cannot be read at all. */
        close_store(p);
        assert_int_equal(unlink(p->mark), 0);
        assert_int_equal(mkdir(p->mark, 0700), 0);
        assert_refused(p, -EISDIR, "mark");
        assert_int_equal(rmdir(p->mark), 0);
}

/* Another store of the same vault, which is as good as this one but for the mark. */
static void test_another_store(void **state) {
        char other[112];
        struct place *p = *state;

        fill(p);
        snprintf(other, sizeof(other), "%s/other", p->directory);
        assert_int_equal(rename(p->mark, other), 0);
        assert_int_equal(rename(p->path, p->copy), 0);
        fill(p);
        assert_int_equal(rename(other, p->mark), 0);
        assert_refused(p, -ESTALE, "another one");
}

/* What a mark misses is no reason to refuse anything, nor to lose what was stored. */
static void test_a_mark_that_lags(void **state) {
        struct place *p = *state;
        char older[112];

        fill(p);
        snprintf(older, sizeof(older), "%s/older", p->directory);
        copy(p->mark, older);
        open_store(p);
        put(p, &home, "third");
        close_store(p);
        copy(older, p->mark);
        open_store(p);
        assert_holds(p, &home, "third");

        assert_int_equal(unlink(p->mark), 0);
        assert_int_equal(mkdir(p->mark, 0700), 0);
        put(p, &home, "fourth");
        put(p, &home, "fifth");
        assert_int_equal(rmdir(p->mark), 0);
        put(p, &home, "sixth");
        open_store(p);
        assert_holds(p, &home, "sixth");
}

static void test_another_key(void **state) {
        struct place *p = *state;

        fill(p);
        p->key->data[0] ^= 1;
        assert_refused(p, -EKEYREJECTED, "sealed with another key");
        write_whole(p->accept, "", 0); /* does not make it the key */
        assert_refused(p, -EKEYREJECTED, "sealed with another key");
        meddle(p->path, "DELETE FROM record; DELETE FROM provider");
        assert_refused(p, -EKEYREJECTED, "sealed with another key");
        p->key->data[0] ^= 1;
        open_store(p);
}

/* A store from before there were marks is taken over, but not with a wrong key. */
static void test_a_store_of_version_2(void **state) {
        struct place *p = *state;

        open_store(p);
        put(p, &home, "first");
        close_store(p);
        meddle(p->path, "DROP TABLE generation; PRAGMA user_version = 2");
        assert_int_equal(unlink(p->mark), 0);

        p->key->data[0] ^= 1;
        assert_int_equal(try_open(p), -EKEYREJECTED);
        p->key->data[0] ^= 1;
        for (int i = 0; i < 2; i++) {
                open_store(p);
                assert_holds(p, &home, "first");
        }
        close_store(p);
        copy(p->path, p->copy);
        open_store(p);
        put(p, &home, "second");
        close_store(p);
        copy(p->copy, p->path);
        assert_refused(p, -ESTALE, "is older than its mark");
}

/* H4: who comes second is told so, even while the first one stands still. */
static void test_one_at_a_time(void **state) {
        struct place *p = *state;
        struct store *second = NULL;
        char error[STORE_ERROR_SIZE];

        open_store(p);
        assert_int_equal(store_open(p->path, MAX_BYTES, &second, error), -EDEADLK);
        assert_null(second);
        assert_non_null(strstr(error, "served by another action-vaultd"));
        put(p, &home, "first");
        close_store(p);
        assert_int_equal(store_open(p->path, MAX_BYTES, &second, error), 0);
        store_free(second);
}

/* A change that failed counts for nothing; what is read anew after it is as it was. */
static void test_a_change_that_failed(void **state) {
        struct place *p = *state;
        sqlite3 *db;

        fill(p);
        open_store(p);
        assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(store_delete(p->store, &home), -EBUSY);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(store_delete(p->store, &work), -ENOENT);
        open_store(p);
        assert_holds(p, &home, "second");

        /* Cannot even begin: the table is away. */
        meddle(p->path, "ALTER TABLE generation RENAME TO away");
        assert_int_equal(store_delete(p->store, &home), -EIO);
        assert_int_equal(store_delete(p->store, &home), -EIO);
        meddle(p->path, "ALTER TABLE away RENAME TO generation");
        assert_holds(p, &home, "second");
        put(p, &home, "third");
        open_store(p);
        assert_holds(p, &home, "third");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_the_vault_left_is_taken, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_an_older_copy_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_restored_one_is_taken_when_somebody_says_so,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_part_of_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_marks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_store, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_mark_that_lags, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_key, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_store_of_version_2, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_one_at_a_time, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_change_that_failed, set_up, tear_down),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
