/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "actionctl/outcome.h"
#include "actionctl/page.h"

/* "name=value,value;…" */
static void print_facts(const struct outcome *o, char *ret, size_t size) {
        *ret = 0;
        for (size_t i = 0; i < o->n_facts; i++)
                for (size_t j = 0; j < o->facts[i].n_values; j++)
                        snprintf(ret + strlen(ret), size - strlen(ret), "%s%s%s",
                                 j > 0   ? ","
                                 : i > 0 ? ";"
                                         : "",
                                 j > 0 ? "" : o->facts[i].name, o->facts[i].values[j]);
}

#define SUCCESS(result) "{\"status\":\"success\",\"result\":" result "}"
#define FAILURE "{\"status\":\"error\",\"error\":{\"message\":\"why\"}}"

/* clang-format off */
static void test_what_came_of_it(void **state) {
        static const struct {
                const char *response;
                bool refused, expired;
                enum outcome_kind kind;
                const char *facts; /* behind the platform */
        } cases[] = {
                { SUCCESS("{}"), false, false, OUTCOME_CONNECTED, "" },
                { SUCCESS("{\"identity\":\"i\"}"), false, false, OUTCOME_CONNECTED,
                  ";Connected asi" },
                { SUCCESS("{\"scopes\":[\"a\",\"b\"]}"), false, false, OUTCOME_CONNECTED,
                  ";Granteda,b" },
                { SUCCESS("{\"scopes\":[\"a\"],\"missing_scopes\":[]}"), false, false,
                  OUTCOME_CONNECTED, ";Granteda" },
                { SUCCESS("{\"scopes\":[\"a\"],\"missing_scopes\":[\"b\",\"c\"]}"), false, false,
                  OUTCOME_PARTLY, ";Granteda;Not grantedb,c" },
                { SUCCESS("{\"missing_scopes\":[\"b\"]}"), false, false, OUTCOME_PARTLY,
                  ";Not grantedb" },
                { SUCCESS("{\"scopes\":[1,{},\"\"],\"identity\":1,\"missing_scopes\":\"a\"}"),
                  false, false, OUTCOME_CONNECTED, "" },
                { SUCCESS("[]"), true, true, OUTCOME_CONNECTED, "" },
                { FAILURE, false, false, OUTCOME_FAILED, "" },
                { FAILURE, true, false, OUTCOME_REFUSED, "" },
                { FAILURE, false, true, OUTCOME_EXPIRED, "" },
                { FAILURE, true, true, OUTCOME_REFUSED, "" },
                { "{}", false, false, OUTCOME_FAILED, "" },
                { "{\"status\":1}", false, false, OUTCOME_FAILED, "" },
                { "null", false, false, OUTCOME_FAILED, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(outcome_done) struct outcome o = { 0 };
                _cleanup_(json_freep) cJSON *response = NULL;
                char facts[256];

                assert_int_equal(json_parse(cases[i].response, strlen(cases[i].response), &response,
                                            NULL), 0);
                outcome_read(&(struct outcome_of){ .platform = "p",
                                                   .refused = cases[i].refused,
                                                   .expired = cases[i].expired,
                                                   .response = response }, &o);
                assert_int_equal(o.kind, cases[i].kind);
                print_facts(&o, facts, sizeof(facts));
                assert_memory_equal(facts, "Platformp", 9);
                assert_string_equal(facts + 9, cases[i].facts);
                if (o.kind == OUTCOME_FAILED && strcmp(cases[i].response, FAILURE) == 0)
                        assert_string_equal(outcome_text(&o), "why");
        }
}
/* clang-format on */

static void test_no_answer(void **state) {
        _cleanup_(outcome_done) struct outcome o = { 0 };

        outcome_read(&(struct outcome_of){ .platform = "p", .account = "work" }, &o);
        assert_int_equal(o.kind, OUTCOME_FAILED);
        assert_non_null(outcome_text(&o));
        assert_int_equal(o.n_facts, 2);
}

static void test_a_list_has_a_limit(void **state) {
        _cleanup_(outcome_done) struct outcome o = { 0 };
        _cleanup_(json_freep) cJSON *response = NULL;
        _cleanup_(buffer_done) struct buffer text = { 0 };

        buffer_puts(&text, "{\"status\":\"success\",\"result\":{\"scopes\":[\"s\"");
        for (int i = 0; i < OUTCOME_MAX_VALUES; i++)
                buffer_printf(&text, ",\"s%d\"", i);
        buffer_puts(&text, "]}}");
        assert_int_equal(json_parse(text.data, text.size, &response, NULL), 0);
        outcome_read(&(struct outcome_of){ .platform = "p", .response = response }, &o);
        assert_int_equal(o.facts[1].n_values, OUTCOME_MAX_VALUES);
}

/* Text that comes from a platform is text. */
static void test_all_that_is_foreign_is_escaped(void **state) {
        static const char evil[] = "<script>\"&'</script>\r\n\x1b[1m\u202e\u2066\xc2\x85";
        static const char safe[] = "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;???[1m???";
        struct outcome o = {
                .kind = OUTCOME_FAILED,
                .text = (char *)evil,
                .facts = { { .name = evil, .values = { (char *)evil }, .n_values = 1 },
                           { .name = "list",
                             .is_list = true,
                             .values = { (char *)evil, (char *)"b" },
                             .n_values = 2 } },
                .n_facts = 2,
        };
        _cleanup_(buffer_done) struct buffer page = { 0 };
        const char *at;
        unsigned n = 0;

        page_render(&o, &page);
        assert_int_equal(buffer_error(&page), 0);
        assert_null(strstr(page.data, "<script"));
        assert_null(strpbrk(page.data, "\r\x1b"));
        for (at = page.data; (at = strstr(at, safe)); at += strlen(safe))
                n++;
        assert_int_equal(n, 4);
        assert_non_null(strstr(page.data, "<li><code>b</code></li></ul></dd>"));
}

/* Each kind has its page, whole and without a slot left. */
static void test_every_kind_has_a_page(void **state) {
        for (unsigned kind = 0; kind < OUTCOME_N_KINDS; kind++) {
                const struct outcome o = { .kind = (enum outcome_kind)kind };
                _cleanup_(buffer_done) struct buffer page = { 0 };

                page_render(&o, &page);
                assert_int_equal(strncmp(page.data, "<!doctype html>\n", 16), 0);
                assert_non_null(strstr(page.data, "</html>\n"));
                assert_non_null(strstr(page.data, outcome_title(&o)));
                assert_non_null(strstr(page.data, outcome_next(&o)));
                assert_null(strstr(page.data, "{{"));
                assert_null(strstr(page.data, "<dl>"));
        }
        assert_null(strpbrk(page_security_policy(), "\r\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_came_of_it),
                cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_a_list_has_a_limit),
                cmocka_unit_test(test_all_that_is_foreign_is_escaped),
                cmocka_unit_test(test_every_kind_has_a_page),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
