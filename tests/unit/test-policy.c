/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "policy/action-id.h"
#include "policy/adviser.h"
#include "policy/details.h"
#include "policy/person.h"
#include "policy/policy.h"

/* One who answers as the test says, when the test says. */
struct fake {
        struct adviser base;
        struct adviser_call call;
        policy_answer_fn *on_answer;
        void *userdata;
        enum ae_code at_once; /* AE_NONE: it waits */
        unsigned n_asked, n_cancelled;
        bool is_open;
};

static sd_event *event;
static struct policy *policy;
static struct fake first, second, agent, inbox;
static const struct peer peer = { .uid = 1000, .gid = 1000, .pid = 1, .pid_fd = -1 };
static struct policy_question question;

/* What came of it. */
static unsigned n_answers;
static enum policy_decision decision;
static char by[32], details_by[32];
static enum ae_code code;
static uint64_t retry_after_msec;
static uid_t approver;

static int fake_ask(struct adviser *a, const struct policy_question *q, policy_answer_fn *on_answer,
                    void *userdata, struct adviser_call **ret, struct ae_error *error) {
        struct fake *f = (struct fake *)a;

        f->n_asked++;
        assert_false(f->is_open);
        assert_ptr_equal(q->peer, &peer);
        if (f->at_once != AE_NONE)
                return ae_error_set(error, f->at_once, "at once");
        f->call.adviser = a;
        f->on_answer = on_answer;
        f->userdata = userdata;
        f->is_open = true;
        *ret = &f->call;
        return 0;
}

static void fake_cancel(struct adviser_call *call) {
        struct fake *f = (struct fake *)call->adviser;

        assert_true(f->is_open);
        f->is_open = false;
        f->n_cancelled++;
}

static const struct adviser_ops first_ops = { "polkit", fake_ask, fake_cancel };
static const struct adviser_ops second_ops = { "engine_control", fake_ask, fake_cancel };
static const struct adviser_ops person_ops = { "person", fake_ask, fake_cancel };

static void say(struct fake *f, enum policy_decision what, enum ae_code why, uid_t who) {
        struct ae_error error = { 0 };
        const struct policy_answer answer = {
                .decision = what,
                .by = f->base.ops->name,
                .error = why == AE_NONE ? NULL : &error,
                .approver = who,
        };

        assert_true(f->is_open);
        f->is_open = false;
        if (why != AE_NONE)
                (void)ae_error_set(&error, why, "because");
        f->on_answer(&answer, f->userdata);
        ae_error_done(&error);
}

static int setup_with(bool with_second, bool with_inbox, uint64_t timeout_usec) {
        const struct policy_options options = {
                .approval_timeout_usec = timeout_usec,
                .approval_pause_usec = USEC_PER_SEC,
        };

        first = (struct fake){ .base.ops = &first_ops };
        second = (struct fake){ .base.ops = &second_ops };
        agent = (struct fake){ .base.ops = &person_ops };
        inbox = (struct fake){ .base.ops = &person_ops };
        question = (struct policy_question){
                .peer = &peer,
                .request_id = "r",
                .user_id = "u",
                .platform = "gmail",
                .action_type = "send_email",
                .account = "default",
                .summary = "s",
                .digest = "d",
                .deadline_usec = UINT64_MAX,
        };
        n_answers = 0;
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(policy_new(event, &options, &policy), 0);
        policy_add_adviser(policy, &first.base);
        if (with_second)
                policy_add_adviser(policy, &second.base);
        policy_add_messenger(policy, &agent.base);
        if (with_inbox)
                policy_add_messenger(policy, &inbox.base);
        return 0;
}

static int setup(void **state) {
        return setup_with(true, true, 3600 * USEC_PER_SEC);
}

static int teardown(void **state) {
        policy = policy_free(policy);
        event = sd_event_unref(event);
        return first.is_open || second.is_open || agent.is_open || inbox.is_open;
}

static void on_answer(const struct policy_answer *answer, void *userdata) {
        const char *name;

        n_answers++;
        decision = answer->decision;
        snprintf(by, sizeof(by), "%s", answer->by);
        code = answer->error ? answer->error->code : AE_NONE;
        retry_after_msec = answer->error ? answer->error->retry_after_msec : 0;
        name = answer->error ? json_string(answer->error->details, "by") : NULL;
        snprintf(details_by, sizeof(details_by), "%s", name ? name : "");
        approver = answer->approver;
}

static struct policy_call *ask(void) {
        struct policy_call *call = NULL;
        unsigned before = n_answers;

        assert_int_equal(policy_ask(policy, &question, on_answer, NULL, &call), 0);
        assert_int_equal(n_answers, before); /* never from within */
        return call;
}

static void run_idle(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

static void assert_answer(enum policy_decision expected, const char *expected_by,
                          enum ae_code expected_code) {
        run_idle();
        assert_int_equal(n_answers, 1);
        n_answers = 0;
        assert_int_equal(decision, expected);
        assert_string_equal(by, expected_by);
        assert_int_equal(code, expected_code);
        if (code != AE_NONE)
                assert_string_equal(details_by, expected_by);
}

static void assert_waiting(void) {
        run_idle();
        assert_int_equal(n_answers, 0);
}

static void test_all_must_say_yes(void **state) {
        ask();
        assert_waiting();
        assert_int_equal(second.n_asked, 0);
        say(&first, POLICY_YES, AE_NONE, (uid_t)-1);
        assert_waiting();
        say(&second, POLICY_YES, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_YES, "engine_control", AE_NONE);
        assert_int_equal(approver, (uid_t)-1);
        assert_int_equal(agent.n_asked, 0);
}

/* Any no is a no, with the name of who said it, and nobody behind it is asked. */
static void test_any_no_is_a_no(void **state) {
        ask();
        say(&first, POLICY_NO, AE_FORBIDDEN, (uid_t)-1);
        assert_answer(POLICY_NO, "polkit", AE_FORBIDDEN);
        assert_int_equal(second.n_asked, 0);

        ask();
        say(&first, POLICY_YES, AE_NONE, (uid_t)-1);
        say(&second, POLICY_NO, AE_FORBIDDEN, (uid_t)-1);
        assert_answer(POLICY_NO, "engine_control", AE_FORBIDDEN);

        /* One that does not say why. */
        ask();
        say(&first, POLICY_NO, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "polkit", AE_FORBIDDEN);
}

static void test_who_cannot_be_asked(void **state) {
        first.at_once = AE_POLICY_UNAVAILABLE;
        ask();
        assert_answer(POLICY_NO, "polkit", AE_POLICY_UNAVAILABLE);
        assert_int_equal(second.n_asked, 0);

        first.at_once = AE_NONE;
        second.at_once = AE_POLICY_UNAVAILABLE;
        ask();
        say(&first, POLICY_YES, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "engine_control", AE_POLICY_UNAVAILABLE);

        /* Not even when a person would have to be asked, or nothing will happen. */
        second.at_once = AE_NONE;
        question.interactive = question.dry_run = true;
        ask();
        say(&first, POLICY_NO, AE_POLICY_UNAVAILABLE, (uid_t)-1);
        assert_answer(POLICY_NO, "polkit", AE_POLICY_UNAVAILABLE);
}

static void test_nobody_is_asked_unasked(void **state) {
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "polkit", AE_APPROVAL_REQUIRED);
        assert_int_equal(agent.n_asked + inbox.n_asked + second.n_asked, 0);
}

static void test_a_dry_run_asks_no_person(void **state) {
        static const struct {
                enum policy_decision first, second, expected;
                const char *by;
        } cases[] = {
                { POLICY_YES, POLICY_YES, POLICY_YES, "engine_control" },
                { POLICY_ASK, POLICY_YES, POLICY_ASK, "polkit" },
                { POLICY_ASK, POLICY_ASK, POLICY_ASK, "engine_control" },
                { POLICY_YES, POLICY_ASK, POLICY_ASK, "engine_control" },
                { POLICY_ASK, POLICY_NO, POLICY_NO, "engine_control" },
        };

        question.dry_run = question.interactive = true;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ask();
                say(&first, cases[i].first, AE_NONE, (uid_t)-1);
                say(&second, cases[i].second, cases[i].second == POLICY_NO ? AE_FORBIDDEN : AE_NONE,
                    (uid_t)-1);
                assert_answer(cases[i].expected, cases[i].by, AE_NONE);
        }
        ask();
        say(&first, POLICY_NO, AE_FORBIDDEN, (uid_t)-1);
        assert_answer(POLICY_NO, "polkit", AE_NONE);
        assert_int_equal(agent.n_asked + inbox.n_asked, 0);
}

/* The question stands in two places, and the first answer counts: the other is taken away. */
static void test_the_first_answer_of_a_person_counts(void **state) {
        struct policy_call *call;

        question.interactive = true;
        call = ask();
        assert_false(policy_call_waits_for_person(call));
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_true(policy_call_waits_for_person(call));
        assert_waiting();
        say(&inbox, POLICY_YES, AE_NONE, 1001);
        assert_int_equal(agent.n_cancelled, 1);
        assert_false(policy_call_waits_for_person(call));
        say(&second, POLICY_YES, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_YES, "person", AE_NONE);
        assert_int_equal(approver, 1001);

        /* One who is not known by his uid let it out all the same. */
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        say(&agent, POLICY_YES, AE_NONE, (uid_t)-1);
        say(&second, POLICY_YES, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_YES, "person", AE_NONE);
        assert_int_equal(approver, (uid_t)-1);

        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        say(&agent, POLICY_NO, AE_APPROVAL_DENIED, (uid_t)-1);
        assert_int_equal(inbox.n_cancelled, 2);
        assert_answer(POLICY_NO, "person", AE_APPROVAL_DENIED);
        assert_int_equal(second.n_asked, 2); /* of the first times */
}

/* An approval is one yes among others. */
static void test_an_approval_is_not_the_last_word(void **state) {
        question.interactive = true;
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        say(&agent, POLICY_YES, AE_NONE, (uid_t)-1);
        say(&second, POLICY_NO, AE_FORBIDDEN, (uid_t)-1);
        assert_answer(POLICY_NO, "engine_control", AE_FORBIDDEN);
}

/* Each adviser may want its own, and a person is not reached by a way that is closed. */
static void test_ways_to_a_person_that_are_closed(void **state) {
        question.interactive = true;
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        say(&agent, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_waiting();
        say(&inbox, POLICY_YES, AE_NONE, 1001);
        say(&second, POLICY_YES, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_YES, "person", AE_NONE);

        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        say(&inbox, POLICY_ASK, AE_NONE, (uid_t)-1);
        say(&agent, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "person", AE_APPROVAL_REQUIRED);

        /* Nobody saw it, so that there is no pause. The bus that broke is not a person's no. */
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        say(&agent, POLICY_NO, AE_POLICY_UNAVAILABLE, (uid_t)-1);
        assert_waiting();
        say(&inbox, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "person", AE_POLICY_UNAVAILABLE);

        agent.at_once = inbox.at_once = AE_POLICY_UNAVAILABLE;
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "person", AE_APPROVAL_REQUIRED);
}

static void test_one_question_at_a_time(void **state) {
        struct policy_call *call;

        question.interactive = true;
        call = ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "person", AE_RATE_LIMITED);
        assert_true(retry_after_msec > 0);

        /* Who withdraws it has asked for nothing, and waits as well. */
        policy_call_cancel(call);
        assert_int_equal(agent.n_cancelled + inbox.n_cancelled, 2);
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_answer(POLICY_NO, "person", AE_RATE_LIMITED);
        assert_in_range(retry_after_msec, 1, 1001);
}

static void test_nobody_answers(void **state) {
        question.interactive = true;
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
        assert_answer(POLICY_NO, "person", AE_APPROVAL_TIMEOUT);
        assert_int_equal(agent.n_cancelled, 1);
}

static int setup_with_timeout(void **state) {
        return setup_with(false, false, USEC_PER_MSEC);
}

static void test_the_deadline_is_before_the_timeout(void **state) {
        question.interactive = true;
        question.deadline_usec = clock_usec(CLOCK_MONOTONIC);
        ask();
        say(&first, POLICY_ASK, AE_NONE, (uid_t)-1);
        assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
        assert_answer(POLICY_NO, "person", AE_APPROVAL_TIMEOUT);
}

static void test_cancelled_at_every_step(void **state) {
        question.interactive = true;
        policy_call_cancel(ask());
        assert_int_equal(first.n_cancelled, 1);

        first.at_once = AE_FORBIDDEN;
        policy_call_cancel(ask()); /* with its answer on the way */
        assert_waiting();
}

static void test_a_pause_grows_and_ends(void **state) {
        struct person_limits l = { .pause_usec = 10 };
        uint64_t now_usec = 1000, wait_usec;

        for (unsigned i = 0; i < 10; i++) {
                uint64_t pause_usec = UINT64_C(10) << (i < 6 ? i : 6);

                assert_int_equal(person_open(&l, 7, now_usec, &wait_usec), 0);
                assert_int_equal(person_open(&l, 7, now_usec, &wait_usec), -EAGAIN);
                person_close(&l, 7, PERSON_REFUSED, now_usec);
                assert_int_equal(person_open(&l, 7, now_usec + pause_usec - 1, &wait_usec),
                                 -EAGAIN);
                assert_int_equal(wait_usec, 1);
                now_usec += pause_usec;
        }
        /* Another uid is another matter. */
        assert_int_equal(person_open(&l, 8, now_usec, &wait_usec), 0);
        person_close(&l, 8, PERSON_NOT_REACHED, now_usec);
        assert_int_equal(person_open(&l, 8, now_usec, &wait_usec), 0);
        person_close(&l, 8, PERSON_APPROVED, now_usec);

        /* A yes makes up for it. */
        assert_int_equal(person_open(&l, 7, now_usec, &wait_usec), 0);
        person_close(&l, 7, PERSON_APPROVED, now_usec);
        assert_int_equal(person_open(&l, 7, now_usec, &wait_usec), 0);
        person_close(&l, 7, PERSON_REFUSED, now_usec);
        assert_int_equal(person_open(&l, 7, now_usec, &wait_usec), -EAGAIN);
        assert_int_equal(wait_usec, 10);
}

/* The limit and one more; what is forgotten makes room. */
static void test_so_many_uids_are_remembered(void **state) {
        struct person_limits l = { .pause_usec = 10 };
        uint64_t wait_usec;

        for (uid_t uid = 0; uid < PERSON_MAX_UIDS; uid++) {
                assert_int_equal(person_open(&l, uid, 1000, &wait_usec), 0);
                person_close(&l, uid, PERSON_REFUSED, 1000);
        }
        assert_int_equal(person_open(&l, 5000, 1000, &wait_usec), -EAGAIN);
        assert_int_equal(person_open(&l, 5000, 1100, &wait_usec), 0);
        assert_int_equal(l.n, PERSON_MAX_UIDS);
        person_close(&l, 5000, PERSON_APPROVED, 1100);
}

static void test_action_ids(void **state) {
        static const struct {
                const char *platform, *action_type, *id;
        } cases[] = {
                { "gmail", "send_email", "io.puraifi.ActionEngine.gmail.send-email" },
                { "google_calendar", "a_b_c", "io.puraifi.ActionEngine.google-calendar.a-b-c" },
                { "x2", "y", "io.puraifi.ActionEngine.x2.y" },
                { "Gmail", "y", NULL },
                { "a.b", "y", NULL },
                { "a-b", "y", NULL },
                { "a", "y z", NULL },
                { "", "y", NULL },
                { "a", "", NULL },
        };
        char id[ACTION_ID_MAX], name[ACTION_ID_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = action_id_write(cases[i].platform, cases[i].action_type, id);

                assert_int_equal(r, cases[i].id ? 0 : -EINVAL);
                if (r == 0)
                        assert_string_equal(id, cases[i].id);
        }
        memset(name, 'a', sizeof(name));
        name[ACTION_ID_MAX - 1 - strlen(ACTION_ID_PREFIX "b.")] = 0;
        assert_int_equal(action_id_write("b", name, id), 0);
        assert_int_equal(strlen(id), ACTION_ID_MAX - 1);
        strcat(name, "a");
        assert_int_equal(action_id_write("b", name, id), -EINVAL);
}

/* D3: what a person reads is what is meant. */
static void test_text_is_cleaned(void **state) {
        static const struct {
                const char *text, *expected;
        } cases[] = {
                { "", "" },
                { "Grüße, 你好 😀 'x' \\ %s", "Grüße, 你好 😀 'x' \\ %s" },
                { "a\nb\rc\td\x1b[2Je\x7f", "a?b?c?d?[2Je?" },
                { "\xc2\x85\xc2\x9b", "??" }, /* C1: next line, CSI */
                { "a\xe2\x80\xae"
                  "b\xe2\x81\xa6"
                  "c",
                  "a?b?c" }, /* bidi override, isolate */
                { "a\xe2\x80\x8b"
                  "b\xef\xbb\xbf"
                  "c",
                  "a?b?c" },                                   /* zero width */
                { "\xe2\x80\xa8\xe2\x80\xa9\xc2\xad", "???" }, /* separators, soft hyphen */
                { "\xf3\xa0\x81\x81", "?" },                   /* tag */
                { "\xff\xc0\xafx\xe2\x80", "???x??" },         /* no UTF-8 */
                { "$(user) $$(x) $ ( $", "?(user) $?(x) $ ( $" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct buffer text = { 0 };

                details_clean(cases[i].text, &text);
                assert_string_equal(text.data ? text.data : "", cases[i].expected);
                buffer_done(&text);
        }
}

static const char *value_of(const struct details *d, const char *name) {
        for (size_t i = 0; i < d->n; i++)
                if (strcmp(d->of[i].name, name) == 0)
                        return d->of[i].value.data;
        return NULL;
}

static int make(const struct policy_fact *facts, size_t n, struct details *ret) {
        struct ae_error error = { 0 };
        int r;

        question.facts = facts;
        question.n_facts = n;
        *ret = (struct details){ 0 };
        r = details_make(&question, ret, &error);
        if (r == ae_code_errno(AE_FORBIDDEN))
                assert_int_equal(error.code, AE_FORBIDDEN);
        return r;
}

static void test_details(void **state) {
        const struct policy_fact facts[] = { { "recipients", "a@b.c d\x01@e.f" },
                                             { "recipient_domains", "" } };
        struct details d;

        assert_int_equal(make(facts, 2, &d), 0);
        assert_int_equal(d.n, 10);
        assert_string_equal(value_of(&d, "platform"), "gmail");
        assert_string_equal(value_of(&d, "action_type"), "send_email");
        assert_string_equal(value_of(&d, "user_id"), "u");
        assert_string_equal(value_of(&d, "digest"), "d");
        assert_string_equal(value_of(&d, "unit"), "");
        assert_string_equal(value_of(&d, "recipients"), "a@b.c d?@e.f");
        assert_string_equal(value_of(&d, "recipient_domains"), "");
        details_done(&d);
}

/* D4: a name that is not in the list, whoever brings it, goes nowhere. */
static void test_details_of_other_names(void **state) {
        static const char *const names[] = { "polkit.message", "platform", "Recipients", "" };
        struct details d;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const struct policy_fact fact = { names[i], "x" };

                assert_int_equal(make(&fact, 1, &d), -EINVAL);
                details_done(&d);
        }
}

static void test_details_are_not_cut(void **state) {
        struct policy_fact facts[POLICY_MAX_FACTS + 1];
        char value[POLICY_MAX_VALUE + 2];
        struct details d;

        for (size_t i = 0; i < ELEMENTSOF(facts); i++)
                facts[i] = (struct policy_fact){ "recipients", value };
        memset(value, 'a', sizeof(value));
        value[POLICY_MAX_VALUE] = 0;
        assert_int_equal(make(facts, POLICY_MAX_FACTS, &d), 0);
        assert_int_equal(strlen(value_of(&d, "recipients")), POLICY_MAX_VALUE);
        details_done(&d);
        assert_int_equal(make(facts, POLICY_MAX_FACTS + 1, &d), -EINVAL);
        details_done(&d);
        value[POLICY_MAX_VALUE] = 'a';
        value[POLICY_MAX_VALUE + 1] = 0;
        assert_int_equal(make(facts, 1, &d), ae_code_errno(AE_FORBIDDEN));
        details_done(&d);
}

#define WITH_POLICY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH_TIMEOUT(test) cmocka_unit_test_setup_teardown(test, setup_with_timeout, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_POLICY(test_a_dry_run_asks_no_person),
                WITH_POLICY(test_all_must_say_yes),
                WITH_POLICY(test_an_approval_is_not_the_last_word),
                WITH_POLICY(test_any_no_is_a_no),
                WITH_POLICY(test_cancelled_at_every_step),
                WITH_POLICY(test_details),
                WITH_POLICY(test_details_are_not_cut),
                WITH_POLICY(test_details_of_other_names),
                WITH_POLICY(test_nobody_is_asked_unasked),
                WITH_POLICY(test_one_question_at_a_time),
                WITH_POLICY(test_the_deadline_is_before_the_timeout),
                WITH_POLICY(test_the_first_answer_of_a_person_counts),
                WITH_POLICY(test_ways_to_a_person_that_are_closed),
                WITH_POLICY(test_who_cannot_be_asked),
                WITH_TIMEOUT(test_nobody_answers),
                cmocka_unit_test(test_a_pause_grows_and_ends),
                cmocka_unit_test(test_action_ids),
                cmocka_unit_test(test_so_many_uids_are_remembered),
                cmocka_unit_test(test_text_is_cleaned),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
