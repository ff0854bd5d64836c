/* SPDX-License-Identifier: MIT */
/*
 * How long one large e-mail holds the event loop: the milliseconds of a processor that each part of
 * its way takes, which no other client is served in. The best of some rounds.
 *
 *      large [MEGABYTES [ROUNDS]]
 */

#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action/action.h"
#include "action/digest.h"
#include "action/registry.h"
#include "base/clock.h"
#include "base/json.h"

enum part { SCAN, TREE, CHECK, DIGEST, BUILD, N_PARTS };

static const char *const parts[N_PARTS] = { "scan", "tree", "check", "digest", "build" };

struct round {
        uint64_t part_usec[N_PARTS];
        uint64_t mark_usec;
};

static void check(bool good, const char *what) {
        if (good)
                return;
        fprintf(stderr, "large: %s fails\n", what);
        exit(1);
}

static void done(struct round *r, enum part part) {
        uint64_t now_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);

        r->part_usec[part] = now_usec - r->mark_usec;
        r->mark_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
}

static void build(const struct action_type *type, struct action *a) {
        struct secret *session = NULL;
        const struct adapter_input input = {
                .payload = a->spec.payload,
                .base_url = "https://gmail.example",
                .action_id = "0123456789abcdef0123456789abcdef",
                .now_usec = clock_usec(CLOCK_REALTIME),
                .notes = cJSON_CreateObject(),
                .session = &session,
                .n_exchanges_left = ADAPTER_MAX_EXCHANGES,
        };
        struct http_request request = { 0 };

        check(type->adapter->build(&input, &request, &a->error) == 0, parts[BUILD]);
        http_request_done(&request);
        cJSON_Delete(input.notes);
}

/* What the engine does with a line, in its order. */
static void run(const struct action_type *type, const struct buffer *line, struct round *ret) {
        struct action a = { .spec.account = (char *)"default",
                            .spec.action_type = (char *)"send_email",
                            .spec.platform = (char *)"gmail",
                            .spec.user_id = (char *)"u1" };
        struct json_envelope envelope;
        struct json_fault fault;

        ret->mark_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
        check(json_scan(line->data, line->size, &envelope, &fault) == 0, parts[SCAN]);
        done(ret, SCAN);
        check(json_slice_tree(&envelope.root, &a.spec.payload) == 0, parts[TREE]);
        done(ret, TREE);
        check(schema_validate(type->payload_schema, a.spec.payload, &a.error) == 0 &&
                              type->adapter->check(a.spec.payload, &a.error) == 0 &&
                              ae_error_count(&a.error) == 0,
              parts[CHECK]);
        done(ret, CHECK);
        check(digest_action(&a) == 0, parts[DIGEST]);
        done(ret, DIGEST);
        build(type, &a);
        done(ret, BUILD);
        cJSON_Delete(a.spec.payload);
}

static void write_repeated(const char *text, size_t size, struct buffer *to) {
        while (size > strlen(text)) {
                buffer_puts(to, text);
                size -= strlen(text);
        }
}

static void write_file(const char *text, size_t size, struct buffer *to) {
        buffer_puts(to, "\"b\",\"attachments\":[{\"filename\":\"f.bin\",\"content_base64\":\"");
        write_repeated(text, size, to);
        buffer_puts(to, "\"}]");
}

static void write_body(const char *text, size_t size, struct buffer *to) {
        buffer_putc(to, '"');
        write_repeated(text, size, to);
        buffer_putc(to, '"');
}

static const struct {
        const char *name, *text;
        void (*write)(const char *text, size_t size, struct buffer *to);
} kinds[] = {
        { "a file", "q83vASNFZ4mrze8BI0VniavN7wEjRWeJ", write_file },
        { "plain text", "How are you today, my dear friend?\\n", write_body },
        { "some accents", "How are you today, my dear Andr\u00e9?\\n", write_body },
        { "many accents", "Gr\u00fc\u00dfe aus M\u00fcnchen, \u00e4\u00f6\u00fc\u00df!\\n",
          write_body },
};

static void measure(const struct action_type *type, size_t kind, size_t size, unsigned n_rounds) {
        _cleanup_(buffer_done) struct buffer line = { 0 };
        struct round best = { 0 }, r;
        uint64_t all_usec = 0;

        buffer_puts(&line, "{\"to\":\"a@example.com\",\"subject\":\"Hello!\",\"body\":");
        kinds[kind].write(kinds[kind].text, size, &line);
        buffer_putc(&line, '}');
        for (unsigned i = 0; i < n_rounds; i++) {
                run(type, &line, &r);
                for (enum part p = 0; p < N_PARTS; p++)
                        if (i == 0 || r.part_usec[p] < best.part_usec[p])
                                best.part_usec[p] = r.part_usec[p];
        }
        printf("%-14s", kinds[kind].name);
        for (enum part p = 0; p < N_PARTS; p++) {
                printf(" %8.1f", (double)best.part_usec[p] / 1e3);
                all_usec += best.part_usec[p];
        }
        printf(" %8.1f\n", (double)all_usec / 1e3);
}

int main(int argc, char *argv[]) {
        size_t megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 15;
        unsigned n_rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
        const struct action_type *type;
        struct registry *registry;
        struct ae_error error = { 0 };

        check(sodium_init() >= 0 && registry_new(adapters, &registry, &error) == 0 &&
                              registry_find_action(registry, "gmail", "send_email", &type,
                                                   &error) == 0 &&
                              megabytes > 0 && n_rounds > 0,
              "the start");
        printf("ms of %2zu MB      ", megabytes);
        for (enum part p = 0; p < N_PARTS; p++)
                printf(" %8s", parts[p]);
        printf(" %8s\n", "all");
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                measure(type, i, megabytes << 20, n_rounds);
        registry_free(registry);
        return 0;
}
