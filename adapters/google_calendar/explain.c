/* SPDX-License-Identifier: MIT */
/*
 * What the actions do, for a person and for rules.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "common/explain.h"
#include "google_calendar/actions.h"

/* Characters of foreign text in the sentence. */
#define MAX_TITLE 100
#define MAX_CALENDAR 80

static const char *string_or(const cJSON *payload, const char *name, const char *otherwise) {
        const char *text = json_string(payload, name);

        return text ? text : otherwise;
}

static void explain_calendar(const cJSON *payload, const char *preposition,
                             struct adapter_explanation *ret) {
        const char *calendar = string_or(payload, "calendar_id", "primary");

        buffer_puts(explain_fact(ret, "calendar_id"), calendar);
        buffer_puts(&ret->summary, preposition);
        explain_quote(&ret->summary, calendar, MAX_CALENDAR);
}

/* A string, or an object that has it under either name. */
static void explain_moment(const cJSON *payload, const char *name, const char *lead,
                           struct adapter_explanation *ret) {
        const cJSON *value = json_member(payload, name);
        const char *text = cJSON_GetStringValue(value);

        if (!text)
                text = string_or(value, "date_time", json_string(value, "date"));
        if (!text)
                return;
        buffer_puts(&ret->summary, lead);
        buffer_puts(&ret->summary, text);
}

/* Whom it reaches: they are told by e-mail, unless send_updates says otherwise. */
static int explain_attendees(const cJSON *payload, struct adapter_explanation *ret) {
        const cJSON *attendees = json_member(payload, "attendees"), *one;
        struct explain_people people;
        int r;

        if (!attendees)
                return 0;
        people = explain_people(ret, "attendees", "attendee_domains");
        buffer_puts(&ret->summary, ", inviting ");
        cJSON_ArrayForEach (one, attendees) {
                const char *email = cJSON_GetStringValue(one);

                r = explain_person(&people, email ? email : string_or(one, "email", ""));
                if (r < 0)
                        return r;
        }
        explain_people_end(&people);
        if (people.n == 0)
                buffer_puts(&ret->summary, "nobody");
        return 0;
}

static void explain_updates(const cJSON *payload, struct adapter_explanation *ret) {
        static const struct {
                const char *name, *words;
        } known[] = {
                { "all", ", and telling all guests by e-mail" },
                { "external_only", ", and telling guests without Google Calendar by e-mail" },
        };
        const char *updates = string_or(payload, "send_updates", "none");

        buffer_puts(explain_fact(ret, "send_updates"), updates);
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strcmp(known[i].name, updates) == 0)
                        buffer_puts(&ret->summary, known[i].words);
}

static void explain_event_id(const cJSON *payload, const char *lead,
                             struct adapter_explanation *ret) {
        const char *id = string_or(payload, "event_id", "");

        buffer_puts(explain_fact(ret, "event_id"), id);
        buffer_puts(&ret->summary, lead);
        explain_quote(&ret->summary, id, MAX_CALENDAR);
}

/* What create_event and update_event have in common. */
static int explain_event(const cJSON *payload, struct adapter_explanation *ret) {
        int r;

        explain_moment(payload, "start", ", from ", ret);
        explain_moment(payload, "end", ", until ", ret);
        if (json_member(payload, "recurrence"))
                buffer_puts(&ret->summary, ", recurring");
        r = explain_attendees(payload, ret);
        if (r < 0)
                return r;
        explain_updates(payload, ret);
        return explain_end(ret);
}

int create_event_explain(const cJSON *payload, struct adapter_explanation *ret) {
        buffer_puts(&ret->summary, "Create the event ");
        explain_quote(&ret->summary, string_or(payload, "title", ""), MAX_TITLE);
        explain_calendar(payload, " in the calendar ", ret);
        return explain_event(payload, ret);
}

int update_event_explain(const cJSON *payload, struct adapter_explanation *ret) {
        const char *title = json_string(payload, "title");

        explain_event_id(payload, "Change the event ", ret);
        explain_calendar(payload, " in the calendar ", ret);
        if (title) {
                buffer_puts(&ret->summary, ", title ");
                explain_quote(&ret->summary, title, MAX_TITLE);
        }
        return explain_event(payload, ret);
}

int delete_event_explain(const cJSON *payload, struct adapter_explanation *ret) {
        explain_event_id(payload, "Delete the event ", ret);
        explain_calendar(payload, " from the calendar ", ret);
        explain_updates(payload, ret);
        return explain_end(ret);
}

int list_events_explain(const cJSON *payload, struct adapter_explanation *ret) {
        explain_calendar(payload, "Read events of the calendar ", ret);
        return explain_end(ret);
}
