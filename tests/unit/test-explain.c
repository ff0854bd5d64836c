/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "action/adapter.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json.h"

static const struct adapter_action *find(const char *platform, const char *action_type) {
        for (const struct adapter *const *a = adapters; *a; a++)
                for (size_t i = 0; i < (*a)->n_actions; i++)
                        if (strcmp((*a)->platform, platform) == 0 &&
                            strcmp((*a)->actions[i].action_type, action_type) == 0)
                                return &(*a)->actions[i];
        fail_msg("there is no %s.%s", platform, action_type);
        return NULL;
}

/* As lines: the sentence, then NAME=VALUE of each fact. */
static char *explain(const char *platform, const char *action_type, const char *payload) {
        const struct adapter_action *t = find(platform, action_type);
        struct adapter_explanation e = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;
        struct buffer text = { 0 };
        char *ret;

        if (json_parse(payload, strlen(payload), &json, NULL) < 0)
                fail_msg("the test's own JSON is bad: %s", payload);
        assert_non_null(t->explain);
        assert_int_equal(t->explain(json, &e), 0);
        buffer_puts(&text, e.summary.data);
        buffer_done(&e.summary);
        for (size_t i = 0; i < e.n_facts; i++) {
                buffer_printf(&text, "\n%s=%s", e.facts[i].name,
                              e.facts[i].value.data ? e.facts[i].value.data : "");
                buffer_done(&e.facts[i].value);
        }
        assert_int_equal(buffer_take(&text, &ret, NULL), 0);
        return ret;
}

#define ID "1a44be12-0953-4631-b498-9e5817518db8"

/* clang-format off */
static const struct {
        const char *platform, *action_type, *payload, *expected;
} cases[] = {
        { "gmail", "send_email",
          "{\"to\":\"user@example.com\",\"subject\":\"Hello!\",\"body\":\"How are you?\"}",
          "Send an e-mail to user@example.com, subject 'Hello!'\n"
          "recipients=user@example.com\nrecipient_domains=example.com" },
        { "smtp", "send_email",
          "{\"to\":\"Ada <ada@example.com>\",\"body\":\"\"}",
          "Send an e-mail to ada@example.com, without a subject\n"
          "recipients=ada@example.com\nrecipient_domains=example.com" },
        /* Nobody is left out, wherever he stands; a domain is told once, in one spelling. */
        { "gmail", "send_email",
          "{\"to\":[\"a@EXAMPLE.com\",\"b@example.com\"],\"cc\":\"c@b\\u00fccher.example\","
          "\"bcc\":[\"\\u00fc@b\\u00fccher.example\",\"e@x.org\",\"f@y.org\",\"g@z.org\"],"
          "\"subject\":\"\",\"thread_id\":\"18c\"}",
          "Send a reply by e-mail to a@example.com, b@example.com, c@xn--bcher-kva.example, "
          "ü@bücher.example, e@x.org and 2 others, without a subject\n"
          "recipients=a@example.com b@example.com c@xn--bcher-kva.example ü@bücher.example e@x.org "
          "f@y.org g@z.org\n"
          "recipient_domains=example.com xn--bcher-kva.example x.org y.org z.org" },
        /* Foreign text stays within its quotes, and on its line. */
        { "gmail", "send_email",
          "{\"to\":\"a@b.c\",\"subject\":\"x', with 0 attachments \\u202e \\u200b\","
          "\"attachments\":[{\"filename\":\"f\",\"content_base64\":\"\"}]}",
          "Send an e-mail to a@b.c, subject 'x’, with 0 attachments ? ?', with 1 attachment\n"
          "recipients=a@b.c\nrecipient_domains=b.c" },
        { "gmail", "create_draft", "{\"subject\":\"Later\"}",
          "Draft an e-mail to nobody yet, subject 'Later'\nrecipients=\nrecipient_domains=" },
        /* Whom it reaches is not known yet: a rule must not take that for nobody. */
        { "gmail", "reply", "{\"message_id\":\"18c2\",\"body\":\"Thanks\"}",
          "Answer the e-mail '18c2', to its sender\nmessage_id=18c2\nreply_all=no" },
        { "gmail", "reply",
          "{\"message_id\":\"18c2\",\"reply_all\":true,\"attachments\":[{},{}]}",
          "Answer the e-mail '18c2', to everybody who got it, with 2 attachments\n"
          "message_id=18c2\nreply_all=yes" },
        { "google_calendar", "create_event",
          "{\"title\":\"Lunch\",\"start\":\"2025-07-25T12:00:00Z\","
          "\"end\":{\"date_time\":\"2025-07-25T13:00:00\",\"time_zone\":\"Europe/Berlin\"}}",
          "Create the event 'Lunch' in the calendar 'primary', from 2025-07-25T12:00:00Z, until "
          "2025-07-25T13:00:00\ncalendar_id=primary\nsend_updates=none" },
        { "google_calendar", "create_event",
          "{\"title\":\"T\",\"start\":{\"date\":\"2025-07-25\"},\"end\":\"2025-07-26\","
          "\"calendar_id\":\"team@example.com\",\"recurrence\":[\"RRULE:FREQ=DAILY\"],"
          "\"attendees\":[\"ada@Example.com\",{\"email\":\"eve@evil.example\"}],"
          "\"send_updates\":\"all\"}",
          "Create the event 'T' in the calendar 'team@example.com', from 2025-07-25, until "
          "2025-07-26, recurring, inviting ada@Example.com, eve@evil.example, and telling all "
          "guests by e-mail\n"
          "calendar_id=team@example.com\nattendees=ada@Example.com eve@evil.example\n"
          "attendee_domains=example.com evil.example\nsend_updates=all" },
        { "google_calendar", "update_event",
          "{\"event_id\":\"abcde\",\"title\":\"New\",\"attendees\":[]}",
          "Change the event 'abcde' in the calendar 'primary', title 'New', inviting nobody\n"
          "event_id=abcde\ncalendar_id=primary\nattendees=\nattendee_domains=\nsend_updates=none" },
        { "google_calendar", "delete_event",
          "{\"event_id\":\"abcde\",\"send_updates\":\"external_only\"}",
          "Delete the event 'abcde' from the calendar 'primary', and telling guests without Google "
          "Calendar by e-mail\nevent_id=abcde\ncalendar_id=primary\nsend_updates=external_only" },
        { "google_calendar", "list_events", "{}",
          "Read events of the calendar 'primary'\ncalendar_id=primary" },
        { "notion", "create_task",
          "{\"title\":\"Write report\",\"data_source_id\":\"" ID "\"}",
          "Create the task 'Write report' in the data source " ID "\ndata_source_id=" ID },
        /* An id has one spelling. */
        { "notion", "query_tasks", "{\"database_id\":\"1A44BE1209534631B4989E5817518DB8\"}",
          "Read tasks of the database " ID "\ndatabase_id=" ID },
        { "notion", "update_task",
          "{\"page_id\":\"" ID "\",\"status\":\"Done\",\"title\":\"x\",\"in_trash\":true}",
          "Change the task " ID ", title 'x', status 'Done', into the trash\npage_id=" ID },
        { "notion", "update_task", "{\"page_id\":\"" ID "\",\"due\":null}",
          "Change the task " ID "\npage_id=" ID },
        { "zapier", "trigger_zap", "{\"data\":{}}", "Trigger a Zap with no data" },
        { "zapier", "trigger_zap",
          "{\"data\":{\"a\":1,\"b'\":2,\"c\":3,\"d\":4,\"\":5,\"f\":6,\"g\":7}}",
          "Trigger a Zap with 'a', 'b’', 'c', 'd', '' and 2 more" },
};
/* clang-format on */

static void test_sentences_and_facts(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *text =
                                explain(cases[i].platform, cases[i].action_type, cases[i].payload);

                assert_string_equal(text, cases[i].expected);
        }
}

/* A person reads a sentence for each, and a rule can tell them apart. */
static void test_every_action_explains_itself(void **state) {
        for (const struct adapter *const *a = adapters; *a; a++)
                for (size_t i = 0; i < (*a)->n_actions; i++) {
                        bool tried = false;

                        assert_non_null((*a)->actions[i].explain);
                        for (size_t k = 0; k < ELEMENTSOF(cases); k++)
                                tried |= strcmp(cases[k].platform, (*a)->platform) == 0 &&
                                         strcmp(cases[k].action_type,
                                                (*a)->actions[i].action_type) == 0;
                        assert_true(tried);
                }
}

/* A subject may be cut; the list of those whom it reaches may not. */
static void test_only_the_sentence_is_cut(void **state) {
        _cleanup_(buffer_done) struct buffer payload = { 0 };
        _cleanup_(freep) char *text = NULL;
        const char *facts;
        size_t n = 0;

        buffer_puts(&payload, "{\"subject\":\"");
        for (int i = 0; i < 101; i++)
                buffer_puts(&payload, "ü");
        buffer_puts(&payload, "\",\"to\":[\"r0@example.com\"");
        for (int i = 1; i < 500; i++)
                buffer_printf(&payload, ",\"r%d@example.com\"", i);
        buffer_puts(&payload, "]}");
        text = explain("gmail", "send_email", payload.data);

        facts = strchr(text, '\n');
        assert_non_null(strstr(text, " and 495 others, subject 'üü"));
        assert_non_null(strstr(text, "üü…'\n"));
        assert_in_range(facts - text, 1, 500);
        for (const char *p = facts; (p = strchr(p, '@')); p++)
                n++;
        assert_int_equal(n, 500);
        assert_non_null(strstr(facts, " r499@example.com\nrecipient_domains=example.com"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_action_explains_itself),
                cmocka_unit_test(test_only_the_sentence_is_cut),
                cmocka_unit_test(test_sentences_and_facts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
