/* SPDX-License-Identifier: MIT */
#include "actionctl/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "actionctl/output.h"

#define AGENT "pkttyagent"

/* It asks on the terminal itself, whatever stdin is. */
static bool has_terminal(void) {
        _cleanup_(fd_closep) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

        return fd >= 0;
}

/* It would otherwise outlive us, and hold the terminal. */
static void become_agent(pid_t parent, int notify_fd) {
        char process[16], notify[16];

        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
                _exit(EXIT_FAILURE);
        (void)fcntl(notify_fd, F_SETFD, 0);
        snprintf(process, sizeof(process), "%d", (int)parent);
        snprintf(notify, sizeof(notify), "%d", notify_fd);
        execlp(AGENT, AGENT, "--process", process, "--notify-fd", notify, (char *)NULL);
        _exit(127);
}

/* It closes its end once it can be asked, and also when it fails. */
static void wait_ready(int fd) {
        char byte;

        while (read(fd, &byte, 1) < 0 && errno == EINTR)
                ;
}

pid_t agent_start(void) {
        pid_t parent = getpid(), agent;
        int ends[2];

        if (geteuid() == 0 || !has_terminal() || pipe2(ends, O_CLOEXEC) < 0)
                return 0;
        agent = fork();
        if (agent == 0)
                become_agent(parent, ends[1]);
        close(ends[1]);
        if (agent > 0)
                wait_ready(ends[0]);
        close(ends[0]);
        if (agent < 0)
                return 0;
        if (waitpid(agent, NULL, WNOHANG) == agent) {
                output_note("there is no " AGENT " to be asked by on this terminal");
                return 0;
        }
        return agent;
}

pid_t agent_stop(pid_t agent) {
        if (agent <= 0)
                return 0;
        (void)kill(agent, SIGTERM);
        (void)kill(agent, SIGCONT);
        while (waitpid(agent, NULL, 0) < 0 && errno == EINTR)
                ;
        return 0;
}
