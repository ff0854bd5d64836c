/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Who is at the other end of a Unix socket, as the kernel tells it: unix(7) SO_PEERCRED, and
 * SO_PEERPIDFD (Linux 6.5) where it exists. Both are frozen at connect() and name who connected,
 * not who writes now.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The kernel's word for a uid that it cannot tell, as of a peer in another user namespace: anybody's
 * (user_namespaces(7)). Debian calls it nobody.
 */
#define PEER_OVERFLOW_UID ((uid_t)65534)

struct peer {
        uid_t uid;
        gid_t gid;
        pid_t pid;
        int pid_fd; /* owned; -1 where the kernel has none, or the process had ended */
        /* Of the process, in clock ticks since boot; 0 when it could not be read. */
        uint64_t start_time;
        char unit[64]; /* the systemd unit of the peer's process, cut to fit; or "" */
};

/*
 * Returns 0 or a negative errno; *ret is then untouched. -EMFILE and the like among them: a peer
 * of whom less is known than the kernel would tell is none.
 */
int peer_read(int fd, struct peer *ret);
void peer_done(struct peer *p);

/* Whether its uid tells who it is. */
bool peer_is_somebody(const struct peer *p);

/*
 * Whether the process that was read still is there, and is the same: a pid is given to others. The
 * start time can be forged by who tries hard; a pidfd cannot.
 */
bool peer_is_there(const struct peer *p);

/* The 22nd field of /proc/PID/stat (proc(5)), whatever the process calls itself. 0 or -EINVAL. */
int peer_parse_start_time(const char *stat, uint64_t *ret);
