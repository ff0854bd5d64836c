/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The way to a data source, before anything is written there: a database is asked for the one it
 * holds, and the data source for its properties. What they say goes into the notes.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "action/adapter.h"

/* The payload names exactly one of data_source_id and database_id, or there is a finding. */
void source_check(const cJSON *payload, struct ae_error *error);

/* The data source's id, from the payload or the notes; NULL: its database is to be asked first. */
const char *source_id(const struct adapter_input *input);

int source_ask_database(const struct adapter_input *input, struct http_request *ret,
                        struct ae_error *error);
int source_ask_properties(const struct adapter_input *input, struct http_request *ret,
                          struct ae_error *error);

/* Notes a data source's id. Returns ADAPTER_CONTINUE, or a negative errno with `error` filled. */
int source_note_id(const struct adapter_input *input, const char *id, struct ae_error *error);

/* Take the answers. They return ADAPTER_CONTINUE, or a negative errno with `error` filled. */
int source_take_database(const struct adapter_input *input, const struct http_response *response,
                         struct ae_error *error);
int source_take_properties(const struct adapter_input *input, const struct http_response *response,
                           bool marked, struct ae_error *error);

/* Where each field goes, as task_write() wants it; NULL: the properties are to be asked for. */
const cJSON *source_targets(const struct adapter_input *input);
