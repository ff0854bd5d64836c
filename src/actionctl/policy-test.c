/* SPDX-License-Identifier: MIT */
/*
 * policy test: a table of actions, and what policy should say to each. Every entry becomes a dry
 * run, so that nothing is sent and nobody is asked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/call.h"
#include "actionctl/input.h"
#include "actionctl/output.h"
#include "base/error.h"

#define MAX_FILE ((size_t)16 << 20)

/* An object for each line that is not empty. Returns 0 or an exit code. */
static int read_lines(const char *path, const char *text, cJSON *table) {
        for (unsigned line = 1; *text; line++) {
                size_t size = strcspn(text, "\n");
                cJSON *entry;

                if (strspn(text, " \t\r") < size) {
                        if (json_parse(text, size, &entry, NULL) < 0) {
                                output_error("'%s' is no JSON in line %u", path, line);
                                return CTL_USAGE;
                        }
                        cJSON_AddItemToArray(table, entry);
                }
                text += size;
                text += *text == '\n';
        }
        return 0;
}

/* As an array, whichever of the two forms the text has. Returns 0 or an exit code. */
static int read_table(const char *path, cJSON **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(json_freep) cJSON *table = NULL;
        int r;

        r = input_bytes(path, MAX_FILE, &text);
        buffer_putc(&text, '\n');
        if (r < 0 || buffer_error(&text) < 0) {
                output_error("cannot read '%s': %s", path, strerror(r < 0 ? -r : ENOMEM));
                return CTL_USAGE;
        }
        if (text.data[strspn(text.data, " \t\r\n")] == '[') {
                if (json_parse(text.data, text.size, &table, NULL) < 0) {
                        output_error("'%s' is no JSON", path);
                        return CTL_USAGE;
                }
        } else {
                table = cJSON_CreateArray();
                r = read_lines(path, text.data, table);
                if (r != 0)
                        return r;
        }
        if (!table || !table->child) {
                output_error("'%s' holds no entries", path);
                return CTL_USAGE;
        }
        *ret = TAKE_PTR(table);
        return 0;
}

static const struct {
        const char *name;
        bool required, is_object;
} fields[] = {
        { "account", false, false }, { "action_type", true, false }, { "by", false, false },
        { "expect", true, false },   { "name", false, false },       { "payload", true, true },
        { "platform", true, false }, { "user_id", false, false },
};

static bool is_answer(const char *text) {
        static const char *const decisions[] = { "yes", "no", "ask" };

        for (size_t i = 0; i < ELEMENTSOF(decisions); i++)
                if (strcmp(text, decisions[i]) == 0)
                        return true;
        return ae_code_from_name(text) != AE_NONE;
}

/* The first member whose name is none of an entry's, or NULL. */
static const char *find_stranger(const cJSON *entry) {
        const cJSON *member;

        cJSON_ArrayForEach (member, entry) {
                size_t i = 0;

                while (i < ELEMENTSOF(fields) && strcmp(member->string, fields[i].name) != 0)
                        i++;
                if (i == ELEMENTSOF(fields))
                        return member->string;
        }
        return NULL;
}

/* Before the first is asked: a misspelt word must pass neither for a test nor for its failure. */
static int check_entry(const char *path, unsigned n, const cJSON *entry) {
        const char *stranger;

        if (!cJSON_IsObject(entry)) {
                output_error("'%s': entry %u is no object", path, n);
                return CTL_USAGE;
        }
        stranger = find_stranger(entry);
        if (stranger) {
                output_error("'%s': entry %u has a member '%s', which means nothing", path, n,
                             stranger);
                return CTL_USAGE;
        }
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const cJSON *value = json_member(entry, fields[i].name);

                if (value ? !(fields[i].is_object ? cJSON_IsObject(value) : cJSON_IsString(value))
                          : fields[i].required) {
                        output_error("'%s': entry %u has no %s '%s'", path, n,
                                     fields[i].is_object ? "object" : "text", fields[i].name);
                        return CTL_USAGE;
                }
        }
        if (is_answer(json_string(entry, "expect")))
                return 0;
        output_error("'%s': entry %u expects '%s': that is neither yes, no, ask nor an error's "
                     "code",
                     path, n, json_string(entry, "expect"));
        return CTL_USAGE;
}

/* What was said: a decision, or an error's code; and by whom. Borrowed from the response. */
static void read_answer(const cJSON *response, const char **ret_said, const char **ret_by) {
        const cJSON *result = json_member(response, "result");
        const cJSON *error = json_member(response, "error");
        const char *said = json_string(call_failed(response) ? error : result,
                                       call_failed(response) ? "code" : "decision");
        const char *by = call_failed(response) ? json_string(json_member(error, "details"), "by")
                                               : json_string(result, "decided_by");

        *ret_said = said ?: "nothing";
        *ret_by = by ?: "nobody";
}

static void tell(unsigned n, const cJSON *entry, bool good, const char *said, const char *by) {
        const char *name = json_string(entry, "name") ?: json_string(entry, "action_type");
        _cleanup_(buffer_done) struct buffer line = { 0 }, clean = { 0 };

        buffer_printf(&line, "%s %u %s: %s, by %s", good ? "ok" : "not ok", n, name, said, by);
        if (!good) {
                buffer_printf(&line, "; expected %s", json_string(entry, "expect"));
                if (json_string(entry, "by"))
                        buffer_printf(&line, ", by %s", json_string(entry, "by"));
        }
        output_clean(line.data, &clean);
        puts(clean.data ?: "");
}

/* Returns 0 with whether the answer is the expected one, or an exit code. */
static int try_entry(const struct ctl *ctl, unsigned n, const cJSON *entry, bool *ret_good) {
        static const char *const names[] = { "platform", "action_type", "user_id", "account" };
        const char *expected = json_string(entry, "expect"), *expected_by, *said, *by;
        _cleanup_(request_done) struct request q = { 0 };
        _cleanup_(json_freep) cJSON *response = NULL;
        int r;

        call_begin(&q, "perform_action");
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                request_string(&q, names[i], json_string(entry, names[i]));
        request_json(&q, "payload", json_member(entry, "payload"));
        request_true(&q, "dry_run");
        r = call_ask(ctl, &q, 0, &response);
        if (r != 0)
                return r;

        read_answer(response, &said, &by);
        expected_by = json_string(entry, "by");
        *ret_good = strcmp(said, expected) == 0 && (!expected_by || strcmp(by, expected_by) == 0);
        if (!ctl->json)
                tell(n, entry, *ret_good, said, by);
        return 0;
}

int ctl_policy_test(const struct ctl *ctl) {
        _cleanup_(json_freep) cJSON *table = NULL;
        unsigned n = 0, n_good = 0;
        const cJSON *entry;
        int r;

        r = read_table(ctl->arguments[0], &table);
        if (r != 0)
                return r;
        cJSON_ArrayForEach (entry, table) {
                r = check_entry(ctl->arguments[0], ++n, entry);
                if (r != 0)
                        return r;
        }

        n = 0;
        cJSON_ArrayForEach (entry, table) {
                bool good;

                r = try_entry(ctl, ++n, entry, &good);
                if (r != 0)
                        return r;
                n_good += good;
        }
        if (n_good < n) {
                output_error("%u of %u not as expected", n - n_good, n);
                return CTL_REFUSED;
        }
        if (!ctl->json)
                printf("%u of %u as expected\n", n_good, n);
        return CTL_SUCCESS;
}
