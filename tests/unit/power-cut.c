/* SPDX-License-Identifier: MIT */
#include "power-cut.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAX_FILES 4096
#define MAX_FDS 256
#define MAX_NAME 64
#define SECTOR 512

enum kind {
        CREATE, /* a name for the file */
        UNLINK,
        WRITE,
        TRUNCATE,
        SYNC,
        SYNC_FOLDER,
};

struct event {
        enum kind kind;
        int file;    /* which one; of SYNC_FOLDER none */
        char *name;  /* owned: below the root; of a folder too */
        char *data;  /* owned */
        size_t size; /* of the data, or to truncate to */
        off_t at;
        bool dropped; /* a failed sync has lost it */
};

/* What a descriptor is. */
struct handle {
        int file; /* -1: none that counts */
        char folder[MAX_NAME];
};

static char root[PATH_MAX];
static struct event *events;
static size_t n_events, n_allocated;
static struct handle handles[MAX_FDS];
static int n_files;
static const char *ignored;
static struct {
        size_t before, n, n_failed;
        int error;
} fault;

static void die(const char *what) {
        fprintf(stderr, "power-cut: %s: %s\n", what, strerror(errno));
        abort();
}

/* ---- recording ---- */

static struct event *add(enum kind kind, int file, const char *name) {
        struct event *e;

        if (n_events == n_allocated) {
                n_allocated = n_allocated * 2 + 64;
                events = realloc(events, n_allocated * sizeof(*events));
                if (!events)
                        die("events");
        }
        e = &events[n_events++];
        *e = (struct event){ .kind = kind, .file = file, .name = name ? strdup(name) : NULL };
        return e;
}

static bool has_suffix(const char *text, const char *suffix) {
        size_t n = strlen(text), m = strlen(suffix);

        return n >= m && strcmp(text + n - m, suffix) == 0;
}

/* The name below the root, or NULL. What SQLite shares between processes is no file to it. */
static const char *name_of(const char *path) {
        size_t n = strlen(root);

        if (n == 0 || strncmp(path, root, n) != 0 || path[n] != '/' || has_suffix(path, "-shm"))
                return NULL;
        return path + n + 1;
}

static int find_file(const char *name) {
        for (size_t i = n_events; i-- > 0;)
                if ((events[i].kind == CREATE || events[i].kind == UNLINK) &&
                    strcmp(events[i].name, name) == 0)
                        return events[i].kind == CREATE ? events[i].file : -1;
        return -1;
}

static const char *file_name(int file) {
        for (size_t i = 0; i < n_events; i++)
                if (events[i].kind == CREATE && events[i].file == file)
                        return events[i].name;
        return "";
}

static struct handle *handle_of(int fd) {
        struct handle *h = fd >= 0 && fd < MAX_FDS && *root ? &handles[fd] : NULL;

        return h && (h->file >= 0 || h->folder[0]) ? h : NULL;
}

/* Whether this call is one that fails. */
static bool fails(void) {
        if (fault.n_failed == fault.n)
                return false;
        if (fault.before > 0) {
                fault.before--;
                return false;
        }
        fault.n_failed++;
        errno = fault.error;
        return true;
}

static void remember(int fd, const char *name, int flags) {
        struct handle *h = &handles[fd < MAX_FDS ? fd : 0];
        size_t n;

        if (fd >= MAX_FDS)
                die("too many files");
        *h = (struct handle){ .file = -1 };
        if (!name)
                return;
        n = strcspn(name, "/");
        if (!name[n] || !name[n + 1]) {
                snprintf(h->folder, sizeof(h->folder), "%.*s", (int)n, name);
                return;
        }
        h->file = find_file(name);
        if (h->file < 0) {
                h->file = n_files++;
                add(CREATE, h->file, name);
        } else if (flags & O_TRUNC)
                add(TRUNCATE, h->file, NULL);
}

static int do_open(int directory, const char *path, int flags, mode_t mode) {
        const char *name = name_of(path);
        int fd;

        if (name && fails())
                return -1;
        fd = (int)syscall(SYS_openat, directory, path, flags, mode);
        if (fd >= 0 && *root)
                remember(fd, name, flags);
        return fd;
}

static void note_write(const struct handle *h, const void *data, size_t size, off_t at) {
        struct event *e = add(WRITE, h->file, NULL);

        e->data = malloc(size);
        if (!e->data)
                die("a write");
        memcpy(e->data, data, size);
        e->size = size;
        e->at = at;
}

static bool is_pending(const struct event *e, int file) {
        return (e->kind == WRITE || e->kind == TRUNCATE) && e->file == file;
}

/* splitmix64's */
static uint64_t mixed(uint64_t z) {
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

/* The kernel has tried, and takes what it could not write for written from now on. */
static int fail_sync(const struct handle *h) {
        for (size_t i = n_events; h->file >= 0 && i-- > 0;) {
                if (events[i].kind == SYNC && events[i].file == h->file)
                        break;
                if (is_pending(&events[i], h->file))
                        events[i].dropped |= fault.n_failed % 2 || mixed(i) % 2;
        }
        return -1;
}

static int do_sync(int fd) {
        const struct handle *h = handle_of(fd);

        if (!h)
                return 0;
        if (fails())
                return fail_sync(h);
        if (h->folder[0])
                add(SYNC_FOLDER, -1, h->folder);
        else if (!ignored || !has_suffix(file_name(h->file), ignored))
                add(SYNC, h->file, NULL);
        return 0;
}

/* ---- the calls, by the names that SQLite and the tested code have for them ---- */

int power_open(const char *path, int flags, ...) __asm__("open64");
int power_openat(int directory, const char *path, int flags, ...) __asm__("openat64");
ssize_t power_pread(int fd, void *data, size_t size, off_t at) __asm__("pread64");
ssize_t power_pwrite(int fd, const void *data, size_t size, off_t at) __asm__("pwrite64");
int power_ftruncate(int fd, off_t size) __asm__("ftruncate64");
int power_fsync(int fd) __asm__("fsync");
int power_fdatasync(int fd) __asm__("fdatasync");
int power_unlink(const char *path) __asm__("unlink");

int power_open(const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
        va_end(arguments);
        return do_open(AT_FDCWD, path, flags, mode);
}

int power_openat(int directory, const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
        va_end(arguments);
        return do_open(directory, path, flags, mode);
}

ssize_t power_pread(int fd, void *data, size_t size, off_t at) {
        return handle_of(fd) && fails() ? -1 : syscall(SYS_pread64, fd, data, size, at);
}

/* A disk that is full takes a part of it. */
ssize_t power_pwrite(int fd, const void *data, size_t size, off_t at) {
        const struct handle *h = handle_of(fd);
        ssize_t n;

        if (h && fails()) {
                if (errno != ENOSPC || size < 2)
                        return -1;
                size /= 2;
        }
        n = syscall(SYS_pwrite64, fd, data, size, at);
        if (h && n > 0)
                note_write(h, data, (size_t)n, at);
        return n;
}

int power_ftruncate(int fd, off_t size) {
        const struct handle *h = handle_of(fd);

        if (h && fails())
                return -1;
        if (syscall(SYS_ftruncate, fd, size) < 0)
                return -1;
        if (h)
                add(TRUNCATE, h->file, NULL)->size = (size_t)size;
        return 0;
}

int power_fsync(int fd) {
        return do_sync(fd);
}

int power_fdatasync(int fd) {
        return do_sync(fd);
}

int power_unlink(const char *path) {
        const char *name = name_of(path);

        if (name && fails())
                return -1;
        if (syscall(SYS_unlinkat, AT_FDCWD, path, 0) < 0)
                return -1;
        if (name)
                add(UNLINK, find_file(name), name);
        return 0;
}

/* ---- what is left ---- */

struct content {
        char *data;
        size_t size, allocated;
};

struct image {
        struct content files[MAX_FILES];
        uint64_t random;
};

static uint64_t next_random(struct image *m) {
        return mixed(m->random += 0x9e3779b97f4a7c15);
}

static bool chance(struct image *m, unsigned of) {
        return next_random(m) % of == 0;
}

static void resize(struct content *c, size_t size) {
        if (size > c->allocated) {
                c->allocated = size * 2;
                c->data = realloc(c->data, c->allocated);
                if (!c->data)
                        die("an image");
        }
        if (size > c->size)
                memset(c->data + c->size, 0, size - c->size);
        c->size = size;
}

static void put(struct content *c, const struct event *e, size_t from, size_t size) {
        size_t at = (size_t)e->at + from;

        if (size == 0)
                return;
        if (at + size > c->size)
                resize(c, at + size);
        memcpy(c->data + at, e->data + from, size);
}

static void apply(struct image *m, const struct event *e) {
        struct content *c = &m->files[e->file];

        if (e->dropped)
                return;
        if (e->kind == TRUNCATE)
                resize(c, e->size);
        else
                put(c, e, 0, e->size);
}

/* Each sector of it is there or is not. */
static void apply_torn(struct image *m, const struct event *e) {
        size_t n, to;

        if (e->kind == TRUNCATE || e->dropped)
                return;
        for (n = 0; n < e->size; n = to) {
                to = n + SECTOR - ((size_t)e->at + n) % SECTOR;
                to = to < e->size ? to : e->size;
                if (chance(m, 2))
                        put(&m->files[e->file], e, n, to - n);
        }
}

/* All that was not synced, in an order of its own; some images have it all, some nothing of it. */
static void apply_pending(struct image *m, const struct event **pending, size_t n) {
        unsigned how = next_random(m) % 8;

        for (size_t i = n; how > 2 && i > 1; i--) {
                size_t other = next_random(m) % i;
                const struct event *e = pending[i - 1];

                pending[i - 1] = pending[other];
                pending[other] = e;
        }
        for (size_t i = 0; how > 0 && i < n; i++) {
                if (how == 1 || chance(m, 3))
                        apply(m, pending[i]);
                else if (chance(m, 2))
                        apply_torn(m, pending[i]);
        }
}

static void fill_files(struct image *m, size_t moment) {
        const struct event **pending = calloc(moment + 1, sizeof(*pending));

        if (!pending)
                die("pending writes");
        for (int file = 0; file < n_files; file++) {
                size_t synced = 0, n = 0;

                for (size_t i = 0; i < moment; i++)
                        if (events[i].kind == SYNC && events[i].file == file)
                                synced = i;
                for (size_t i = 0; i < moment; i++) {
                        if (!is_pending(&events[i], file))
                                continue;
                        if (i < synced)
                                apply(m, &events[i]);
                        else
                                pending[n++] = &events[i];
                }
                apply_pending(m, pending, n);
        }
        free(pending);
}

/* How many calls there were when the folder was last synced. */
static size_t folder_synced(const char *name, size_t moment) {
        size_t n = strcspn(name, "/");

        for (size_t i = moment; i-- > 0;)
                if (events[i].kind == SYNC_FOLDER && strlen(events[i].name) == n &&
                    strncmp(events[i].name, name, n) == 0)
                        return i + 1;
        return 0;
}

static void write_file(const char *to, const char *name, const struct content *c) {
        char path[PATH_MAX];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", to, name);
        f = fopen(path, "wb");
        if (!f || (c->size > 0 && fwrite(c->data, 1, c->size, f) != c->size) || fclose(f) != 0)
                die(path);
}

static void empty_folder(const char *to, const char *name) {
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *d;

        snprintf(path, sizeof(path), "%s/%.*s", to, (int)strcspn(name, "/"), name);
        d = opendir(path);
        if (!d)
                die(path);
        while ((entry = readdir(d)))
                if (entry->d_type == DT_REG && unlinkat(dirfd(d), entry->d_name, 0) < 0)
                        die(path);
        closedir(d);
}

/* The files by the names that they have. */
static void write_names(struct image *m, size_t moment, const char *to) {
        for (size_t i = 0; i < n_events; i++)
                if (events[i].kind == CREATE)
                        empty_folder(to, events[i].name);

        for (size_t i = 0; i < moment; i++) {
                const struct event *e = &events[i];
                char path[PATH_MAX];

                if (e->kind != CREATE && e->kind != UNLINK)
                        continue;
                if (i >= folder_synced(e->name, moment) && chance(m, 2))
                        continue;
                snprintf(path, sizeof(path), "%s/%s", to, e->name);
                if (e->kind == CREATE)
                        write_file(to, e->name, &m->files[e->file]);
                else
                        (void)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
        }
}

void power_cut(size_t moment, uint64_t seed, const char *to) {
        struct image *m = calloc(1, sizeof(*m));

        if (!m)
                die("an image");
        m->random = seed;
        fill_files(m, moment);
        write_names(m, moment, to);
        for (int i = 0; i < n_files; i++)
                free(m->files[i].data);
        free(m);
}

/* ---- control ---- */

static void forget(void) {
        for (size_t i = 0; i < n_events; i++) {
                free(events[i].name);
                free(events[i].data);
        }
        free(TAKE_PTR(events));
        n_events = n_allocated = 0;
        n_files = 0;
}

void power_record(const char *path) {
        forget();
        for (size_t i = 0; i < MAX_FDS; i++)
                handles[i] = (struct handle){ .file = -1 };
        fault.n = fault.n_failed = 0;
        ignored = NULL;
        snprintf(root, sizeof(root), "%s", path);
}

void power_stop(void) {
        root[0] = 0;
        fault.n = fault.n_failed = 0;
}

size_t power_now(void) {
        return n_events;
}

void power_ignore_syncs_of(const char *suffix) {
        ignored = suffix;
}

void power_fail(size_t nth, size_t n, int error) {
        fault.before = nth;
        fault.n = n;
        fault.n_failed = 0;
        fault.error = error;
}

size_t power_failures(void) {
        return fault.n_failed;
}
