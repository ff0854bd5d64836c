/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/polkit.h"

#define FAILED "org.freedesktop.PolicyKit1.Error.Failed"

/* An authority at the other end of a pair: what it was asked, and what it is to say. */
static sd_event *event;
static sd_bus *server;
static struct polkit *polkit;
static unsigned n_opened, n_questions, n_cancelled;
static bool cannot_open;
static sd_bus_message *held; /* a question that is not answered yet */
static struct {
        char kind[32], action_id[128], cancellation_id[64], summary[64], recipients[64];
        uint32_t pid, flags;
        uint64_t start_time;
        int32_t uid;
        unsigned n_details;
} asked;

static struct peer peer;
static struct policy_question question;
static const struct policy_fact facts[] = { { "recipients", "a@b.c" } };

static unsigned n_answers;
static enum policy_decision decision;
static enum ae_code code;

static int read_subject(sd_bus_message *m) {
        const char *kind, *name;

        assert_true(sd_bus_message_enter_container(m, 'r', "sa{sv}") > 0);
        assert_true(sd_bus_message_read(m, "s", &kind) > 0);
        snprintf(asked.kind, sizeof(asked.kind), "%s", kind);
        assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(m, "s", &name) > 0);
                if (strcmp(name, "pid") == 0)
                        assert_true(sd_bus_message_read(m, "v", "u", &asked.pid) > 0);
                else if (strcmp(name, "start-time") == 0)
                        assert_true(sd_bus_message_read(m, "v", "t", &asked.start_time) > 0);
                else if (strcmp(name, "uid") == 0)
                        assert_true(sd_bus_message_read(m, "v", "i", &asked.uid) > 0);
                else
                        assert_true(sd_bus_message_skip(m, "v") > 0);
                assert_true(sd_bus_message_exit_container(m) >= 0);
        }
        assert_true(sd_bus_message_exit_container(m) >= 0);
        return sd_bus_message_exit_container(m);
}

static void read_details(sd_bus_message *m) {
        const char *name, *value;

        asked.n_details = 0;
        assert_true(sd_bus_message_enter_container(m, 'a', "{ss}") > 0);
        while (sd_bus_message_read(m, "{ss}", &name, &value) > 0) {
                asked.n_details++;
                if (strcmp(name, "summary") == 0)
                        snprintf(asked.summary, sizeof(asked.summary), "%s", value);
                if (strcmp(name, "recipients") == 0)
                        snprintf(asked.recipients, sizeof(asked.recipients), "%s", value);
        }
        assert_true(sd_bus_message_exit_container(m) >= 0);
}

static int on_check(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *id, *cancellation_id;

        n_questions++;
        assert_true(read_subject(m) >= 0);
        assert_true(sd_bus_message_read(m, "s", &id) > 0);
        snprintf(asked.action_id, sizeof(asked.action_id), "%s", id);
        read_details(m);
        assert_true(sd_bus_message_read(m, "us", &asked.flags, &cancellation_id) > 0);
        snprintf(asked.cancellation_id, sizeof(asked.cancellation_id), "%s", cancellation_id);
        sd_bus_message_unref(held);
        held = sd_bus_message_ref(m);
        return 1;
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *id;

        assert_true(sd_bus_message_read(m, "s", &id) > 0);
        assert_string_equal(id, asked.cancellation_id);
        n_cancelled++;
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("CancelCheckAuthorization", "s", NULL, on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void stop_server(void) {
        held = sd_bus_message_unref(held);
        server = sd_bus_close_unref(server);
}

static int open_pair(void *userdata, sd_bus **ret) {
        int pair[2];

        n_opened++;
        if (cannot_open)
                return -ECONNREFUSED;
        stop_server();
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                         0);
        assert_true(sd_bus_new(&server) >= 0);
        assert_true(sd_bus_set_fd(server, pair[0], pair[0]) >= 0);
        assert_true(sd_bus_set_server(server, true,
                                      SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 10, 11, 12, 13, 14,
                                                    15, 16, 17, 20)) >= 0);
        assert_true(sd_bus_negotiate_fds(server, true) >= 0);
        assert_true(sd_bus_add_object_vtable(server, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                             "org.freedesktop.PolicyKit1.Authority", vtable,
                                             NULL) >= 0);
        assert_true(sd_bus_start(server) >= 0);
        assert_true(sd_bus_attach_event(server, event, 0) >= 0);

        assert_true(sd_bus_new(ret) >= 0);
        assert_true(sd_bus_set_fd(*ret, pair[1], pair[1]) >= 0);
        assert_true(sd_bus_negotiate_fds(*ret, true) >= 0);
        return sd_bus_start(*ret);
}

static int setup(void **state) {
        int pair[2];

        n_opened = n_questions = n_cancelled = n_answers = 0;
        cannot_open = false;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(peer_read(pair[0], &peer), 0);
        close(pair[0]);
        close(pair[1]);
        peer.uid = 4242; /* not that of any process here: what is stated must be this */
        question = (struct policy_question){
                .peer = &peer,
                .request_id = "r",
                .user_id = "u",
                .platform = "google_calendar",
                .action_type = "create_event",
                .account = "default",
                .built_in = true,
                .summary = "Do it\n",
                .digest = "d",
                .facts = facts,
                .n_facts = 1,
        };
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(polkit_new(event, 10 * USEC_PER_SEC, open_pair, NULL, &polkit), 0);
        return 0;
}

static int teardown(void **state) {
        polkit = polkit_free(polkit);
        stop_server();
        event = sd_event_unref(event);
        peer_done(&peer);
        return 0;
}

static void on_answer(const struct policy_answer *answer, void *userdata) {
        n_answers++;
        decision = answer->decision;
        code = answer->error ? answer->error->code : AE_NONE;
}

static int try(struct adviser *a, struct adviser_call **ret) {
        struct ae_error error = { 0 };
        int r;

        r = a->ops->ask(a, &question, on_answer, NULL, ret, &error);
        if (r < 0) {
                decision = POLICY_NO;
                code = error.code;
        }
        ae_error_done(&error);
        return r;
}

static void run_until(const unsigned *n, unsigned wanted) {
        while (*n < wanted)
                assert_true(sd_event_run(event, 20 * USEC_PER_SEC) > 0);
}

/* Asks, and comes back when the authority has got the question. */
static struct adviser_call *ask(struct adviser *a) {
        struct adviser_call *call = NULL;

        assert_int_equal(try(a, &call), 0);
        run_until(&n_questions, n_questions + 1);
        assert_int_equal(n_answers, 0);
        return call;
}

static void assert_answer(enum policy_decision expected, enum ae_code expected_code) {
        run_until(&n_answers, 1);
        n_answers = 0;
        assert_int_equal(decision, expected);
        assert_int_equal(code, expected_code);
}

static void reply(int authorized, int challenge) {
        assert_true(sd_bus_reply_method_return(held, "(bba{ss})", authorized, challenge, 0) >= 0);
}

static void reply_with(int authorized, int challenge, const char *name) {
        assert_true(sd_bus_reply_method_return(held, "(bba{ss})", authorized, challenge, 2, "a",
                                               "b", name, "1") >= 0);
}

/* One approval would let out whatever else the same process asks for. */
static void test_what_is_kept_is_not_taken(void **state) {
        static const struct {
                int authorized, challenge;
                const char *name;
                enum policy_decision decision;
                enum ae_code code;
        } cases[] = {
                { true, false, "polkit.temporary_authorization_id", POLICY_NO, AE_FORBIDDEN },
                { false, true, "polkit.retains_authorization_after_challenge", POLICY_NO,
                  AE_FORBIDDEN },
                { true, false, "polkit.dismissed", POLICY_YES, AE_NONE },
                { false, true, "polkit.temporary", POLICY_ASK, AE_NONE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ask(polkit_rules(polkit));
                reply_with(cases[i].authorized, cases[i].challenge, cases[i].name);
                assert_answer(cases[i].decision, cases[i].code);
        }
}

static void test_what_is_asked(void **state) {
        ask(polkit_rules(polkit));
        assert_string_equal(asked.kind, "unix-process");
        assert_int_equal(asked.pid, getpid());
        assert_int_equal(asked.start_time, peer.start_time);
        assert_string_equal(asked.action_id,
                            "io.puraifi.ActionEngine.google-calendar.create-event");
        assert_string_equal(asked.summary, "Do it?");
        assert_string_equal(asked.recipients, "a@b.c");
        assert_int_equal(asked.n_details, 9);
        reply(true, false);
        assert_answer(POLICY_YES, AE_NONE);

        question.built_in = false;
        ask(polkit_rules(polkit));
        assert_string_equal(asked.action_id, "io.puraifi.ActionEngine.perform");
        reply(true, false);
        assert_answer(POLICY_YES, AE_NONE);
        assert_int_equal(n_opened, 1);
}

/*
 * The authority believes us. Any other uid than the kernel's word at accept would be decided for
 * somebody else: root's is always yes, and -1 is whatever the process has made itself meanwhile.
 */
static void test_the_uid_is_the_connections(void **state) {
        static const struct {
                uid_t uid;
                bool is_asked;
        } cases[] = {
                { 4242, true },
                { 0, true },
                { INT32_MAX, true },
                { 65534, false },
                { 65533, true },
                { 65535, true },
                { UINT32_MAX, false },
                { UINT32_MAX - 1, false },
                { (uid_t)INT32_MAX + 1, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct adviser_call *call = NULL;

                peer.uid = cases[i].uid;
                peer.gid = 7;
                if (!cases[i].is_asked) {
                        assert_true(try(polkit_rules(polkit), &call) < 0);
                        assert_int_equal(code, AE_FORBIDDEN);
                        assert_true(try(polkit_agent(polkit), &call) < 0);
                        assert_int_equal(code, AE_FORBIDDEN);
                        continue;
                }
                ask(polkit_rules(polkit));
                assert_int_equal(asked.uid, cases[i].uid);
                reply(false, false);
                assert_answer(POLICY_NO, AE_FORBIDDEN);
        }
}

/* B1, B6: nobody is asked about a process that is not the one that connected. */
static void test_a_process_that_is_gone(void **state) {
        struct adviser_call *call = NULL;
        struct peer real = peer;

        peer.start_time++;
        assert_true(try(polkit_rules(polkit), &call) < 0);
        assert_int_equal(code, AE_FORBIDDEN);
        peer.start_time = 0;
        assert_true(try(polkit_rules(polkit), &call) < 0);
        assert_int_equal(code, AE_FORBIDDEN);
        peer = real;
        peer.pid = 0;
        assert_true(try(polkit_rules(polkit), &call) < 0);
        assert_int_equal(code, AE_FORBIDDEN);
        assert_int_equal(n_questions, 0);
        peer = real;

        /* And when it goes while the question stands. */
        ask(polkit_rules(polkit));
        peer.start_time++;
        assert_true(sd_bus_reply_method_errorf(held, FAILED, "has been replaced") >= 0);
        assert_answer(POLICY_NO, AE_FORBIDDEN);
}

static void test_every_answer(void **state) {
        static const struct {
                int authorized, challenge;
                enum policy_decision rules, agent;
                enum ae_code rules_code, agent_code;
        } cases[] = {
                { 1, 0, POLICY_YES, POLICY_YES, AE_NONE, AE_NONE },
                { 1, 1, POLICY_YES, POLICY_YES, AE_NONE, AE_NONE },
                { 0, 1, POLICY_ASK, POLICY_ASK, AE_NONE, AE_NONE },
                { 0, 0, POLICY_NO, POLICY_NO, AE_FORBIDDEN, AE_APPROVAL_DENIED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ask(polkit_rules(polkit));
                assert_int_equal(asked.flags, 0);
                reply(cases[i].authorized, cases[i].challenge);
                assert_answer(cases[i].rules, cases[i].rules_code);

                ask(polkit_agent(polkit));
                assert_int_equal(asked.flags, 1);
                reply(cases[i].authorized, cases[i].challenge);
                assert_answer(cases[i].agent, cases[i].agent_code);
        }
}

static void test_every_error_is_a_no(void **state) {
        static const char *const names[] = {
                FAILED,
                "org.freedesktop.PolicyKit1.Error.NotAuthorized",
                "org.freedesktop.PolicyKit1.Error.Cancelled",
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_NO_REPLY,
                SD_BUS_ERROR_ACCESS_DENIED,
                "org.freedesktop.systemd1.UnitMasked",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                ask(polkit_rules(polkit));
                assert_true(sd_bus_reply_method_errorf(held, names[i], "so") >= 0);
                assert_answer(POLICY_NO, AE_POLICY_UNAVAILABLE);
        }
        assert_int_equal(n_opened, 1);
}

static void test_the_bus_dies_and_comes_back(void **state) {
        struct adviser_call *call = NULL;
        uint64_t begin_usec;
        int n;

        ask(polkit_rules(polkit));
        reply(true, false);
        assert_answer(POLICY_YES, AE_NONE);

        ask(polkit_rules(polkit));
        stop_server();
        assert_answer(POLICY_NO, AE_POLICY_UNAVAILABLE);

        /* After an answer the next attempt may come at once, after a failure a moment later. */
        cannot_open = true;
        begin_usec = clock_usec(CLOCK_MONOTONIC);
        assert_true(try(polkit_rules(polkit), &call) < 0);
        assert_int_equal(code, AE_POLICY_UNAVAILABLE);
        assert_int_equal(n_opened, 2);
        assert_true(try(polkit_rules(polkit), &call) < 0);
        assert_int_equal(code, AE_POLICY_UNAVAILABLE);
        n = n_opened;
        if (clock_usec(CLOCK_MONOTONIC) - begin_usec < 100 * USEC_PER_MSEC) /* else it was later */
                assert_int_equal(n, 2);

        cannot_open = false;
        while (try(polkit_rules(polkit), &call) < 0)
                (void)sd_event_run(event, 10 * USEC_PER_MSEC);
        assert_int_equal(n_opened, n + 1);
        run_until(&n_questions, n_questions + 1);
        reply(true, false);
        assert_answer(POLICY_YES, AE_NONE);
}

/* An agent shows the question until it is taken away. */
static void test_cancelled(void **state) {
        struct adviser_call *call = ask(polkit_agent(polkit));

        call->adviser->ops->cancel(call);
        run_until(&n_cancelled, 1);
        reply(true, false); /* too late */
        ask(polkit_rules(polkit));
        reply(false, false);
        assert_answer(POLICY_NO, AE_FORBIDDEN);
}

static void test_no_answer(void **state) {
        polkit_free(polkit);
        assert_int_equal(polkit_new(event, USEC_PER_MSEC, open_pair, NULL, &polkit), 0);
        assert_int_equal(try(polkit_rules(polkit), &(struct adviser_call *){ NULL }), 0);
        assert_answer(POLICY_NO, AE_POLICY_UNAVAILABLE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_a_process_that_is_gone),
                TEST(test_cancelled),
                TEST(test_every_answer),
                TEST(test_every_error_is_a_no),
                TEST(test_no_answer),
                TEST(test_the_bus_dies_and_comes_back),
                TEST(test_the_uid_is_the_connections),
                TEST(test_what_is_asked),
                TEST(test_what_is_kept_is_not_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
