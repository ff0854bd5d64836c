/* SPDX-License-Identifier: MIT */
#include "notion/source.h"

#include <errno.h>

#include "base/json.h"
#include "common/quote.h"
#include "notion/answer.h"
#include "notion/request.h"
#include "notion/task.h"

#define LIST_MAX 300

void source_check(const cJSON *payload, struct ae_error *error) {
        bool source = json_member(payload, "data_source_id");
        bool database = json_member(payload, "database_id");

        if (source && database)
                ae_error_add(error, "/database_id", "is one too many: data_source_id is there");
        if (!source && !database)
                ae_error_add(error, "/data_source_id", "is required, or database_id instead");
}

const char *source_id(const struct adapter_input *input) {
        const char *id = json_string(input->payload, "data_source_id");

        return id ? id : json_string(input->notes, "data_source_id");
}

const cJSON *source_targets(const struct adapter_input *input) {
        return json_member(input->notes, "targets");
}

int source_ask_database(const struct adapter_input *input, struct http_request *ret,
                        struct ae_error *error) {
        return notion_get(input, "databases", json_string(input->payload, "database_id"), ret,
                          error);
}

int source_ask_properties(const struct adapter_input *input, struct http_request *ret,
                          struct ae_error *error) {
        return notion_get(input, "data_sources", source_id(input), ret, error);
}

int source_note_id(const struct adapter_input *input, const char *id, struct ae_error *error) {
        if (!cJSON_AddStringToObject(input->notes, "data_source_id", id))
                return ae_error_from_errno(error, -ENOMEM);
        return ADAPTER_CONTINUE;
}

static int tell_several(const cJSON *sources, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer list = { 0 };
        const cJSON *source;

        cJSON_ArrayForEach (source, sources) {
                const char *id = json_string(source, "id"), *name = json_string(source, "name");

                if (!notion_is_id(id) || list.size > LIST_MAX)
                        continue;
                buffer_printf(&list, "%s%s", list.size > 0 ? ", " : "", id);
                if (name && !quote_may_hold_secret(name))
                        buffer_printf(&list, " '%.60s'", name);
        }
        buffer_puts(&list, "");
        if (buffer_error(&list) < 0)
                return ae_error_from_errno(error, -ENOMEM);

        ae_error_add(error, "/database_id",
                     "holds %d data sources: give one as data_source_id instead: %s",
                     cJSON_GetArraySize(sources), list.data);
        return ae_error_set(error, AE_INVALID_PAYLOAD,
                            "the database holds more than one data source");
}

int source_take_database(const struct adapter_input *input, const struct http_response *response,
                         struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        const cJSON *sources;
        const char *id;
        int r;

        r = notion_answer(input, response, /* repeatable= */ true, &body, error);
        if (r < 0)
                return r;

        sources = json_member(body, "data_sources");
        if (cJSON_GetArraySize(sources) > 1)
                return tell_several(sources, error);
        id = json_string(cJSON_GetArrayItem(sources, 0), "id");
        if (!notion_is_id(id))
                return notion_unclear(response, "the database's data source", error);
        return source_note_id(input, id, error);
}

int source_take_properties(const struct adapter_input *input, const struct http_response *response,
                           bool marked, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL, *targets = cJSON_CreateObject();
        const cJSON *properties;
        int r;

        r = notion_answer(input, response, /* repeatable= */ true, &body, error);
        if (r < 0)
                return r;
        properties = json_member(body, "properties");
        if (!cJSON_IsObject(properties))
                return notion_unclear(response, "the data source's properties", error);

        r = targets ? task_resolve(input->payload, marked, properties, targets, error) : -ENOMEM;
        if (r < 0)
                return ae_error_from_errno(error, r);
        if (ae_error_count(error) > 0)
                return ae_error_set(error, AE_INVALID_PAYLOAD,
                                    "the payload does not fit the data source's properties");
        if (!cJSON_AddItemToObject(input->notes, "targets", targets))
                return ae_error_from_errno(error, -ENOMEM);
        (void)TAKE_PTR(targets);
        return ADAPTER_CONTINUE;
}
