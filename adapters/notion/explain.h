/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the actions do, for a person and for rules. `data_source_id`, `database_id` and `page_id` are
 * told in Notion's own spelling of a UUID, however the payload spells it.
 */

#include "action/adapter.h"

int create_task_explain(const struct cJSON *payload, struct adapter_explanation *ret);
int query_tasks_explain(const struct cJSON *payload, struct adapter_explanation *ret);
int update_task_explain(const struct cJSON *payload, struct adapter_explanation *ret);
