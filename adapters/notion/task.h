/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The fields of a task, and which property of a data source each belongs to. Users name their
 * properties as they like: a field goes to the one that `properties` of the payload names, else to
 * one with a usual name, and in either case only to one of a fitting type.
 */

#include <cjson/cJSON.h>

#include "action/adapter.h"

struct buffer;

/* What a schema cannot say of the fields: adds a finding for each fault. */
void task_check(const cJSON *payload, struct ae_error *error);

/*
 * Finds the property of each field that the payload sets. `properties` is the data source's,
 * *targets an object that takes {field: {name, type}}. `marked` asks for the marker as well: a text
 * property called "Action ID", where there is one. Adds a finding for each field without a fitting
 * property, and for a status that the data source does not have. Returns 0 or -ENOMEM.
 */
int task_resolve(const cJSON *payload, bool marked, const cJSON *properties, cJSON *targets,
                 struct ae_error *error);

/* Writes Notion's `properties`. `targets` is what task_resolve() made. */
void task_write(const cJSON *payload, const char *action_id, const cJSON *targets,
                struct buffer *to);

/*
 * Writes the fields that a page has, each as `,"field":value`. `properties` are the page's,
 * `names` the payload's own names for them, or NULL.
 */
void task_read(const cJSON *properties, const cJSON *names, struct buffer *to);
