/* SPDX-License-Identifier: MIT */
/*
 * The limit that figures are compared with: a bare epoll loop that sends back what it reads.
 *
 *      echo SOCKET
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what) {
        perror(what);
        exit(1);
}

static void watch(int epoll_fd, int fd) {
        struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
                die("epoll_ctl");
}

static void echo(int fd) {
        static char chunk[65536];
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n <= 0) {
                close(fd);
                return;
        }
        for (ssize_t done = 0; done < n;) {
                ssize_t k = write(fd, chunk + done, (size_t)(n - done));

                if (k < 0) {
                        close(fd);
                        return;
                }
                done += k;
        }
}

int main(int argc, char **argv) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct epoll_event events[64];
        int listen_fd, epoll_fd;

        if (argc != 2)
                return 2;
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
        listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listen_fd < 0 || bind(listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(listen_fd, 128) < 0)
                die(argv[1]);
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (epoll_fd < 0)
                die("epoll_create1");
        watch(epoll_fd, listen_fd);

        for (;;) {
                int n = epoll_wait(epoll_fd, events, 64, -1);

                for (int i = 0; i < n; i++)
                        if (events[i].data.fd == listen_fd)
                                watch(epoll_fd, accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC));
                        else
                                echo(events[i].data.fd);
        }
}
