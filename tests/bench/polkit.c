/* SPDX-License-Identifier: MIT */
/*
 * The limit that the engine's questions are compared with: polkit, asked by a client that does
 * nothing else about an e-mail, so many questions open at a time.
 *
 *      polkit DEPTH QUESTIONS
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "figures.h"
#include "policy/action-id.h"
#include "policy/subject.h"

#define NAME "org.freedesktop.PolicyKit1"
#define DIGEST "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* As many as the engine tells about such an e-mail, and as long. */
static const char *const details[][2] = {
        { "account", "default" },
        { "action_type", "send_email" },
        { "digest", DIGEST },
        { "platform", "gmail" },
        { "recipient_domains", "example.com" },
        { "recipients", "a@example.com" },
        { "request_id", "01930000-0000-7000-8000-000000000000" },
        { "summary", "Send an e-mail to a@example.com: Hello!" },
        { "unit", "session-1.scope" },
        { "user_id", "me" },
};

static sd_bus *bus;
static struct peer myself;
static size_t n_sent, n_wanted;
static struct figures figures;

static void check(int r, const char *what) {
        if (r >= 0)
                return;
        fprintf(stderr, "polkit: %s: %s\n", what, strerror(-r));
        exit(1);
}

static void ask(uint64_t *ret_sent_usec);

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        int authorized = 0;

        if (sd_bus_message_enter_container(m, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(m, "b", &authorized) < 0 || !authorized)
                figures.n_failed++;
        figures_add(&figures, *(uint64_t *)userdata);
        if (n_sent < n_wanted)
                ask(userdata);
        return 0;
}

static void ask(uint64_t *ret_sent_usec) {
        sd_bus_message *m = NULL;

        check(sd_bus_message_new_method_call(bus, &m, NAME, "/org/freedesktop/PolicyKit1/Authority",
                                             NAME ".Authority", "CheckAuthorization"),
              "a message");
        check(subject_append(&myself, m), "the subject");
        check(sd_bus_message_append(m, "s", ACTION_ID_PREFIX "gmail.send-email"), "the action");
        check(sd_bus_message_open_container(m, 'a', "{ss}"), "the details");
        for (size_t i = 0; i < ELEMENTSOF(details); i++)
                check(sd_bus_message_append(m, "{ss}", details[i][0], details[i][1]), "a detail");
        check(sd_bus_message_close_container(m), "the details");
        check(sd_bus_message_append(m, "us", 0, ""), "the flags");

        *ret_sent_usec = clock_usec(CLOCK_MONOTONIC);
        check(sd_bus_call_async(bus, NULL, m, on_answer, ret_sent_usec, 0), "a question");
        sd_bus_message_unref(m);
        n_sent++;
}

/* As the engine does it with those who connect. */
static void read_myself(void) {
        int ends[2];

        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "a pair of sockets");
        check(peer_read(ends[0], &myself), "this process");
        fd_close(ends[0]);
        fd_close(ends[1]);
}

int main(int argc, char **argv) {
        uint64_t *sent_usec;
        size_t depth;
        int r;

        if (argc != 3) {
                fprintf(stderr, "polkit DEPTH QUESTIONS\n");
                return 2;
        }
        depth = (size_t)atol(argv[1]);
        n_wanted = (size_t)atol(argv[2]);
        sent_usec = calloc(depth, sizeof(*sent_usec));
        check(depth < 1 || n_wanted < depth || !sent_usec ? -EINVAL : 0, "arguments");
        check(sd_bus_open_system(&bus), "the bus");
        read_myself();

        figures_start(&figures, n_wanted);
        for (size_t i = 0; i < depth; i++)
                ask(&sent_usec[i]);
        while (figures.n_done < n_wanted) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                check(r, "the bus");
        }
        figures_print(&figures);

        sd_bus_close_unref(bus);
        peer_done(&myself);
        free(sent_usec);
        return 0;
}
