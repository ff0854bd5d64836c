/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "policy/inbox.h"

/* polkit, as far as it is asked about an approver. */
static struct {
        struct adviser base;
        struct adviser_call call;
        const struct policy_question *question;
        policy_answer_fn *on_answer;
        void *userdata;
        unsigned n_asked, n_cancelled;
} polkit;

static sd_event *event;
static struct policy *approvers;
static struct inbox *inbox;
static cJSON *payload;
static const struct peer asker = { .uid = 999, .pid = 10, .pid_fd = -1 };
static const struct peer person = { .uid = 1000, .pid = 20, .pid_fd = -1 };
static const struct peer other = { .uid = 1001, .pid = 21, .pid_fd = -1 };
static struct policy_question question;

static int ask_polkit(struct adviser *a, const struct policy_question *q,
                      policy_answer_fn *on_answer, void *userdata, struct adviser_call **ret,
                      struct ae_error *error) {
        polkit.n_asked++;
        polkit.question = q;
        polkit.on_answer = on_answer;
        polkit.userdata = userdata;
        polkit.call.adviser = a;
        *ret = &polkit.call;
        return 0;
}

static void cancel_polkit(struct adviser_call *call) {
        polkit.n_cancelled++;
}

static const struct adviser_ops polkit_ops = { "polkit", ask_polkit, cancel_polkit };

static int setup(void **state) {
        static const struct policy_options options = {
                .approval_timeout_usec = 3600 * USEC_PER_SEC,
                .approval_pause_usec = USEC_PER_SEC,
        };

        memset(&polkit, 0, sizeof(polkit));
        polkit.base.ops = &polkit_ops;
        payload = cJSON_Parse("{\"to\":\"a@example.com\"}");
        question = (struct policy_question){
                .peer = &asker,
                .request_id = "r",
                .user_id = "ada",
                .platform = "gmail",
                .action_type = "send_email",
                .account = "default",
                .built_in = true,
                .summary = "Send",
                .digest = "d1",
                .payload = payload,
                .interactive = true,
                .deadline_usec = clock_usec(CLOCK_MONOTONIC) + 60 * USEC_PER_SEC,
        };
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(policy_new(event, &options, &approvers), 0);
        policy_add_adviser(approvers, &polkit.base);
        assert_int_equal(inbox_new(event, approvers, &inbox), 0);
        return 0;
}

static int teardown(void **state) {
        inbox = inbox_free(inbox);
        approvers = policy_free(approvers);
        event = sd_event_unref(event);
        cJSON_Delete(payload);
        return 0;
}

static void run_idle(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

/* What who asked is told. */
struct outcome {
        unsigned n;
        enum policy_decision decision;
        enum ae_code code;
        uid_t approver;
};

static void on_answer(const struct policy_answer *answer, void *userdata) {
        struct outcome *o = userdata;

        o->n++;
        o->decision = answer->decision;
        o->code = answer->error ? answer->error->code : AE_NONE;
        o->approver = answer->approver;
        assert_string_equal(answer->by, "person");
}

static struct adviser_call *ask(struct outcome *o) {
        struct adviser *a = inbox_messenger(inbox);
        struct ae_error error = { 0 };
        struct adviser_call *call;

        memset(o, 0, sizeof(*o));
        assert_int_equal(a->ops->ask(a, &question, on_answer, o, &call, &error), 0);
        return call;
}

static void withdraw(struct adviser_call *call) {
        call->adviser->ops->cancel(call);
}

/* What who answers is told: AE_NONE that it counts. */
struct verdict {
        struct inbox_decision *decision;
        unsigned n;
        enum ae_code code;
        char by[32];
};

static void on_done(const struct ae_error *error, void *userdata) {
        struct verdict *v = userdata;
        const char *by = error ? json_string(error->details, "by") : NULL;

        v->n++;
        v->code = error ? error->code : AE_NONE;
        snprintf(v->by, sizeof(v->by), "%s", by ? by : "");
}

static void decide(bool approve, const struct peer *peer, struct verdict *v) {
        const struct inbox_approver by = {
                .peer = peer,
                .interactive = true,
                .deadline_usec = UINT64_MAX,
        };

        memset(v, 0, sizeof(*v));
        assert_int_equal(inbox_decide(inbox, inbox_next(inbox, NULL), approve, &by, on_done, v,
                                      &v->decision),
                         0);
        assert_int_equal(v->n, 0);
}

static void say(enum policy_decision what, enum ae_code why) {
        struct ae_error error = { 0 };
        const struct policy_answer answer = {
                .decision = what,
                .by = "polkit",
                .error = why == AE_NONE ? NULL : &error,
                .approver = (uid_t)-1,
        };

        if (why != AE_NONE)
                (void)ae_error_set(&error, why, "because");
        polkit.on_answer(&answer, polkit.userdata);
        ae_error_done(&error);
        run_idle();
}

static void assert_verdict(const struct verdict *v, enum ae_code code) {
        assert_int_equal(v->n, 1);
        assert_int_equal(v->code, code);
}

static void test_an_approval_and_a_denial(void **state) {
        struct outcome o;
        struct verdict v;

        for (unsigned approve = 0; approve < 2; approve++) {
                ask(&o);
                decide(approve, &person, &v);
                assert_int_equal(o.n, 0); /* polkit has not said that it is him */
                say(POLICY_YES, AE_NONE);
                assert_verdict(&v, AE_NONE);
                assert_int_equal(o.n, 1);
                assert_int_equal(o.decision, approve ? POLICY_YES : POLICY_NO);
                assert_int_equal(o.code, approve ? AE_NONE : AE_APPROVAL_DENIED);
                assert_int_equal(o.approver, person.uid);
                assert_null(inbox_next(inbox, NULL));
        }
}

/* polkit decides about who answers, by the same facts, under another name. */
static void test_what_polkit_is_asked(void **state) {
        const struct policy_fact fact = { "recipients", "a@example.com" };
        struct adviser_call *call;
        struct outcome o;
        struct verdict v;

        question.facts = &fact;
        question.n_facts = 1;
        call = ask(&o);
        decide(true, &person, &v);
        assert_true(polkit.question->approves);
        assert_ptr_equal(polkit.question->peer, &person);
        assert_string_equal(polkit.question->digest, "d1");
        assert_string_equal(polkit.question->user_id, "ada");
        assert_string_equal(polkit.question->request_id, "r");
        assert_ptr_equal(polkit.question->facts, &fact);
        assert_false(question.approves);
        inbox_decision_cancel(v.decision);
        assert_int_equal(polkit.n_cancelled, 1);
        withdraw(call);
        assert_int_equal(o.n, 0);
}

/* Who may not answer changes nothing: the question stands. */
static void test_a_no_to_the_approver(void **state) {
        static const struct {
                enum ae_code said, told;
                const char *by;
        } cases[] = {
                { AE_FORBIDDEN, AE_FORBIDDEN, "polkit" },
                { AE_APPROVAL_DENIED, AE_FORBIDDEN, "polkit" },
                { AE_APPROVAL_TIMEOUT, AE_APPROVAL_TIMEOUT, "" },
                { AE_POLICY_UNAVAILABLE, AE_POLICY_UNAVAILABLE, "" },
        };
        struct adviser_call *call;
        struct outcome o;
        struct verdict v;

        call = ask(&o);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                decide(true, &person, &v);
                say(POLICY_NO, cases[i].said);
                assert_verdict(&v, cases[i].told);
                assert_string_equal(v.by, cases[i].by);
                assert_int_equal(o.n, 0);
        }
        decide(true, &person, &v);
        say(POLICY_ASK, AE_NONE); /* and this chain has nobody who could */
        assert_verdict(&v, AE_APPROVAL_REQUIRED);
        assert_non_null(inbox_next(inbox, NULL));
        withdraw(call);
}

/* D6: whoever is about to answer hears that it is over, and polkit is not left asking. */
static void test_withdrawn_while_somebody_answers(void **state) {
        struct adviser_call *call;
        struct outcome o;
        struct verdict v;

        call = ask(&o);
        decide(true, &person, &v);
        withdraw(call);
        assert_int_equal(polkit.n_cancelled, 1);
        assert_int_equal(v.n, 0); /* never from within */
        run_idle();
        assert_verdict(&v, AE_INVALID_STATE);
        assert_int_equal(o.n, 0);

        /* The same, and he goes away before he hears it. */
        call = ask(&o);
        decide(true, &person, &v);
        withdraw(call);
        inbox_decision_cancel(v.decision);
        run_idle();
        assert_int_equal(v.n, 0);
}

/* The first counts, whatever it says. */
static void test_two_answer_at_once(void **state) {
        struct verdict first, second;
        struct outcome o;

        ask(&o);
        decide(true, &person, &first);
        decide(false, &other, &second);
        say(POLICY_YES, AE_NONE);
        assert_verdict(&second, AE_NONE);
        assert_verdict(&first, AE_INVALID_STATE);
        assert_int_equal(polkit.n_cancelled, 1);
        assert_int_equal(o.n, 1);
        assert_int_equal(o.decision, POLICY_NO);
        assert_int_equal(o.approver, other.uid);
}

static void test_the_order_and_the_ids(void **state) {
        const struct inbox_item *item = NULL;
        struct adviser_call *calls[3];
        struct outcome o[3];
        char ids[3][UUID_SIZE];

        for (size_t i = 0; i < 3; i++) {
                calls[i] = ask(&o[i]);
                item = inbox_next(inbox, item);
                assert_int_equal(item->payload_size, strlen("{\"to\":\"a@example.com\"}"));
                assert_true(item->expires_usec >= item->created_usec);
                strcpy(ids[i], item->id);
                assert_ptr_equal(inbox_find(inbox, ids[i]), item);
        }
        assert_null(inbox_next(inbox, item));
        withdraw(calls[1]);
        assert_null(inbox_find(inbox, ids[1]));
        assert_string_equal(inbox_next(inbox, inbox_next(inbox, NULL))->id, ids[2]);
        withdraw(calls[0]);
        withdraw(calls[2]);
        assert_null(inbox_find(inbox, ""));
}

static int ask_quietly(struct outcome *o, struct adviser_call **ret) {
        struct adviser *a = inbox_messenger(inbox);
        struct ae_error error = { 0 };
        int r = a->ops->ask(a, &question, on_answer, o, ret, &error);

        assert_int_equal(error.code, r < 0 ? AE_OVERLOADED : AE_NONE);
        return r;
}

static void test_so_many_and_no_more(void **state) {
        static struct adviser_call *calls[INBOX_MAX_ITEMS + 1];
        struct outcome o;

        for (size_t i = 0; i < INBOX_MAX_ITEMS; i++)
                assert_int_equal(ask_quietly(&o, &calls[i]), 0);
        assert_true(ask_quietly(&o, &calls[INBOX_MAX_ITEMS]) < 0);
        withdraw(calls[7]);
        assert_int_equal(ask_quietly(&o, &calls[7]), 0);
        for (size_t i = 0; i < INBOX_MAX_ITEMS; i++)
                withdraw(calls[i]);
}

static void test_so_much_and_no_more(void **state) {
        static const char around[] = "{\"b\":\"\"}";
        size_t size = INBOX_MAX_BYTES - strlen(around);
        char *text = malloc(size + 2);
        cJSON *small = payload, *large;
        struct adviser_call *call, *none;
        struct outcome o;

        memset(text, 'a', size + 1);
        text[size + 1] = 0;
        for (unsigned over = 0; over < 2; over++) {
                text[size + over] = 0;
                large = cJSON_CreateObject();
                cJSON_AddStringToObject(large, "b", text);
                text[size + over] = 'a';
                question.payload = large;
                assert_int_equal(ask_quietly(&o, &call) < 0, over);
                if (!over) {
                        question.payload = small;
                        assert_true(ask_quietly(&o, &none) < 0);
                        withdraw(call);
                }
                cJSON_Delete(large);
        }
        free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_a_no_to_the_approver),  TEST(test_an_approval_and_a_denial),
                TEST(test_so_many_and_no_more),   TEST(test_so_much_and_no_more),
                TEST(test_the_order_and_the_ids), TEST(test_two_answer_at_once),
                TEST(test_what_polkit_is_asked),  TEST(test_withdrawn_while_somebody_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
