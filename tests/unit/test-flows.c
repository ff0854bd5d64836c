/* SPDX-License-Identifier: MIT */
/*
 * Who may bring back a provider's answer, and how often.
 */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "engine/flows.h"

#define NOW (1000 * USEC_PER_SEC)

static const struct flow_owner ada = { 1000, "ada", "ada", "gmail", "default" };

static int set_up(void **state) {
        struct flows *all;

        assert_int_equal(flows_new(&all), 0);
        *state = all;
        return 0;
}

static int tear_down(void **state) {
        flows_free(*state);
        return 0;
}

static struct flow *make(const struct flow_owner *owner, uint64_t ends_usec) {
        struct flow *f;

        assert_int_equal(flow_new(owner, "google", "a b", &f), 0);
        assert_int_equal(strlen(f->state), OAUTH_STATE_SIZE - 1);
        f->ends_usec = ends_usec;
        return f;
}

/* Puts one in, and tells its state. */
static const char *put(struct flows *all, const struct flow_owner *owner, bool is_link) {
        static char states[8][OAUTH_STATE_SIZE];
        static unsigned n;
        struct flow *f = make(owner, NOW + FLOW_LIFE_USEC);
        char *text = states[n++ % 8];

        f->is_link = is_link;
        strcpy(text, f->state);
        assert_int_equal(flows_put(all, f, NOW), 0);
        return text;
}

static bool take(struct flows *all, const char *state, uid_t uid, const char *subject,
                 uint64_t now_usec) {
        _cleanup_(flow_freep) struct flow *f = flows_take(all, state, uid, subject, now_usec);

        assert_true(!f || strcmp(f->state, state) == 0);
        return f != NULL;
}

static void test_used_once(void **state) {
        struct flows *all = *state;
        const char *text = put(all, &ada, false);

        assert_true(take(all, text, 1000, "ada", NOW));
        assert_false(take(all, text, 1000, "ada", NOW));
        assert_int_equal(flows_size(all), 0);
}

/* Others learn nothing by trying, and spoil nothing. */
static void test_for_who_began_it(void **state) {
        static const struct {
                uid_t uid;
                const char *subject;
        } others[] = {
                { 1001, "ada" }, { 0, "ada" }, { 1000, "eve" }, { 1000, "" }, { 1000, "ada " }
        };
        struct flows *all = *state;
        const char *text = put(all, &ada, false);

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(take(all, text, others[i].uid, others[i].subject, NOW));
        assert_true(take(all, text, 1000, "ada", NOW));
}

static void test_a_state_that_is_not_quite_it(void **state) {
        struct flows *all = *state;
        const char *text = put(all, &ada, false);
        char other[2 * OAUTH_STATE_SIZE];

        for (size_t i = 0; i < OAUTH_STATE_SIZE - 1; i++) {
                strcpy(other, text);
                other[i] = other[i] == 'A' ? 'B' : 'A';
                assert_false(take(all, other, 1000, "ada", NOW));
                other[i] = 0;
                assert_false(take(all, other, 1000, "ada", NOW));
        }
        snprintf(other, sizeof(other), "%sA", text);
        assert_false(take(all, other, 1000, "ada", NOW));
        assert_false(take(all, "", 1000, "ada", NOW));
        assert_true(take(all, text, 1000, "ada", NOW));
}

static void test_it_ends(void **state) {
        struct flows *all = *state;
        const char *text = put(all, &ada, false);

        assert_false(take(all, text, 1000, "ada", NOW + FLOW_LIFE_USEC));
        assert_int_equal(flows_size(all), 0);
        text = put(all, &ada, false);
        assert_true(take(all, text, 1000, "ada", NOW + FLOW_LIFE_USEC - 1));
}

static void test_a_uid_has_its_share(void **state) {
        static const struct flow_owner other = { 1001, "ada", "ada", "gmail", "default" };
        struct flows *all = *state;
        const char *others = put(all, &other, false), *first = put(all, &ada, false), *second;

        second = put(all, &ada, false);
        for (unsigned i = 2; i < FLOWS_MAX_PER_UID; i++)
                assert_int_equal(flows_put(all, make(&ada, NOW + FLOW_LIFE_USEC), NOW), 0);
        assert_int_equal(flows_size(all), FLOWS_MAX_PER_UID + 1);

        /* One more, and its own oldest goes; nobody else's. */
        assert_int_equal(flows_put(all, make(&ada, NOW + FLOW_LIFE_USEC), NOW), 0);
        assert_int_equal(flows_size(all), FLOWS_MAX_PER_UID + 1);
        assert_false(take(all, first, 1000, "ada", NOW));
        assert_true(take(all, second, 1000, "ada", NOW));
        assert_true(take(all, others, 1001, "ada", NOW));
}

/* One program acts for many users, and fails for each: a login that a person is at outlives that. */
static void test_links_give_way_first(void **state) {
        struct flow_owner owner = ada;
        struct flows *all = *state;
        char asked[OAUTH_STATE_SIZE], user_id[8];
        const char *link = NULL;

        strcpy(asked, put(all, &ada, false));
        owner.user_id = user_id;
        for (unsigned i = 0; i < 2 * FLOWS_MAX_PER_UID; i++) {
                snprintf(user_id, sizeof(user_id), "u%u", i);
                link = put(all, &owner, true);
        }
        assert_int_equal(flows_size(all), FLOWS_MAX_PER_UID);
        assert_true(take(all, link, 1000, "ada", NOW));
        assert_true(take(all, asked, 1000, "ada", NOW));
}

static void test_all_have_a_limit(void **state) {
        struct flow_owner owner = ada;
        struct flows *all = *state;
        char text[OAUTH_STATE_SIZE];
        struct flow *f;

        for (unsigned i = 0; i < FLOWS_MAX; i++) {
                owner.uid = 2000 + i / FLOWS_MAX_PER_UID;
                assert_int_equal(flows_put(all, make(&owner, NOW + FLOW_LIFE_USEC + i), NOW), 0);
        }
        owner.uid = 1;
        f = make(&owner, NOW + 2 * FLOW_LIFE_USEC);
        assert_int_equal(flows_put(all, f, NOW), -EDQUOT);
        /* Who has some may go on with fewer. */
        owner.uid = 2000;
        assert_int_equal(flows_put(all, make(&owner, NOW + FLOW_LIFE_USEC), NOW), 0);
        assert_int_equal(flows_size(all), FLOWS_MAX);
        /* What has ended makes room. */
        strcpy(text, f->state);
        assert_int_equal(flows_put(all, f, NOW + FLOW_LIFE_USEC), 0);
        assert_true(take(all, text, 1, "ada", NOW + FLOW_LIFE_USEC));
}

/* An action that is repeated a thousand times takes one place, and a person's login stays. */
static void test_links(void **state) {
        static const struct flow_owner others[] = {
                { 1001, "ada", "ada", "gmail", "default" },
                { 1000, "eve", "ada", "gmail", "default" },
                { 1000, "ada", "eve", "gmail", "default" },
                { 1000, "ada", "ada", "notion", "default" },
                { 1000, "ada", "ada", "gmail", "work" },
        };
        struct flows *all = *state;
        const char *asked = put(all, &ada, false), *link;
        const struct flow *found;

        assert_null(flows_find_link(all, &ada, NOW));
        (void)put(all, &ada, true);
        link = put(all, &ada, true);
        assert_int_equal(flows_size(all), 2);
        found = flows_find_link(all, &ada, NOW);
        assert_non_null(found);
        assert_string_equal(found->state, link);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_null(flows_find_link(all, &others[i], NOW));

        /* Who opens it late needs the time to answer. */
        assert_non_null(flows_find_link(all, &ada, NOW + FLOW_LIFE_USEC / 2 - 1));
        assert_null(flows_find_link(all, &ada, NOW + FLOW_LIFE_USEC / 2));
        assert_true(take(all, asked, 1000, "ada", NOW));
        assert_true(take(all, link, 1000, "ada", NOW));
        assert_null(flows_find_link(all, &ada, NOW));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_used_once),
                TEST(test_for_who_began_it),
                TEST(test_a_state_that_is_not_quite_it),
                TEST(test_it_ends),
                TEST(test_a_uid_has_its_share),
                TEST(test_links_give_way_first),
                TEST(test_all_have_a_limit),
                TEST(test_links),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
