/* SPDX-License-Identifier: MIT */
/*
 * Notion, as a table.
 */
#include "action/adapter.h"
#include "base/cleanup.h"
#include "notion-schemas.h"
#include "notion/create-task.h"
#include "notion/explain.h"
#include "notion/identify.h"
#include "notion/query-tasks.h"
#include "notion/update-task.h"

extern const struct adapter notion_adapter;

/* Notion has none: what a connection may do is set where it is made. */
static const char *const no_scopes[] = { NULL };

static const struct adapter_action actions[] = {
        {
                        .action_type = "create_task",
                        .title = "Create a task",
                        .description = "Creates a page in a Notion data source, with status, due "
                                       "date, assignee, priority, tags and notes.",
                        .payload_schema = schema_create_task_payload,
                        .result_schema = schema_create_task_result,
                        .oauth_scopes = no_scopes,
                        .idempotency = IDEMPOTENCY_UNREPEATABLE,
                        .check = create_task_check,
                        .explain = create_task_explain,
                        .build = create_task_build,
                        .interpret = create_task_interpret,
        },
        {
                        .action_type = "query_tasks",
                        .title = "Find tasks",
                        .description = "Lists the pages of a Notion data source, filtered and "
                                       "sorted.",
                        .payload_schema = schema_query_tasks_payload,
                        .result_schema = schema_query_tasks_result,
                        .oauth_scopes = no_scopes,
                        .idempotency = IDEMPOTENCY_READ,
                        .check = query_tasks_check,
                        .explain = query_tasks_explain,
                        .build = query_tasks_build,
                        .interpret = query_tasks_interpret,
        },
        {
                        .action_type = "update_task",
                        .title = "Change a task",
                        .description = "Sets fields of a page in a Notion data source, or moves it "
                                       "to the trash and back.",
                        .payload_schema = schema_update_task_payload,
                        .result_schema = schema_update_task_result,
                        .oauth_scopes = no_scopes,
                        .idempotency = IDEMPOTENCY_IDEMPOTENT,
                        .check = update_task_check,
                        .explain = update_task_explain,
                        .build = update_task_build,
                        .interpret = update_task_interpret,
        },
};

const struct adapter notion_adapter = {
        .platform = "notion",
        .title = "Notion",
        .base_url = "https://api.notion.com",
        .credential_schema = schema_credential,
        .provider = "notion",
        .identify = &notion_identify,
        .actions = actions,
        .n_actions = ELEMENTSOF(actions),
};
