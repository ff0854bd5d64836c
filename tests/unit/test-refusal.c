/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/cleanup.h"
#include "common/refusal.h"
#include "http/http.h"

static void test_whose_words(void **state) {
        static const struct {
                const char *advice, *upstream_message, *message;
        } cases[] = {
                { NULL, "", "Aviary refused the request with status 418" },
                { NULL, "no tea", "Aviary refused the request: 'no tea'" },
                { "make coffee", "", "Aviary answered 418: make coffee" },
                { "make coffee", "no tea", "Aviary answered 418: make coffee" },
        };
        const struct http_response response = { .status = 418 };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };

                strcpy(error.upstream_message, cases[i].upstream_message);
                assert_int_equal(refusal_tell(&response, "Aviary", AE_UPSTREAM_REJECTED,
                                              cases[i].advice, &error),
                                 ae_code_errno(AE_UPSTREAM_REJECTED));
                assert_int_equal(error.code, AE_UPSTREAM_REJECTED);
                assert_int_equal(error.upstream_status, 418);
                assert_string_equal(error.message, cases[i].message);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whose_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
