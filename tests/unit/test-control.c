/* SPDX-License-Identifier: MIT */
/*
 * Engine Control asked and told, with one that does what the test says.
 */
#include "test.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "http-fixture.h"
#include "policy/adviser.h"
#include "policy/control-log.h"
#include "policy/control.h"

#define YES "{\"allowed\":true,\"required_scopes\":[\"a\"],\"platform_status\":\"active\"}"
#define NO "{\"allowed\":false,\"required_scopes\":[],\"platform_status\":\"active\"}"

#define ACTION "{\"engine_id\":\"engine-1\",\"platform\":\"gmail\",\"action_type\":\"send_email\"}"

/* What the threads that serve look at. */
static atomic_int event_status;
static atomic_bool hangs, allows;

static void answer(struct upstream_request *q, int status, const char *body) {
        char text[512];

        snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status,
                 strlen(body), body);
        upstream_puts(q, text);
}

static bool serve(struct upstream_request *q) {
        char body[1024] = "";

        if (hangs) {
                upstream_hang(q);
                return false;
        }
        upstream_read_body(q, body, sizeof(body));
        if (!strstr(q->head, "X-Engine-ID: engine-1\r\n") ||
            !strstr(q->head, "X-Engine-Key: key-1\r\n") || strncmp(q->head, "POST ", 5) != 0)
                answer(q, 401, "");
        else if (strcmp(q->path, "/base/actions/check") == 0)
                answer(q, strncmp(body, ACTION, strlen(ACTION)) == 0 ? 200 : 400,
                       allows ? YES : NO);
        else
                answer(q, strcmp(q->path, "/base/log/engine_event") == 0 ? event_status : 404, "");
        return true;
}

struct rig {
        struct fixture fixture;
        struct control *control;
        struct control_call *call; /* NULL when it is over */
        enum policy_decision decision;
        enum ae_code code;
        int n_scopes;
};

static void rig_init(struct rig *g) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        const char *const plain[] = { g->fixture.address, NULL };
        char url[64];
        struct control_options options = {
                .url = url,
                .engine_id = "engine-1",
                .timeout_usec = 60 * USEC_PER_SEC,
                .plain = plain,
                .user_agent = "test/1",
        };

        *g = (struct rig){ 0 };
        hangs = false;
        allows = true;
        event_status = 204;
        fixture_init(&g->fixture, serve, NULL);
        snprintf(url, sizeof(url), "http://%s/base/", g->fixture.address);
        assert_int_equal(secret_new("key-1", 5, &key), 0);
        options.key = key;
        assert_int_equal(control_new(g->fixture.poller, &options, &g->control), 0);
}

static void rig_done(struct rig *g) {
        control_free(g->control);
        fixture_done(&g->fixture);
}

static void on_answer(const struct policy_answer *a, void *userdata) {
        struct rig *g = userdata;

        assert_non_null(g->call); /* so it never comes from within, and once */
        g->call = NULL;
        g->decision = a->decision;
        g->code = a->error ? a->error->code : AE_NONE;
        g->n_scopes = cJSON_GetArraySize(a->required_scopes);
        assert_string_equal(a->by, "engine_control");
}

static const struct policy_question question = { .platform = "gmail", .action_type = "send_email" };

static void turn(struct rig *g) {
        assert_true(sd_event_run(g->fixture.event, UINT64_MAX) >= 0);
}

static void ask(struct rig *g) {
        struct control_call *call;

        assert_int_equal(control_check(g->control, &question, on_answer, g, &call), 0);
        g->call = call;
}

static void ask_and_wait(struct rig *g) {
        ask(g);
        while (g->call)
                turn(g);
}

static struct control_health health_of(const struct rig *g) {
        struct control_health h;

        control_tell_health(g->control, &h);
        return h;
}

static void test_yes_and_no(void **state) {
        struct rig g;

        rig_init(&g);
        assert_int_equal(health_of(&g).state, CONTROL_NOT_ASKED);
        ask_and_wait(&g);
        assert_int_equal(g.decision, POLICY_YES);
        assert_int_equal(g.code, AE_NONE);
        assert_int_equal(g.n_scopes, 1);

        allows = false;
        ask_and_wait(&g);
        assert_int_equal(g.decision, POLICY_NO);
        assert_int_equal(g.code, AE_FORBIDDEN);
        assert_int_equal(g.n_scopes, 0);
        assert_int_equal(health_of(&g).state, CONTROL_OK);
        assert_null(health_of(&g).message);
        rig_done(&g);
}

static void test_who_cannot_be_asked_says_no(void **state) {
        struct rig g;

        rig_init(&g);
        g.fixture.upstream = upstream_free(g.fixture.upstream);
        ask_and_wait(&g);
        assert_int_equal(g.decision, POLICY_NO);
        assert_int_equal(g.code, AE_POLICY_UNAVAILABLE);
        assert_int_equal(health_of(&g).state, CONTROL_UNAVAILABLE);
        assert_non_null(health_of(&g).message);
        rig_done(&g);
}

/* By the chain's table, before anything was sent and while it waits. */
static void test_a_question_is_withdrawn(void **state) {
        struct adviser_call *call;
        struct adviser *adviser;
        struct rig g;

        rig_init(&g);
        hangs = true;
        adviser = control_adviser(g.control);
        for (int n = 0; n <= 1; n++) {
                struct ae_error error = { 0 };

                assert_int_equal(
                                adviser->ops->ask(adviser, &question, on_answer, &g, &call, &error),
                                0);
                assert_ptr_equal(call->adviser, adviser);
                while (upstream_requests(g.fixture.upstream) < n)
                        assert_true(sd_event_run(g.fixture.event, 1000) >= 0);
                adviser->ops->cancel(call);
        }
        assert_int_equal(health_of(&g).state, CONTROL_NOT_ASKED);
        rig_done(&g);
}

static void report(struct rig *g, size_t n) {
        const struct control_event event = {
                .request_id = "r",
                .user_id = "u1",
                .platform = "gmail",
                .action_type = "send_email",
        };

        for (size_t i = 0; i < n; i++)
                control_report(g->control, &event);
}

static void flush(struct rig *g) {
        control_flush(g->control);
        while (control_is_busy(g->control))
                turn(g);
}

#define MORE 10

/* While none is taken as many wait as may, and those beyond are lost. */
static void test_events_have_a_limit(void **state) {
        struct rig g;

        rig_init(&g);
        event_status = 503;
        report(&g, CONTROL_LOG_MAX_WAITING + MORE);
        while (control_is_busy(g.control))
                turn(&g);
        assert_int_equal(health_of(&g).n_waiting, CONTROL_LOG_MAX_WAITING);
        assert_int_equal(health_of(&g).n_lost, MORE);

        event_status = 204;
        flush(&g);
        assert_int_equal(health_of(&g).n_waiting, 0);
        assert_int_equal(health_of(&g).n_lost, MORE);
        rig_done(&g);
}

static void test_what_becomes_of_events(void **state) {
        static const struct {
                int status;
                bool waits;
                unsigned long long n_lost;
        } cases[] = {
                { 200, false, 0 }, { 204, false, 0 }, { 299, false, 0 }, { 300, true, 0 },
                { 400, false, 1 }, { 401, true, 0 },  { 403, true, 0 },  { 404, true, 0 },
                { 413, false, 1 }, { 422, false, 1 }, { 429, true, 0 },  { 500, true, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct rig g;

                rig_init(&g);
                event_status = cases[i].status;
                report(&g, 1);
                while (control_is_busy(g.control))
                        turn(&g);
                if (health_of(&g).n_waiting != cases[i].waits ||
                    health_of(&g).n_lost != cases[i].n_lost)
                        fail_msg("%d", cases[i].status);

                flush(&g); /* what waits has one more chance */
                assert_int_equal(health_of(&g).n_waiting, 0);
                assert_int_equal(health_of(&g).n_lost, cases[i].n_lost + cases[i].waits);
                rig_done(&g);
        }
}

static void test_an_end_while_events_are_sent(void **state) {
        struct rig g;

        rig_init(&g);
        hangs = true;
        report(&g, MORE);
        while (upstream_requests(g.fixture.upstream) == 0)
                assert_true(sd_event_run(g.fixture.event, 1000) >= 0);
        assert_true(control_is_busy(g.control));
        rig_done(&g);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_yes_and_no),
                cmocka_unit_test(test_who_cannot_be_asked_says_no),
                cmocka_unit_test(test_a_question_is_withdrawn),
                cmocka_unit_test(test_events_have_a_limit),
                cmocka_unit_test(test_what_becomes_of_events),
                cmocka_unit_test(test_an_end_while_events_are_sent),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
