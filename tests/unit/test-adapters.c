/* SPDX-License-Identifier: MIT */
/*
 * What every adapter's table owes: schemas that load, and an example of each payload that its own
 * schema and its own check accept, since it is shown to people as one that works.
 */
#include "test.h"

#include <string.h>

#include "action/adapter.h"
#include "action/schema.h"
#include "base/json.h"

static struct schema *load(const char *what, const char *name, const char *text) {
        char reason[SCHEMA_ERROR_SIZE] = "";
        struct schema *schema = NULL;

        if (schema_new(text, strlen(text), &schema, reason) < 0)
                fail_msg("the %s schema of %s: %s", what, name, reason);
        return schema;
}

static void check_example(const struct adapter_action *a, const struct schema *schema,
                          const cJSON *example) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        schema_validate(schema, example, &error);
        if (ae_error_count(&error) == 0 && a->check)
                assert_int_equal(a->check(example, &error), 0);
        if (ae_error_count(&error) > 0)
                fail_msg("an example of %s: %s %s", a->action_type,
                         json_string(error.errors->child, "path"),
                         json_string(error.errors->child, "message"));
}

static void test_examples_work(void **state) {
        for (const struct adapter *const *p = adapters; *p; p++)
                for (size_t i = 0; i < (*p)->n_actions; i++) {
                        const struct adapter_action *a = &(*p)->actions[i];
                        _cleanup_(schema_freep) struct schema *schema =
                                        load("payload", a->action_type, a->payload_schema);
                        const cJSON *examples = json_member(schema_json(schema), "examples"), *e;

                        if (!cJSON_IsArray(examples) || !examples->child)
                                fail_msg("%s.%s has no example", (*p)->platform, a->action_type);
                        cJSON_ArrayForEach (e, examples)
                                check_example(a, schema, e);
                }
}

static void test_other_schemas_load(void **state) {
        for (const struct adapter *const *p = adapters; *p; p++) {
                schema_free(load("credential", (*p)->platform, (*p)->credential_schema));
                for (size_t i = 0; i < (*p)->n_actions; i++)
                        schema_free(load("result", (*p)->actions[i].action_type,
                                         (*p)->actions[i].result_schema));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_examples_work),
                cmocka_unit_test(test_other_schemas_load),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
