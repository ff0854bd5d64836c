/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/config.h"

struct settings {
        char *name;
        char *state_dir;
        bool verbose;
        size_t max_bytes;
        unsigned max_connections;
        uint64_t timeout_usec;
        char seen[256]; /* "section=value;" of each adapter */
};

static int parse_adapter(const char *section, const char *value, void *target,
                         const char **reason) {
        char *seen = target;
        size_t n = strlen(seen);

        (void)snprintf(seen + n, sizeof((struct settings){ 0 }.seen) - n, "%s=%s;", section, value);
        return 0;
}

static int parse_failing(const char *section, const char *value, void *target,
                         const char **reason) {
        return strcmp(value, "memory") == 0 ? -ENOMEM : -EINVAL;
}

/* clang-format off */
static const struct config_key keys[] = {
        { "Engine",    "Name",           config_parse_string,  offsetof(struct settings, name)            },
        { "Engine",    "StateDir",       config_parse_path,    offsetof(struct settings, state_dir)       },
        { "Engine",    "Verbose",        config_parse_bool,    offsetof(struct settings, verbose)         },
        { "Engine",    "Failing",        parse_failing,        0                                          },
        { "Limits",    "MaxBytes",       config_parse_bytes,   offsetof(struct settings, max_bytes)       },
        { "Limits",    "MaxConnections", config_parse_count,   offsetof(struct settings, max_connections) },
        { "Limits",    "TimeoutSec",     config_parse_seconds, offsetof(struct settings, timeout_usec)    },
        { "Adapter *", "Endpoint",       parse_adapter,        offsetof(struct settings, seen)            },
};
/* clang-format on */

static char folder[64], path[128], error[CONFIG_ERROR_SIZE];
static struct settings settings;

static int forget(const char *name, const struct stat *st, int type, struct FTW *ftw) {
        return remove(name);
}

static int setup(void **state) {
        (void)snprintf(folder, sizeof(folder), "/tmp/test-config-XXXXXX");
        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/x.conf", folder);
        settings = (struct settings){ 0 };
        memset(error, 'x', sizeof(error) - 1);
        return 0;
}

static int teardown(void **state) {
        free(settings.name);
        free(settings.state_dir);
        return nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_bytes(const char *name, const char *text, size_t size) {
        char where[256];
        FILE *f;

        (void)snprintf(where, sizeof(where), "%s/%s", folder, name);
        f = fopen(where, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
}

static void write_file(const char *name, const char *text) {
        write_bytes(name, text, strlen(text));
}

static void make_folder(const char *name) {
        char where[256];

        (void)snprintf(where, sizeof(where), "%s/%s", folder, name);
        assert_int_equal(mkdir(where, 0700), 0);
}

static int load(void) {
        return config_load(path, true, keys, ELEMENTSOF(keys), &settings, error);
}

/* The sentence begins with the file and holds the rest. */
static void assert_error(const char *name, const char *rest) {
        char whole[CONFIG_ERROR_SIZE + 64];

        (void)snprintf(whole, sizeof(whole), "%s/%s%s", folder, name, rest);
        assert_string_equal(error, whole);
}

static void test_reads_each_type(void **state) {
        write_file("x.conf", "# a comment\n"
                             "; another ; and = [more]\n"
                             "\n"
                             "[Engine]\n"
                             "Name = a name; with #signs, \"quotes\" = and : more \r\n"
                             "  StateDir=/var/lib/x\n"
                             "Verbose=Yes\n"
                             "\t# indented\n"
                             "[Limits]\r\n"
                             "MaxBytes=32M\n"
                             "MaxConnections=4294967295\n"
                             "TimeoutSec=1.5min\n"
                             "[Adapter gmail]\n"
                             "Endpoint=https://example.com:8443/a?b=c\n"
                             "[Adapter slack]\n"
                             "Endpoint=http://localhost"); /* no line end */
        assert_int_equal(load(), 0);
        assert_string_equal(error, "");
        assert_string_equal(settings.name, "a name; with #signs, \"quotes\" = and : more");
        assert_string_equal(settings.state_dir, "/var/lib/x");
        assert_true(settings.verbose);
        assert_int_equal(settings.max_bytes, 32 << 20);
        assert_int_equal(settings.max_connections, UINT_MAX);
        assert_int_equal(settings.timeout_usec, 90000000);
        assert_string_equal(settings.seen, "Adapter gmail=https://example.com:8443/a?b=c;"
                                           "Adapter slack=http://localhost;");
}

static void test_refuses(void **state) {
        /* clang-format off */
        static const struct { const char *text, *rest; } cases[] = {
                { "[Engine]\n\nNmae=x\n", ":3: there is no key 'Nmae' in [Engine]; correct or remove it" },
                { "[Engine]\nname=x\n", ":2: there is no key 'name' in [Engine]; correct or remove it" },
                { "[Engine]\nMaxBytes=1\n", ":2: there is no key 'MaxBytes' in [Engine]; correct or remove it" },
                { "[Engines]\n", ":1: there is no section [Engines]; correct or remove it" },
                { "[engine]\n", ":1: there is no section [engine]; correct or remove it" },
                { "[]\nName=x\n", ":1: there is no section []; correct or remove it" },
                { "[Adapter]\n", ":1: there is no section [Adapter]; correct or remove it" },
                { "[Adapter ]\n", ":1: there is no section [Adapter ]; correct or remove it" },
                { "Name=x\n[Engine]\n", ":1: put the section of 'Name' before it, as in [Name]" },
                { "[Engine\n", ":1: a section stands alone on its line, as in [Name]" },
                { "[", ":1: a section stands alone on its line, as in [Name]" },
                { "[Engine] Name=x\n", ":1: a section stands alone on its line, as in [Name]" },
                { "[Engine]]\n", ":1: a section stands alone on its line, as in [Name]" },
                { "[Engine] # comment\n", ":1: a section stands alone on its line, as in [Name]" },
                { "[Engine]\nName\n", ":2: write the line as KEY=VALUE" },
                { "[Engine]\n=x\n", ":2: write the line as KEY=VALUE" },
                { "[Engine]\nName: x\n", ":2: write the line as KEY=VALUE" },
                { "[Engine]\nName:x=y\n", ":2: write the line as KEY=VALUE" },
                { "\xef\xbb\xbf[Engine]\n", ":1: write the line as KEY=VALUE" },
                /* what inih would cut off, or join */
                { "[Engine]\nName=a ; b\n", ":2: put a comment on a line of its own; no value holds ' ;'" },
                { "[Engine]\nName=a\t;b\n", ":2: put a comment on a line of its own; no value holds ' ;'" },
                { "[Engine]\nName= ;b\n", ":2: put a comment on a line of its own; no value holds ' ;'" },
                { "[Adapter a ;b]\n", ":1: put a comment on a line of its own; no value holds ' ;'" },
                { "[Engine]\nName=a\n  b\n", ":3: write the line as KEY=VALUE" },
                { "[Engine]\nName=a\\\n  b\n", ":2: write the value on one line, it does not go on behind '\\'" },
                { "[Engine]\nName=a\x01z\n", ":2: remove the control character from the line" },
                { "[Engine]\nName=a\rVerbose=yes\n", ":2: remove the control character from the line" },
                { "[Engine]\n# \x1b[31m\nVerbose=maybe\n", ":3: Verbose='maybe' is neither yes nor no; correct it" },
                /* values */
                { "[Engine]\nStateDir=var\n", ":2: StateDir='var' is no absolute path; correct it" },
                { "[Engine]\nVerbose=\n", ":2: Verbose='' is neither yes nor no; correct it" },
                { "[Limits]\nMaxBytes=1T\n", ":2: MaxBytes='1T' is no number of bytes, such as 64K, 32M or 1G; correct it" },
                { "[Limits]\nMaxConnections=10 # ten\n",
                  ":2: MaxConnections='10 # ten' is no whole number from 1 to 4294967295; correct it" },
                { "[Limits]\nTimeoutSec=1 day\n",
                  ":2: TimeoutSec='1 day' is no time span, such as 0.5, 30s, 5min or 24h; correct it" },
                { "[Engine]\nFailing=x\n", ":2: Failing='x' is no valid value; correct it" },
                /* the first of several */
                { "[Engine]\nVerbose=x\nnonsense\n", ":2: Verbose='x' is neither yes nor no; correct it" },
                { "[Engine]\nVerbose=x\nNmae=y\n[Foo]\n", ":2: Verbose='x' is neither yes nor no; correct it" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                write_file("x.conf", cases[i].text);
                assert_int_equal(load(), -EINVAL);
                assert_error("x.conf", cases[i].rest);
        }

        write_bytes("x.conf", "[Engine]\nName=a\0b\n", 18);
        assert_int_equal(load(), -EINVAL);
        assert_error("x.conf", ":2: remove the control character from the line");
        write_file("x.conf", "[Engine]\nFailing=memory\n");
        assert_int_equal(load(), -ENOMEM);
        assert_error("x.conf", ":2: out of memory");
}

static void test_values(void **state) {
        /* clang-format off */
        static const struct {
                config_parse_fn *parse;
                const char *value;
                int r;
                uint64_t result;
        } cases[] = {
                { config_parse_bool, "yes",   0, true  }, { config_parse_bool, "no",    0, false },
                { config_parse_bool, "true",  0, true  }, { config_parse_bool, "false", 0, false },
                { config_parse_bool, "on",    0, true  }, { config_parse_bool, "OFF",   0, false },
                { config_parse_bool, "1",     0, true  }, { config_parse_bool, "0",     0, false },
                { config_parse_bool, "2",   -EINVAL, 0 }, { config_parse_bool, "yes ", -EINVAL, 0 },
                { config_parse_bool, "y",   -EINVAL, 0 }, { config_parse_bool, "",     -EINVAL, 0 },

                { config_parse_count, "1", 0, 1 },          { config_parse_count, "4294967295", 0, UINT_MAX },
                { config_parse_count, "007", 0, 7 },        { config_parse_count, "0", -EINVAL, 0 },
                { config_parse_count, "", -EINVAL, 0 },     { config_parse_count, "4294967296", -EINVAL, 0 },
                { config_parse_count, "-1", -EINVAL, 0 },   { config_parse_count, "18446744073709551617", -EINVAL, 0 },
                { config_parse_count, "+1", -EINVAL, 0 },   { config_parse_count, "1K", -EINVAL, 0 },
                { config_parse_count, "1.0", -EINVAL, 0 },  { config_parse_count, "0x10", -EINVAL, 0 },
                { config_parse_count, " 1", -EINVAL, 0 },

                { config_parse_bytes, "0", 0, 0 },          { config_parse_bytes, "123", 0, 123 },
                { config_parse_bytes, "1K", 0, 1024 },      { config_parse_bytes, "32M", 0, 32 << 20 },
                { config_parse_bytes, "2G", 0, (uint64_t)2 << 30 },
                { config_parse_bytes, "2 G", 0, (uint64_t)2 << 30 },
                { config_parse_bytes, "17179869183G", 0, UINT64_C(17179869183) << 30 },
                { config_parse_bytes, "18446744073709551615", 0, UINT64_MAX },
                { config_parse_bytes, "17179869184G", -EINVAL, 0 },
                { config_parse_bytes, "18446744073709551616", -EINVAL, 0 },
                { config_parse_bytes, "", -EINVAL, 0 },     { config_parse_bytes, "K", -EINVAL, 0 },
                { config_parse_bytes, "1k", -EINVAL, 0 },   { config_parse_bytes, "1KB", -EINVAL, 0 },
                { config_parse_bytes, "1.5M", -EINVAL, 0 }, { config_parse_bytes, "-1", -EINVAL, 0 },

                { config_parse_seconds, "0", 0, 0 },            { config_parse_seconds, "30", 0, 30000000 },
                { config_parse_seconds, "0.5", 0, 500000 },     { config_parse_seconds, "1.000001", 0, 1000001 },
                { config_parse_seconds, "250ms", 0, 250000 },   { config_parse_seconds, "0.5ms", 0, 500 },
                { config_parse_seconds, "30s", 0, 30000000 },   { config_parse_seconds, "5min", 0, 300000000 },
                { config_parse_seconds, "5 min", 0, 300000000 }, { config_parse_seconds, "24h", 0, UINT64_C(86400000000) },
                { config_parse_seconds, "1.5h", 0, UINT64_C(5400000000) },
                { config_parse_seconds, "18446744073709", 0, UINT64_C(18446744073709000000) },
                { config_parse_seconds, "18446744073709.551615", 0, UINT64_MAX },
                { config_parse_seconds, "18446744073709.551616", -EINVAL, 0 },
                { config_parse_seconds, "18446744073710", -EINVAL, 0 },
                { config_parse_seconds, "5124095577h", -EINVAL, 0 },
                { config_parse_seconds, "", -EINVAL, 0 },       { config_parse_seconds, "s", -EINVAL, 0 },
                { config_parse_seconds, ".5", -EINVAL, 0 },     { config_parse_seconds, "5.", -EINVAL, 0 },
                { config_parse_seconds, "5.s", -EINVAL, 0 },    { config_parse_seconds, "1.5.5", -EINVAL, 0 },
                { config_parse_seconds, "1.0000001", -EINVAL, 0 }, { config_parse_seconds, "-1", -EINVAL, 0 },
                { config_parse_seconds, "1e3", -EINVAL, 0 },    { config_parse_seconds, "5m", -EINVAL, 0 },
                { config_parse_seconds, "5 S", -EINVAL, 0 },    { config_parse_seconds, "5,5", -EINVAL, 0 },
                { config_parse_seconds, "1min 30s", -EINVAL, 0 }, { config_parse_seconds, "infinity", -EINVAL, 0 },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                union {
                        bool truth;
                        unsigned count;
                        uint64_t number;
                } target = { .number = 0 };
                const char *reason = NULL;

                if (cases[i].parse("Section", cases[i].value, &target, &reason) != cases[i].r)
                        fail_msg("case %zu: '%s'", i, cases[i].value);
                assert_int_equal(target.number, cases[i].result);
                assert_int_equal(!reason, cases[i].r == 0);
        }
}

/* A later key frees what an earlier one left, and an empty one takes it back. */
static void test_later_overrides(void **state) {
        write_file("x.conf",
                   "[Engine]\nName=a\nName=b\nStateDir=/a\nStateDir=\n[Limits]\nMaxBytes=1\n"
                   "[Engine]\nName=c\n[Limits]\nMaxBytes=2\n");
        assert_int_equal(load(), 0);
        assert_string_equal(settings.name, "c");
        assert_null(settings.state_dir);
        assert_int_equal(settings.max_bytes, 2);

        write_file("x.conf", "[Engine]\nName=\n");
        assert_int_equal(load(), 0);
        assert_null(settings.name);
}

static void test_drop_ins(void **state) {
        write_file("x.conf", "[Engine]\nName=main\n[Adapter a]\nEndpoint=main\n");
        make_folder("x.conf.d");
        write_file("x.conf.d/20-b.conf", "[Engine]\nName=twenty\n[Adapter a]\nEndpoint=20");
        write_file("x.conf.d/10-a.conf", "[Engine]\nName=ten\n[Adapter a]\nEndpoint=10");
        write_file("x.conf.d/Z.conf", "[Adapter a]\nEndpoint=Z");
        write_file("x.conf.d/a.conf", "[Adapter a]\nEndpoint=a");
        write_file("x.conf.d/.hidden.conf", "[Nonsense]\n");
        write_file("x.conf.d/30.conf~", "[Nonsense]\n");
        write_file("x.conf.d/README", "[Nonsense]\n");
        write_file("x.conf.d/conf", "[Nonsense]\n");
        assert_int_equal(load(), 0);
        assert_string_equal(settings.name, "twenty");
        assert_string_equal(settings.seen,
                            "Adapter a=main;Adapter a=10;Adapter a=20;Adapter a=Z;Adapter a=a;");

        /* Each file begins outside of any section, and is named in its own errors. */
        write_file("x.conf.d/15.conf", "\nName=x\n");
        assert_int_equal(load(), -EINVAL);
        assert_error("x.conf.d/15.conf", ":2: put the section of 'Name' before it, as in [Name]");
}

static void test_missing_files(void **state) {
        assert_int_equal(load(), -ENOENT);
        assert_error("x.conf", ": cannot be read: No such file or directory");
        assert_int_equal(config_load(path, false, keys, ELEMENTSOF(keys), &settings, error), 0);
        assert_string_equal(error, "");

        /* The folder counts without the file as well. */
        make_folder("x.conf.d");
        write_file("x.conf.d/a.conf", "[Engine]\nName=x\n");
        assert_int_equal(config_load(path, false, keys, ELEMENTSOF(keys), &settings, error), 0);
        assert_string_equal(settings.name, "x");

        write_file("x.conf", "");
        assert_int_equal(load(), 0);
}

static void test_unreadable_files(void **state) {
        char link[256];

        make_folder("x.conf");
        assert_int_equal(config_load(path, false, keys, ELEMENTSOF(keys), &settings, error),
                         -EISDIR);
        assert_error("x.conf", ": cannot be read: Is a directory");
        assert_int_equal(rmdir(path), 0);

        write_file("x.conf.d", "");
        assert_int_equal(config_load(path, false, keys, ELEMENTSOF(keys), &settings, error),
                         -ENOTDIR);
        assert_error("x.conf.d", ": cannot be read: Not a directory");
        (void)snprintf(link, sizeof(link), "%s.d", path);
        assert_int_equal(remove(link), 0);

        make_folder("x.conf.d");
        (void)snprintf(link, sizeof(link), "%s.d/a.conf", path);
        assert_int_equal(symlink("/nonexistent", link), 0);
        assert_int_equal(config_load(path, false, keys, ELEMENTSOF(keys), &settings, error),
                         -ENOENT);
        assert_error("x.conf.d/a.conf", ": cannot be read: No such file or directory");
}

/* The longest line is what the library's buffer holds; it differs between builds. */
static void test_long_lines(void **state) {
        char text[8192], value[8000];
        size_t limit = 0;

        for (size_t n = 1; n < sizeof(value); n++) {
                memset(value, 'v', n);
                value[n] = 0;
                (void)snprintf(text, sizeof(text), "[Engine]\n\nName=%s\n[Limits]\nMaxBytes=7\n",
                               value);
                write_file("x.conf", text);
                if (load() < 0) {
                        limit = n - 1 + strlen("Name=");
                        break;
                }
                assert_string_equal(settings.name, value); /* never cut */
                assert_int_equal(settings.max_bytes, 7);
        }
        assert_true(limit > 150);
        (void)snprintf(text, sizeof(text), ":3: shorten the line to %zu bytes", limit);
        assert_error("x.conf", text);

        /* A comment may be as long as it likes. */
        memset(value, 'v', sizeof(value) - 1);
        value[sizeof(value) - 1] = 0;
        (void)snprintf(text, sizeof(text), "# %s\n[Engine]\n  ; %.100s\nName=x\n", value, value);
        write_file("x.conf", text);
        assert_int_equal(load(), 0);
        assert_string_equal(settings.name, "x");
}

/* inih would cut them at 49 bytes, and two adapters could become one. */
static void test_long_sections(void **state) {
        char text[256], section[CONFIG_MAX_SECTION + 2];

        memset(section, 's', sizeof(section));
        memcpy(section, "Adapter ", 8);

        section[CONFIG_MAX_SECTION] = 0;
        (void)snprintf(text, sizeof(text), "[%s]\nEndpoint=x\n", section);
        write_file("x.conf", text);
        assert_int_equal(load(), 0);
        (void)snprintf(text, sizeof(text), "%s=x;", section);
        assert_string_equal(settings.seen, text);

        section[CONFIG_MAX_SECTION] = 's';
        section[CONFIG_MAX_SECTION + 1] = 0;
        (void)snprintf(text, sizeof(text), "[%s]\nEndpoint=x\n", section);
        write_file("x.conf", text);
        assert_int_equal(load(), -EINVAL);
        assert_error("x.conf", ":1: shorten the section's name to 48 bytes");
}

static void test_large_files(void **state) {
        struct buffer b = { 0 };

        buffer_puts(&b, "[Engine]\nName=x\n");
        while (b.size < CONFIG_MAX_FILE)
                buffer_putc(&b, '\n');
        write_bytes("x.conf", b.data, b.size);
        assert_int_equal(load(), 0);

        buffer_putc(&b, '\n');
        write_bytes("x.conf", b.data, b.size);
        assert_int_equal(load(), -EFBIG);
        assert_error("x.conf", ": shorten the file to 1048576 bytes");
        buffer_done(&b);
}

static void test_users(void **state) {
        static const struct {
                const char *text;
                int r;
                uid_t uid;
        } cases[] = {
                { "root", 0, 0 },
                { "0", 0, 0 },
                { "4294967294", 0, 4294967294 },
                { "4294967295", -ESRCH, 0 }, /* nobody at all */
                { "4294967296", -ESRCH, 0 },
                { "", -ESRCH, 0 },
                { "-1", -ESRCH, 0 },
                { "0x0", -ESRCH, 0 },
                { "0 ", -ESRCH, 0 },
                { "no such user", -ESRCH, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uid_t uid = 7;

                assert_int_equal(config_resolve_user(cases[i].text, &uid), cases[i].r);
                assert_int_equal(uid, cases[i].r == 0 ? cases[i].uid : 7);
        }
}

/* A file may be full of nonsense: the sentence stays one clean line of bounded length. */
static void test_errors_are_one_clean_line(void **state) {
        static const char text[] = "[Engine]\nVerbose=\x7f\xc3\xa9\x7f%s%n\n";

        write_file("x.conf", text);
        assert_int_equal(load(), -EINVAL);
        assert_error("x.conf", ":2: Verbose='?\xc3\xa9?%s%n' is neither yes nor no; correct it");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_reads_each_type), TEST(test_refuses),
                TEST(test_values),          TEST(test_users),
                TEST(test_later_overrides), TEST(test_drop_ins),
                TEST(test_missing_files),   TEST(test_unreadable_files),
                TEST(test_long_lines),      TEST(test_long_sections),
                TEST(test_large_files),     TEST(test_errors_are_one_clean_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
