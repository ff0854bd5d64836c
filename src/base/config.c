/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

/*
 * inih splits the lines; which of its habits are on depends on how the library was built, and
 * nothing tells. So its reader is ours, and hands on only lines that mean the same in all builds:
 * none that it would cut, take for the continuation of another or find a comment in. It reads
 * no further before the handler has had the line, so the reader's count is the handler's line.
 */
struct loading {
        const char *path;
        const struct config_key *keys;
        size_t n_keys;
        void *target;
        char *error;

        const char *at, *end; /* what is left of the file */
        unsigned line;
        int r; /* the first failure: reading ends there */
};

static void fail(struct loading *l, int r, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));

static void fail(struct loading *l, int r, const char *format, ...) {
        char sentence[CONFIG_ERROR_SIZE], whole[2 * CONFIG_ERROR_SIZE];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(sentence, sizeof(sentence), format, ap);
        va_end(ap);

        (void)snprintf(whole, sizeof(whole), "%s:%u: %s", l->path, l->line, sentence);
        ae_error_quote(l->error, CONFIG_ERROR_SIZE, whole);
        l->r = r;
}

static bool section_matches(const char *pattern, const char *section, size_t size) {
        size_t n = strlen(pattern);

        if (n > 0 && pattern[n - 1] == '*')
                return size >= n && memcmp(pattern, section, n - 1) == 0;
        return size == n && memcmp(pattern, section, n) == 0;
}

static bool section_is_known(const struct loading *l, const char *section, size_t size) {
        for (size_t i = 0; i < l->n_keys; i++)
                if (section_matches(l->keys[i].section, section, size))
                        return true;
        return false;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

/* A line [SECTION], with nothing around it. */
static void check_section(struct loading *l, const char *line, size_t size) {
        const char *close = memchr(line, ']', size);
        size_t n = size - 2;

        if (!close || close != line + size - 1)
                fail(l, -EINVAL, "a section stands alone on its line, as in [Name]");
        else if (n > CONFIG_MAX_SECTION)
                fail(l, -EINVAL, "shorten the section's name to %d bytes", CONFIG_MAX_SECTION);
        else if (!section_is_known(l, line + 1, n))
                fail(l, -EINVAL, "there is no section [%.*s]; correct or remove it", (int)n,
                     line + 1);
}

static void check_pair(struct loading *l, const char *line, size_t size) {
        const char *equals = memchr(line, '=', size);

        if (!equals || equals == line || memchr(line, ':', (size_t)(equals - line)))
                fail(l, -EINVAL, "write the line as KEY=VALUE");
        else if (line[size - 1] == '\\')
                fail(l, -EINVAL, "write the value on one line, it does not go on behind '\\'");
}

/* The first byte that no line may hold: a control character, or a ';' that begins a comment. */
static const char *find_odd(const char *line, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (((unsigned char)line[i] < 0x20 && line[i] != '\t') ||
                    (i > 0 && line[i] == ';' && is_blank(line[i - 1])))
                        return line + i;
        return NULL;
}

/* inih takes three bytes of its room for the line's end. */
static void check_line(struct loading *l, const char *line, size_t size, size_t room) {
        const char *odd = find_odd(line, size);

        if (size + 3 > room)
                fail(l, -EINVAL, "shorten the line to %zu bytes", room - 3);
        else if (odd && *odd == ';')
                fail(l, -EINVAL, "put a comment on a line of its own; no value holds ' ;'");
        else if (odd)
                fail(l, -EINVAL, "remove the control character from the line");
        else if (size > 0 && line[0] == '[')
                check_section(l, line, size);
        else if (size > 0)
                check_pair(l, line, size);
}

/* An ini_reader: the next line without the white space around it; a comment as an empty one. */
static char *read_line(char *to, int room, void *userdata) {
        struct loading *l = userdata;
        const char *line = l->at, *end;

        if (l->r < 0 || l->at == l->end)
                return NULL;
        l->line++;

        end = memchr(line, '\n', (size_t)(l->end - line));
        l->at = end ? end + 1 : l->end;
        if (!end)
                end = l->end;

        if (end > line && end[-1] == '\r')
                end--;
        while (line < end && is_blank(*line))
                line++;
        while (end > line && is_blank(end[-1]))
                end--;
        if (line < end && (*line == '#' || *line == ';'))
                end = line;

        check_line(l, line, (size_t)(end - line), (size_t)room);
        if (l->r < 0)
                return NULL;

        *(char *)mempcpy(mempcpy(to, line, (size_t)(end - line)), "\n", 1) = 0;
        return to;
}

static int on_pair(void *userdata, const char *section, const char *name, const char *value) {
        struct loading *l = userdata;
        const char *reason = "is no valid value";
        int r;

        for (size_t i = 0; i < l->n_keys; i++) {
                const struct config_key *key = &l->keys[i];

                if (strcmp(key->name, name) != 0 ||
                    !section_matches(key->section, section, strlen(section)))
                        continue;

                r = key->parse(section, value, (char *)l->target + key->offset, &reason);
                if (r == -ENOMEM)
                        fail(l, r, "out of memory");
                else if (r < 0)
                        fail(l, r, "%s='%s' %s; correct it", name, value, reason);
                return r >= 0;
        }

        if (!*section)
                fail(l, -EINVAL, "put the section of '%s' before it, as in [Name]", name);
        else
                fail(l, -EINVAL, "there is no key '%s' in [%s]; correct or remove it", name,
                     section);
        return 0;
}

static int read_file(const char *path, struct buffer *to) {
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        return fd < 0 ? -errno : file_read(fd, CONFIG_MAX_FILE, to);
}

static int load_file(struct loading *l, const char *path, bool required) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        int r;

        r = read_file(path, &text);
        if (r == -ENOENT && !required)
                return 0;
        if (r == -EFBIG)
                (void)snprintf(l->error, CONFIG_ERROR_SIZE, "%s: shorten the file to %zu bytes",
                               path, CONFIG_MAX_FILE);
        else if (r < 0)
                (void)snprintf(l->error, CONFIG_ERROR_SIZE, "%s: cannot be read: %s", path,
                               strerror(-r));
        if (r < 0)
                return r;

        l->path = path;
        l->at = text.data;
        l->end = text.data + text.size;
        l->line = 0;
        if (ini_parse_stream(read_line, l, on_pair, l) != 0 && l->r == 0)
                fail(l, -EINVAL, "write the file as [Section] and KEY=VALUE lines");
        return l->r;
}

static int is_drop_in(const struct dirent *entry) {
        const char *suffix = strrchr(entry->d_name, '.');

        return entry->d_name[0] != '.' && suffix && strcmp(suffix, ".conf") == 0;
}

/* By bytes: the order must not depend on a locale. */
static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_named(struct loading *l, const char *folder, const char *name) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return load_file(l, path, /* required= */ true);
}

static int load_drop_ins(struct loading *l, const char *folder) {
        struct dirent **entries = NULL;
        int n, r = 0;

        n = scandir(folder, &entries, is_drop_in, by_name);
        if (n < 0 && errno == ENOENT)
                return 0;
        if (n < 0) {
                r = -errno;
                (void)snprintf(l->error, CONFIG_ERROR_SIZE, "%s: cannot be read: %s", folder,
                               strerror(-r));
                return r;
        }

        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = load_named(l, folder, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return r;
}

int config_load(const char *path, bool required, const struct config_key *keys, size_t n_keys,
                void *target, char error[static CONFIG_ERROR_SIZE]) {
        struct loading l = { .keys = keys, .n_keys = n_keys, .target = target, .error = error };
        _cleanup_(freep) char *folder = NULL;
        int r;

        /* Until somebody knows better. */
        (void)snprintf(error, CONFIG_ERROR_SIZE, "%s: out of memory", path);
        r = load_file(&l, path, required);
        if (r < 0)
                return r;

        if (asprintf(&folder, "%s.d", path) < 0) {
                folder = NULL;
                return -ENOMEM;
        }
        r = load_drop_ins(&l, folder);
        if (r == 0)
                error[0] = 0;
        return r;
}

int config_load_program(const char *name, const char *path, const struct config_key *keys,
                        size_t n_keys, void *target, char error[static CONFIG_ERROR_SIZE]) {
        static const char *const directories[] = { CONFIG_VENDOR_DIR, CONFIG_ADMIN_DIR };

        if (path)
                return config_load(path, true, keys, n_keys, target, error);

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                char place[PATH_MAX];
                int r;

                snprintf(place, sizeof(place), "%s/%s", directories[i], name);
                r = config_load(place, false, keys, n_keys, target, error);
                if (r < 0)
                        return r;
        }
        return 0;
}
