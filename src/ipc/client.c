/* SPDX-License-Identifier: MIT */
#include "ipc/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "ipc/frame.h"

#define READ_BYTES ((size_t)64 << 10)

struct client {
        int fd;
        struct frame *in;
};

int client_connect(const char *path, int nonblocking) {
        _cleanup_(fd_closep) int fd = -1;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t size = strlen(path);
        int r;

        if (size == 0)
                return -ENOENT;
        if (size >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, size);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
        if (fd < 0)
                return -errno;

        do
                r = connect(fd, (const struct sockaddr *)&address, sizeof(address));
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        return TAKE_FD(fd);
}

int client_new(int fd, size_t max_line, struct client **ret) {
        _cleanup_(client_freep) struct client *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->fd = -1;
        r = frame_new(max_line, &c->in);
        if (r < 0)
                return r;

        c->fd = fd;
        *ret = TAKE_PTR(c);
        return 0;
}

struct client *client_free(struct client *c) {
        if (!c)
                return NULL;
        frame_free(c->in);
        fd_close(c->fd);
        free(c);
        return NULL;
}

/* Moves past the first n bytes of a message. */
static void message_advance(struct msghdr *m, size_t n) {
        while (m->msg_iovlen > 0 && n >= m->msg_iov->iov_len) {
                n -= m->msg_iov->iov_len;
                m->msg_iov++;
                m->msg_iovlen--;
        }
        if (m->msg_iovlen > 0) {
                m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
                m->msg_iov->iov_len -= n;
        }
}

int client_send(struct client *c, const char *line, size_t size) {
        struct iovec parts[] = {
                { .iov_base = (char *)line, .iov_len = size },
                { .iov_base = (char[]){ '\n' }, .iov_len = 1 },
        };
        struct msghdr m = { .msg_iov = parts, .msg_iovlen = ELEMENTSOF(parts) };

        while (m.msg_iovlen > 0) {
                ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);

                if (n >= 0)
                        message_advance(&m, (size_t)n);
                else if (errno != EINTR)
                        return -errno;
        }
        return 0;
}

/* Reads once. Returns 0 or a negative errno. */
static int client_fill(struct client *c) {
        char chunk[READ_BYTES];
        ssize_t n;
        int r;

        n = recv(c->fd, chunk, sizeof(chunk), 0);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -EPIPE;

        r = frame_feed(c->in, chunk, (size_t)n);
        explicit_bzero(chunk, (size_t)n);
        return r;
}

int client_receive(struct client *c, const char **ret, size_t *ret_size) {
        int r;

        while ((r = frame_next(c->in, ret, ret_size)) == 0) {
                r = client_fill(c);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : 0;
}
