/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "vault/record.h"
#include "vaultd/seal.h"
#include "vaultd/store.h"

#define MAX_BYTES ((size_t)16 << 20)

static const struct record_id home = { "u1", "gmail", "default" };

struct place {
        char directory[64];
        char path[96];
        struct store *store;
};

static int set_up(void **state) {
        struct place *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        strcpy(p->directory, "/tmp/test-vault-store-XXXXXX");
        assert_non_null(mkdtemp(p->directory));
        snprintf(p->path, sizeof(p->path), "%s/vault.db", p->directory);
        *state = p;
        return 0;
}

static int tear_down(void **state) {
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        struct place *p = *state;
        char path[128];

        store_free(p->store);
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                snprintf(path, sizeof(path), "%s%s", p->path, suffixes[i]);
                (void)unlink(path);
        }
        assert_int_equal(rmdir(p->directory), 0);
        free(p);
        return 0;
}

static void assert_provider(struct store *s, const char *name, const char *text) {
        _cleanup_(buffer_done) struct buffer b = { 0 };

        assert_int_equal(store_read_provider(s, name, &b), text ? 0 : -ENOENT);
        if (text)
                assert_string_equal(b.data, text);
}

static int note_provider(const char *name, const void *sealed, size_t size, void *userdata) {
        char *list = userdata;

        sprintf(list + strlen(list), "%s=%.*s ", name, (int)size, (const char *)sealed);
        return 0;
}

static int end_the_walk(const char *name, const void *sealed, size_t size, void *userdata) {
        return -ECANCELED;
}

static void open_store(struct place *p) {
        char error[STORE_ERROR_SIZE];

        p->store = store_free(p->store);
        assert_int_equal(store_open(p->path, MAX_BYTES, &p->store, error), 0);
}

static void assert_refused(struct place *p, int expected, const char *words) {
        char error[STORE_ERROR_SIZE];
        struct store *s = NULL;

        assert_int_equal(store_open(p->path, MAX_BYTES, &s, error), expected);
        assert_null(s);
        assert_non_null(strstr(error, words));
        assert_non_null(strstr(error, p->path));
}

static void assert_holds(struct store *s, const struct record_id *id, const char *text) {
        _cleanup_(buffer_done) struct buffer b = { 0 };

        assert_int_equal(store_read(s, id, &b), text ? 0 : -ENOENT);
        if (text)
                assert_string_equal(b.data, text);
}

/* As somebody with the file in hand. */
static void meddle(const struct place *p, const char *sql) {
        sqlite3 *db;

        assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void read_whole(const char *path, char **ret, size_t *ret_size) {
        struct stat st;
        int fd = open(path, O_RDONLY);

        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        *ret_size = (size_t)st.st_size;
        *ret = malloc(*ret_size + 1);
        assert_int_equal(read(fd, *ret, *ret_size), st.st_size);
        fd_close(fd);
}

static void write_whole(const char *path, const char *data, size_t size) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), (ssize_t)size);
        fd_close(fd);
}

static void test_write_read_delete(void **state) {
        struct place *p = *state;
        const struct record_id work = { "u1", "gmail", "work" }, u2 = { "u2", "gmail", "default" };

        open_store(p);
        assert_holds(p->store, &home, NULL);
        assert_int_equal(store_delete(p->store, &home), -ENOENT);
        assert_int_equal(store_count(p->store), 0);

        assert_int_equal(store_write(p->store, &home, "one", 3), 0);
        assert_int_equal(store_write(p->store, &work, "two", 3), 0);
        assert_int_equal(store_write(p->store, &u2, "three", 5), 0);
        assert_int_equal(store_write(p->store, &home, "four", 4), 0);
        assert_int_equal(store_count(p->store), 3);
        assert_holds(p->store, &home, "four");

        open_store(p);
        assert_int_equal(store_count(p->store), 3);
        assert_holds(p->store, &home, "four");
        assert_holds(p->store, &work, "two");
        assert_holds(p->store, &u2, "three");

        assert_int_equal(store_delete(p->store, &home), 0);
        assert_int_equal(store_delete(p->store, &home), -ENOENT);
        assert_holds(p->store, &home, NULL);
        assert_holds(p->store, &work, "two");
        assert_int_equal(store_count(p->store), 2);
}

static void test_names_are_bytes(void **state) {
        struct place *p = *state;
        const struct record_id id = { "'; DROP TABLE record; --", "%", "_" };
        const struct record_id upper = { "U1", "gmail", "default" };

        open_store(p);
        assert_int_equal(store_write(p->store, &id, "x", 1), 0);
        assert_holds(p->store, &id, "x");
        assert_int_equal(store_write(p->store, &home, "y", 1), 0);
        assert_holds(p->store, &upper, NULL);
}

static int collect(const struct record_id *id, const void *sealed, size_t size, void *userdata) {
        struct buffer *b = userdata;

        buffer_printf(b, "%s/%s/%s=%.*s;", id->user_id, id->platform, id->account, (int)size,
                      (const char *)sealed);
        return *(const char *)sealed == 'x' ? -ECANCELED : 0;
}

static void test_list_is_the_users_and_sorted(void **state) {
        static const struct record_id ids[] = {
                { "u1", "slack", "default" },
                { "u2", "gmail", "default" },
                { "u1", "gmail", "work" },
                { "u1", "gmail", "default" },
        };
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct place *p = *state;

        open_store(p);
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                assert_int_equal(store_write(p->store, &ids[i], "v", 1), 0);
        assert_int_equal(store_list(p->store, "u1", collect, &b), 0);
        assert_string_equal(b.data, "u1/gmail/default=v;u1/gmail/work=v;u1/slack/default=v;");

        /* A walk that is ended leaves the statement as it should be. */
        assert_int_equal(store_write(p->store, &ids[3], "x", 1), 0);
        assert_int_equal(store_list(p->store, "u1", collect, &b), -ECANCELED);
        buffer_clear(&b);
        assert_int_equal(store_list(p->store, "nobody", collect, &b), 0);
        assert_int_equal(b.size, 0);
}

static void test_a_user_has_a_limit(void **state) {
        struct place *p = *state;
        char account[16];
        struct record_id id = { "u1", "gmail", account };

        open_store(p);
        for (int i = 0; i <= STORE_MAX_PER_USER; i++) {
                snprintf(account, sizeof(account), "a%d", i);
                assert_int_equal(store_write(p->store, &id, "v", 1),
                                 i < STORE_MAX_PER_USER ? 0 : -EDQUOT);
        }
        assert_int_equal(store_count(p->store), STORE_MAX_PER_USER);

        strcpy(account, "a7"); /* one that is there can still be replaced */
        assert_int_equal(store_write(p->store, &id, "w", 1), 0);
        id.user_id = "u2";
        assert_int_equal(store_write(p->store, &id, "v", 1), 0);
}

static void test_the_file_has_a_limit(void **state) {
        struct place *p = *state;
        char error[STORE_ERROR_SIZE], account[16], *big = calloc(1, 8192);
        struct record_id id = { "u1", "gmail", account };
        size_t n;
        int r = 0;

        assert_int_equal(store_open(p->path, 256 << 10, &p->store, error), 0);
        for (n = 0; r == 0 && n < 100; n++) {
                snprintf(account, sizeof(account), "a%zu", n);
                r = store_write(p->store, &id, big, 8192);
        }
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(store_count(p->store), n - 1);
        strcpy(account, "a1");
        assert_int_equal(store_delete(p->store, &id), 0);
        assert_int_equal(store_write(p->store, &id, big, 4096), 0);
        free(big);
}

static void test_only_its_owner_can_read_it(void **state) {
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        struct place *p = *state;
        mode_t before = umask(0);
        struct stat st;

        open_store(p);
        assert_int_equal(store_write(p->store, &home, "v", 1), 0);
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                char path[128];

                snprintf(path, sizeof(path), "%s%s", p->path, suffixes[i]);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode, S_IFREG | 0600);
        }
        (void)umask(before);
}

/* I5: what somebody with the file can do to a record shows, and what is beside it still opens. */
static void test_meddling_shows(void **state) {
        static const struct {
                const char *sql;
                struct record_id id;
        } cases[] = {
                { "UPDATE record SET user_id = 'u2'", { "u2", "gmail", "default" } },
                { "UPDATE record SET platform = 'slack'", { "u1", "slack", "default" } },
                { "UPDATE record SET account = 'work'", { "u1", "gmail", "work" } },
                { "UPDATE record SET sealed = substr(sealed, 1, length(sealed) - 1)",
                  { "u1", "gmail", "default" } },
                { "UPDATE record SET sealed = CAST(sealed || x'00' AS BLOB)",
                  { "u1", "gmail", "default" } },
                { "UPDATE record SET sealed = x''", { "u1", "gmail", "default" } },
                { "UPDATE record SET sealed = zeroblob(100)", { "u1", "gmail", "default" } },
        };
        _cleanup_(secret_freep) struct secret *key = NULL;
        struct place *p = *state;

        assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &key), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer sealed = { 0 }, read = { 0 };
                struct secret *plain = NULL;

                assert_int_equal(seal(key, &home, "secret", 6, &sealed), 0);
                open_store(p);
                (void)store_delete(p->store, &home);
                assert_int_equal(store_write(p->store, &home, sealed.data, sealed.size), 0);
                p->store = store_free(p->store);

                meddle(p, cases[i].sql);
                open_store(p);
                assert_int_equal(store_read(p->store, &cases[i].id, &read), 0);
                assert_int_equal(seal_open(key, &cases[i].id, read.data, read.size, &plain),
                                 -EBADMSG);
                assert_int_equal(store_delete(p->store, &cases[i].id), 0);
        }
}

static void test_a_newer_store_is_left_alone(void **state) {
        _cleanup_(freep) char *before = NULL, *after = NULL;
        size_t n_before, n_after;
        struct place *p = *state;

        open_store(p);
        assert_int_equal(store_write(p->store, &home, "v", 1), 0);
        p->store = store_free(p->store);
        meddle(p, "PRAGMA user_version = 4");
        read_whole(p->path, &before, &n_before);

        assert_refused(p, -EPROTONOSUPPORT, "newer version");
        read_whole(p->path, &after, &n_after);
        assert_int_equal(n_before, n_after);
        assert_memory_equal(before, after, n_before);

        meddle(p, "PRAGMA user_version = -1");
        assert_refused(p, -EPROTONOSUPPORT, "newer version");
        meddle(p, "PRAGMA user_version = 3");
        open_store(p);
        assert_holds(p->store, &home, "v");
}

/* After a crash part of it stands in the log beside it, and belongs to the newer program too. */
static void test_a_newer_stores_log_is_left_alone(void **state) {
        _cleanup_(freep) char *file = NULL, *log = NULL, *after = NULL;
        size_t n_file, n_log, n_after;
        struct place *p = *state;
        char log_path[128];
        sqlite3 *db;

        open_store(p);
        p->store = store_free(p->store);
        snprintf(log_path, sizeof(log_path), "%s-wal", p->path);
        assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 4", NULL, NULL, NULL), SQLITE_OK);
        read_whole(p->path, &file, &n_file);
        read_whole(log_path, &log, &n_log);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        write_whole(p->path, file, n_file);
        write_whole(log_path, log, n_log);

        assert_refused(p, -EPROTONOSUPPORT, "newer version");
        read_whole(log_path, &after, &n_after);
        assert_int_equal(n_after, n_log);
        assert_memory_equal(after, log, n_log);
}

static void test_an_older_store_is_brought_up_to_date(void **state) {
        struct place *p = *state;

        meddle(p, "PRAGMA application_id = 0x41455631");
        open_store(p);
        assert_int_equal(store_write(p->store, &home, "v", 1), 0);
        open_store(p);
        assert_holds(p->store, &home, "v");
}

/* As the first version made it, to the letter. */
static void test_a_store_of_version_1_keeps_its_records(void **state) {
        static const char old[] = "CREATE TABLE record ("
                                  " user_id TEXT NOT NULL,"
                                  " platform TEXT NOT NULL,"
                                  " account TEXT NOT NULL,"
                                  " sealed BLOB NOT NULL,"
                                  " PRIMARY KEY (user_id, platform, account)"
                                  ") STRICT, WITHOUT ROWID;"
                                  "INSERT INTO record VALUES ('u1', 'gmail', 'default', x'76');"
                                  "PRAGMA journal_mode = WAL;"
                                  "PRAGMA application_id = 0x41455631; PRAGMA user_version = 1";
        struct place *p = *state;

        meddle(p, old);
        for (int i = 0; i < 2; i++) {
                open_store(p);
                assert_int_equal(store_count(p->store), 1);
                assert_holds(p->store, &home, "v");
                assert_provider(p->store, "google", i == 0 ? NULL : "app");
                assert_int_equal(store_write_provider(p->store, "google", "app", 3), 0);
        }
}

/* They are beside the records, and counted apart from them. */
static void test_providers(void **state) {
        struct place *p = *state;
        char name[16], list[256] = "";

        open_store(p);
        assert_int_equal(store_delete_provider(p->store, "google"), -ENOENT);
        assert_int_equal(store_write_provider(p->store, "slack", "one", 3), 0);
        assert_int_equal(store_write_provider(p->store, "google", "two", 3), 0);
        assert_int_equal(store_write_provider(p->store, "slack", "three", 5), 0);
        assert_provider(p->store, "slack", "three");
        assert_int_equal(store_list_providers(p->store, note_provider, list), 0);
        assert_string_equal(list, "google=two slack=three ");
        assert_int_equal(store_count(p->store), 0);
        assert_int_equal(store_delete_provider(p->store, "slack"), 0);
        assert_provider(p->store, "slack", NULL);

        for (int i = 1; i <= STORE_MAX_PROVIDERS; i++) {
                snprintf(name, sizeof(name), "p%d", i);
                assert_int_equal(store_write_provider(p->store, name, "v", 1),
                                 i < STORE_MAX_PROVIDERS ? 0 : -EDQUOT);
        }
        assert_int_equal(store_write_provider(p->store, "p1", "w", 1), 0);
        assert_int_equal(store_list_providers(p->store, end_the_walk, NULL), -ECANCELED);
        open_store(p);
        assert_provider(p->store, "p1", "w");
}

static void test_another_programs_database_is_left_alone(void **state) {
        static const char *const cases[] = {
                "CREATE TABLE record (a); INSERT INTO record VALUES (1)",
                "PRAGMA application_id = 7",
                "PRAGMA user_version = 1",
        };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                (void)unlink(p->path);
                meddle(p, cases[i]);
                assert_refused(p, -EMEDIUMTYPE, "not a vault's store");
        }
}

static void test_a_damaged_store_is_kept(void **state) {
        _cleanup_(freep) char *good = NULL, *bad = NULL, *after = NULL;
        size_t n, n_after;
        struct place *p = *state;
        char filler[3000] = { 0 }, account[16];
        struct record_id id = { "u1", "gmail", account };

        open_store(p);
        for (int i = 0; i < 40; i++) {
                snprintf(account, sizeof(account), "a%d", i);
                assert_int_equal(store_write(p->store, &id, filler, sizeof(filler)), 0);
        }
        p->store = store_free(p->store);
        read_whole(p->path, &good, &n);
        assert_true(n > 3 * 4096);

        /* The header; the schema; a page in the middle; the end gone. */
        for (int i = 0; i < 4; i++) {
                size_t size = i == 3 ? n / 2 / 4096 * 4096 : n;
                size_t at = (size_t[]){ 0, 100, 2 * 4096, 0 }[i];

                bad = malloc(n);
                memcpy(bad, good, n);
                if (i < 3)
                        memset(bad + at, 0xa5, i == 0 ? 100 : 3000);
                write_whole(p->path, bad, size);

                assert_refused(p, -EUCLEAN, "damaged");
                read_whole(p->path, &after, &n_after);
                assert_int_equal(n_after, size);
                assert_memory_equal(after, bad, size);
                free(TAKE_PTR(after));
                free(TAKE_PTR(bad));
        }

        write_whole(p->path, good, n);
        open_store(p);
        assert_int_equal(store_count(p->store), 40);
}

/* H3: a failed write is told, leaves what was there, and does not outlive its cause. */
static void test_a_failing_disk_is_survived(void **state) {
        const struct rlimit none = { 0, RLIM_INFINITY };
        struct place *p = *state;
        struct rlimit before;

        (void)signal(SIGXFSZ, SIG_IGN);
        open_store(p);
        assert_int_equal(store_write(p->store, &home, "old", 3), 0);

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        assert_int_equal(store_write(p->store, &home, "new", 3), -EIO);
        assert_true(store_problem(p->store)[0] != 0);
        assert_true(store_write(p->store, &home, "new", 3) < 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

        assert_holds(p->store, &home, "old");
        assert_int_equal(store_write(p->store, &home, "new", 3), 0);
        open_store(p);
        assert_holds(p->store, &home, "new");
}

static void overwrite(const char *path, const char *data, size_t size, off_t at) {
        int fd = open(path, O_WRONLY);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, size, at), (ssize_t)size);
        fd_close(fd);
}

/* After this the first of them is not in SQLite's memory. */
static void read_all_but_the_first(struct place *p, int n) {
        char account[16];
        struct record_id id = { "u1", "gmail", account };

        for (int i = 1; i < n; i++) {
                _cleanup_(buffer_done) struct buffer b = { 0 };

                snprintf(account, sizeof(account), "a%02d", i);
                assert_int_equal(store_read(p->store, &id, &b), 0);
        }
}

/* What SQLite remembers of a file that was damaged under it is not to be believed when it is well. */
static void test_damage_under_way_is_survived(void **state) {
        enum { SIZE = 100000, N = 40, FROM = 2 * 4096, DAMAGED = N * SIZE / 2 };
        _cleanup_(freep) char *big = malloc(SIZE), *good = NULL, *bad = malloc(DAMAGED);
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct place *p = *state;
        char account[16];
        struct record_id id = { "u1", "gmail", account };
        size_t n;

        memset(big, 'b', SIZE);
        open_store(p);
        for (int i = 0; i < N; i++) { /* more than SQLite keeps in memory */
                snprintf(account, sizeof(account), "a%02d", i);
                assert_int_equal(store_write(p->store, &id, big, SIZE), 0);
        }
        strcpy(account, "a00");
        open_store(p);
        read_whole(p->path, &good, &n);
        memset(bad, 0xa5, DAMAGED);
        read_all_but_the_first(p, N);
        overwrite(p->path, bad, DAMAGED, FROM);
        assert_int_equal(store_read(p->store, &id, &b), -EUCLEAN);
        assert_int_equal(store_read(p->store, &id, &b), -EIO);
        overwrite(p->path, good + FROM, DAMAGED, FROM);
        assert_int_equal(store_read(p->store, &id, &b), 0);
        assert_int_equal(b.size, SIZE);
        assert_int_equal(store_count(p->store), N);

        /* Nor is a file that is gone the same as a record that is not there. */
        read_all_but_the_first(p, N);
        overwrite(p->path, bad, DAMAGED, FROM);
        assert_int_equal(store_read(p->store, &id, &b), -EUCLEAN);
        assert_int_equal(unlink(p->path), 0);
        assert_int_equal(store_read(p->store, &id, &b), -EIO);
        assert_int_equal(access(p->path, F_OK), -1);
        write_whole(p->path, good, n);
}

static void test_a_locked_store_is_busy(void **state) {
        struct place *p = *state;
        sqlite3 *db;

        open_store(p);
        assert_int_equal(store_write(p->store, &home, "old", 3), 0);
        assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(store_write(p->store, &home, "new", 3), -EBUSY);
        assert_holds(p->store, &home, "old");
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(store_write(p->store, &home, "new", 3), 0);
}

static void test_odd_paths(void **state) {
        struct place *p = *state;
        char error[STORE_ERROR_SIZE];
        struct store *s = NULL;

        assert_int_equal(symlink("/dev/null", p->path), 0);
        assert_int_equal(store_open(p->path, MAX_BYTES, &s, error), -ELOOP);
        assert_int_equal(unlink(p->path), 0);
        assert_int_equal(mkfifo(p->path, 0600), 0);
        assert_int_equal(store_open(p->path, MAX_BYTES, &s, error), -EMEDIUMTYPE);
        assert_int_equal(unlink(p->path), 0);
        assert_int_equal(store_open("/nonexistent/vault.db", MAX_BYTES, &s, error), -ENOENT);
        assert_string_equal(error, "'/nonexistent/vault.db' cannot be opened "
                                   "(No such file or directory)");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_write_read_delete, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_names_are_bytes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_list_is_the_users_and_sorted, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_a_user_has_a_limit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_the_file_has_a_limit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_only_its_owner_can_read_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_meddling_shows, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_newer_store_is_left_alone, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_a_newer_stores_log_is_left_alone, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_an_older_store_is_brought_up_to_date, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_a_store_of_version_1_keeps_its_records, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_providers, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_another_programs_database_is_left_alone,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_damaged_store_is_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_failing_disk_is_survived, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_damage_under_way_is_survived, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_a_locked_store_is_busy, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_odd_paths, set_up, tear_down),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
