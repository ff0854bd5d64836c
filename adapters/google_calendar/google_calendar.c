/* SPDX-License-Identifier: MIT */
/*
 * Google Calendar, as a table.
 */
#include "action/adapter.h"
#include "base/cleanup.h"
#include "google/identify.h"
#include "google_calendar-schemas.h"
#include "google_calendar/actions.h"

extern const struct adapter google_calendar_adapter;

#define SCOPE(name) "https://www.googleapis.com/auth/" name

static const char *const write_scopes[] = {
        SCOPE("calendar.events"),
        SCOPE("calendar.events.owned"),
        SCOPE("calendar.app.created"),
        SCOPE("calendar"),
        NULL,
};

/* First the one that the other actions want as well, so that a login asks for no second one. */
static const char *const read_scopes[] = {
        SCOPE("calendar.events"),
        SCOPE("calendar.events.readonly"),
        SCOPE("calendar.events.owned.readonly"),
        SCOPE("calendar.readonly"),
        SCOPE("calendar.events.owned"),
        SCOPE("calendar.app.created"),
        SCOPE("calendar"),
        NULL,
};

static const struct adapter_action actions[] = {
        {
                        .action_type = "create_event",
                        .title = "Create an event",
                        .description = "Creates an event in a calendar, of a time or "
                                       "of whole days, and invites people to it.",
                        .payload_schema = schema_create_event_payload,
                        .result_schema = schema_create_event_result,
                        .oauth_scopes = write_scopes,
                        .idempotency = IDEMPOTENCY_RECONCILABLE,
                        .check = create_event_check,
                        .explain = create_event_explain,
                        .build = create_event_build,
                        .interpret = create_event_interpret,
                        .reconcile = &create_event_reconcile,
        },
        {
                        .action_type = "delete_event",
                        .title = "Delete an event",
                        .description = "Deletes an event from a calendar.",
                        .payload_schema = schema_delete_event_payload,
                        .result_schema = schema_delete_event_result,
                        .oauth_scopes = write_scopes,
                        .idempotency = IDEMPOTENCY_IDEMPOTENT,
                        .explain = delete_event_explain,
                        .build = delete_event_build,
                        .interpret = delete_event_interpret,
        },
        {
                        .action_type = "list_events",
                        .title = "List events",
                        .description = "Lists the events of a calendar, within a time "
                                       "or with words in them, a page at a time.",
                        .payload_schema = schema_list_events_payload,
                        .result_schema = schema_list_events_result,
                        .oauth_scopes = read_scopes,
                        .idempotency = IDEMPOTENCY_READ,
                        .check = list_events_check,
                        .explain = list_events_explain,
                        .build = list_events_build,
                        .interpret = list_events_interpret,
        },
        {
                        .action_type = "update_event",
                        .title = "Change an event",
                        .description = "Changes those parts of an event that are named, "
                                       "and leaves the others as they are.",
                        .payload_schema = schema_update_event_payload,
                        .result_schema = schema_update_event_result,
                        .oauth_scopes = write_scopes,
                        .idempotency = IDEMPOTENCY_IDEMPOTENT,
                        .check = update_event_check,
                        .explain = update_event_explain,
                        .build = update_event_build,
                        .interpret = update_event_interpret,
        },
};

const struct adapter google_calendar_adapter = {
        .platform = "google_calendar",
        .title = "Google Calendar",
        .base_url = "https://www.googleapis.com",
        .credential_schema = schema_credential,
        .provider = "google",
        .identify = &google_identify,
        .actions = actions,
        .n_actions = ELEMENTSOF(actions),
};
