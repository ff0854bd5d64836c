/* SPDX-License-Identifier: MIT */
/*
 * setup: what belongs to one user, their membership and their token. What lies in a home folder is
 * written as its owner, who could have put anything there for root to stumble over.
 */
#include "actionctl/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actionctl/input.h"
#include "actionctl/output.h"
#include "actionctl/token-make.h"
#include "base/file.h"
#include "base/sync-folder.h"

#define GROUP "action-engine"
#define TOKEN_MAX ((size_t)16 << 10)
#define DEFAULT_TTL_MSEC (UINT64_C(90) * 24 * 3600 * 1000)

/* ---- who there is ---- */

static FILE *open_database(const struct setup *s, const char *path) {
        char full[PATH_MAX];

        setup_path(s, path, full);
        return fopen(full, "re");
}

/* libc's, with all its sources, or what a root's own file says. Borrowed until the next call. */
static const struct passwd *find_user(const struct setup *s, const char *name) {
        const struct passwd *p;
        FILE *f;

        if (!*s->root)
                return getpwnam(name);
        f = open_database(s, "/etc/passwd");
        if (!f)
                return NULL;
        while ((p = fgetpwent(f)) && strcmp(p->pw_name, name) != 0)
                ;
        (void)fclose(f);
        return p;
}

static const struct group *find_group(const struct setup *s, const char *name) {
        const struct group *g;
        FILE *f;

        if (!*s->root)
                return getgrnam(name);
        f = open_database(s, "/etc/group");
        if (!f)
                return NULL;
        while ((g = fgetgrent(f)) && strcmp(g->gr_name, name) != 0)
                ;
        (void)fclose(f);
        return g;
}

bool setup_has_user(const struct setup *s, const char *name) {
        return find_user(s, name);
}

int setup_look_up(struct setup *s, const char *name) {
        const struct passwd *p = find_user(s, name);

        if (!p)
                return 0;
        s->uid = p->pw_uid;
        s->gid = p->pw_gid;
        setup_path(s, p->pw_dir, s->home);
        if (s->ctl->token_file)
                snprintf(s->token, sizeof(s->token), "%s", s->ctl->token_file);
        else if ((size_t)snprintf(s->token, sizeof(s->token), "%s/" INPUT_TOKEN_FILE, s->home) >=
                 sizeof(s->token))
                return 0;
        return 1;
}

/* ---- the group ---- */

int setup_find_member(struct setup *s) {
        const struct group *g = find_group(s, GROUP);

        if (!g)
                return 0;
        if (g->gr_gid == s->gid)
                return 1;
        for (char **member = g->gr_mem; *member; member++)
                if (strcmp(*member, s->ctl->user) == 0)
                        return 1;
        return 0;
}

int setup_make_member(struct setup *s) {
        const char *const argv[] = { "usermod", "--append", "--groups", GROUP, s->ctl->user, NULL };

        return setup_run_in_root(s, "--prefix=", argv);
}

/* ---- the token ---- */

/* One that is over is as good as none. */
static int judge_token(struct setup *s) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        _cleanup_(json_freep) cJSON *claims = NULL;
        int r;

        r = secret_read_file(s->token, TOKEN_MAX, &token);
        if (r == 0)
                r = token_read_claims(token->data, token->size, &claims);
        if (r < 0)
                return setup_fail(s, r, "'%s' is there and is no token: move it away", s->token);
        if (token_is_over(claims)) {
                s->replaces_token = true;
                return 0;
        }
        if (!token_allows_the_same(s->ctl, claims))
                output_note("'%s' allows something else than is asked for now: remove it to get "
                            "another",
                            s->token);
        return 1;
}

int setup_find_token(struct setup *s) {
        struct stat st;

        if (lstat(s->token, &st) < 0)
                return 0;
        if (!S_ISREG(st.st_mode) || st.st_uid != s->uid)
                return setup_fail(s, -EEXIST, "'%s' is there and is no file of %s's", s->token,
                                  s->ctl->user);
        return judge_token(s);
}

static int make_folders(const struct setup *s) {
        static const char *const folders[] = { ".config", ".config/action-engine" };
        char path[PATH_MAX];

        for (size_t i = 0; i < ELEMENTSOF(folders) && !s->ctl->token_file; i++) {
                if (snprintf(path, sizeof(path), "%s/%s", s->home, folders[i]) >= PATH_MAX)
                        return -ENAMETOOLONG;
                if (mkdir(path, 0700) < 0 && errno != EEXIST)
                        return -errno;
                (void)sync_folder_of(AT_FDCWD, path); /* a home need not be readable */
        }
        return 0;
}

static int write_token(const struct setup *s, const struct secret *token) {
        _cleanup_(secret_freep) struct secret *line = NULL;
        int r;

        r = make_folders(s);
        if (r < 0)
                return r;
        r = secret_new(NULL, token->size + 1, &line);
        if (r < 0)
                return r;
        *(char *)mempcpy(line->data, token->data, token->size) = '\n';
        return file_make(AT_FDCWD, s->token, 0600, s->replaces_token, line->data, line->size);
}

static int become_user(const struct setup *s) {
        if (geteuid() == s->uid)
                return 0;
        if (setgroups(0, NULL) < 0 || setresgid(s->gid, s->gid, s->gid) < 0 ||
            setresuid(s->uid, s->uid, s->uid) < 0)
                return -errno;
        return 0;
}

/* In a process of their own, so that nothing has to be given back. */
static int write_as_user(const struct setup *s, const struct secret *token) {
        pid_t pid = fork();
        int status, r;

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                r = become_user(s);
                if (r == 0)
                        r = write_token(s, token);
                _exit(-r);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int setup_make_token(struct setup *s) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct ctl order = *s->ctl;
        struct token_facts facts;
        int r;

        order.uid = (int64_t)s->uid;
        if (order.ttl_msec == 0)
                order.ttl_msec = DEFAULT_TTL_MSEC;
        if (!s->key)
                return setup_fail(s, -ENOKEY, "there is no key to sign it with");
        if (token_make(&order, s->key, &token, &facts) != 0)
                return setup_fail(s, -EINVAL, "it cannot be made like that");
        r = write_as_user(s, token);
        if (r < 0)
                return setup_fail(s, r, "%s cannot write '%s': %s", s->ctl->user, s->token,
                                  strerror(-r));
        return 0;
}
