/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/journal.h"
#include "base/json.h"
#include "vault/record.h"
#include "vault/wire.h"
#include "vaultd/ops.h"
#include "vaultd/store.h"

struct place {
        char directory[64];
        char path[96];
        sd_event *event;
        struct poller *poller;
        struct store *store;
        struct secret *key;
        struct desk desk;
        unsigned roles;
};

static int set_up(void **state) {
        struct place *p = calloc(1, sizeof(*p));
        struct grants_options way = { .path = "/nonexistent/grant.sock", .wait_usec = 60000000 };
        char error[STORE_ERROR_SIZE];

        assert_non_null(p);
        strcpy(p->directory, "/tmp/test-vault-ops-XXXXXX");
        assert_non_null(mkdtemp(p->directory));
        snprintf(p->path, sizeof(p->path), "%s/vault.db", p->directory);
        assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &p->key), 0);
        assert_int_equal(store_open(p->path, 16 << 20, &p->store, error), 0);
        assert_int_equal(sd_event_new(&p->event), 0);
        assert_int_equal(poller_new(p->event, &p->poller), 0);
        assert_int_equal(grants_new(p->poller, &way, &p->desk.grants), 0);
        p->desk.event = p->event;
        p->desk.keeper.store = p->store;
        p->desk.keeper.key = p->key;
        p->roles = ROLE_ENGINE | ROLE_ADMINISTRATOR;
        *state = p;
        return 0;
}

static int tear_down(void **state) {
        struct place *p = *state;

        desk_done(&p->desk);
        poller_free(p->poller);
        sd_event_unref(p->event);
        store_free(p->store);
        secret_free(p->key);
        assert_int_equal(unlink(p->path), 0);
        assert_int_equal(rmdir(p->directory), 0);
        free(p);
        return 0;
}

static void on_answer(struct buffer *b, void *userdata) {
        _cleanup_(json_freep) cJSON *json = NULL;
        char *answer = userdata;

        assert_int_equal(buffer_error(b), 0);
        assert_true(b->size <= VAULT_WIRE_MAX_LINE);
        assert_null(memchr(b->data, '\n', b->size));
        assert_int_equal(json_parse(b->data, b->size, &json, NULL), 0);
        assert_string_equal(answer, "");
        memcpy(answer, b->data, b->size + 1);
}

/* Asks, and leaves the answer in `answer` until the next question. */
static const char *ask(struct place *p, const char *line) {
        static char answer[VAULT_WIRE_MAX_LINE + 1];

        *answer = 0;
        ops_run(&p->desk, p->roles, line, strlen(line), 7, on_answer, answer);
        while (!*answer)
                assert_true(sd_event_run(p->event, UINT64_MAX) >= 0);
        assert_int_equal(p->desk.n_calls, 0);
        return answer;
}

static void assert_error(const char *answer, const char *code, const char *words) {
        char expected[128];

        snprintf(expected, sizeof(expected), "\"error\":{\"code\":\"%s\",", code);
        if (!strstr(answer, expected) || !strstr(answer, words))
                fail_msg("not '%s' with '%s': %s", code, words, answer);
}

#define WHO "\"user_id\":\"u1\",\"platform\":\"gmail\""
#define DONE(id) "{\"id\":" id ",\"status\":\"success\",\"result\":"
#define HOME "{\"user_id\":\"u1\",\"platform\":\"gmail\",\"account\":\"default\""

static void store(struct place *p, const char *credential) {
        char line[4096];

        snprintf(line, sizeof(line), "{\"id\":1,\"op\":\"store_token\"," WHO ",\"credential\":%s}",
                 credential);
        assert_string_equal(ask(p, line), DONE("1") HOME "}}");
}

static void test_store_get_delete(void **state) {
        struct place *p = *state;

        assert_error(ask(p, "{\"id\":1,\"op\":\"get_token\"," WHO "}"), "not_connected",
                     "u1/gmail/default");
        store(p, "{\"access_token\":\"at\",\"refresh_token\":\"rt-canary\",\"token_type\":\"bot\","
                 "\"expires_at\":\"2999-01-01T02:00:00+02:00\",\"scopes\":[\"a\",\"b:c\"]}");
        assert_string_equal(ask(p, "{\"id\":\"x\",\"op\":\"get_token\"," WHO "}"),
                            DONE("\"x\"") HOME
                            ",\"access_token\":\"at\",\"token_type\":\"bot\","
                            "\"expires_at\":\"2999-01-01T00:00:00Z\",\"scopes\":[\"a\",\"b:c\"]}}");

        store(p, "{\"access_token\":\"a\\\"\\u005c t\"}"); /* replaces all of it */
        assert_string_equal(
                        ask(p, "{\"id\":-5,\"op\":\"get_token\",\"account\":\"default\"," WHO "}"),
                        DONE("-5") HOME
                        ",\"access_token\":\"a\\\"\\\\ t\",\"token_type\":\"Bearer\"}}");
        assert_error(ask(p, "{\"id\":1,\"op\":\"get_token\",\"account\":\"work\"," WHO "}"),
                     "not_connected", "u1/gmail/work");

        assert_string_equal(ask(p, "{\"id\":1,\"op\":\"delete_token\"," WHO "}"),
                            DONE("1") HOME "}}");
        assert_error(ask(p, "{\"id\":1,\"op\":\"get_token\"," WHO "}"), "not_connected", "");
        assert_error(ask(p, "{\"id\":1,\"op\":\"delete_token\"," WHO "}"), "not_connected", "");
}

static void test_expired_and_rejected(void **state) {
        static const char get[] = "{\"id\":1,\"op\":\"get_token\"," WHO "}";
        static const char ask_with[] =
                        "{\"id\":1,\"op\":\"get_token\"," WHO ",\"rejected\":\"%s\"}";
        struct place *p = *state;
        unsigned char digest[crypto_hash_sha256_BYTES];
        char hex[2 * sizeof(digest) + 1], line[256];

        store(p, "{\"access_token\":\"at\",\"expires_in\":0}");
        assert_error(ask(p, get), "reauthorization_required", "expired");
        store(p, "{\"access_token\":\"at\",\"expires_at\":\"1970-01-01T00:00:00Z\"}");
        assert_error(ask(p, get), "reauthorization_required", "expired");
        store(p, "{\"access_token\":\"at\",\"expires_in\":3600}");
        assert_non_null(strstr(ask(p, get), "\"access_token\":\"at\""));

        crypto_hash_sha256(digest, (const unsigned char *)"at", 2);
        sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
        snprintf(line, sizeof(line), ask_with, hex);
        assert_error(ask(p, line), "reauthorization_required", "refuses");
        hex[0] = hex[0] == 'f' ? '0' : 'f'; /* another token was refused: this one is newer */
        snprintf(line, sizeof(line), ask_with, hex);
        assert_non_null(strstr(ask(p, line), "\"access_token\":\"at\""));
}

static void test_status(void **state) {
        struct place *p = *state;

        assert_string_equal(ask(p, "{\"id\":1,\"op\":\"status\"}"),
                            DONE("1") "{\"state\":\"ok\",\"records\":0}}");
        store(p, "{\"access_token\":\"at\",\"expires_in\":0}");
        (void)ask(p, "{\"id\":1,\"op\":\"store_token\",\"user_id\":\"u1\",\"platform\":\"slack\","
                     "\"account\":\"work\",\"credential\":{\"access_token\":\"at\"}}");
        assert_string_equal(ask(p, "{\"id\":1,\"op\":\"status\",\"user_id\":\"u1\"}"),
                            DONE("1") "{\"state\":\"ok\",\"records\":2,\"connected_platforms\":["
                                      "{\"platform\":\"gmail\",\"account\":\"default\","
                                      "\"status\":\"token_expired\"},"
                                      "{\"platform\":\"slack\",\"account\":\"work\","
                                      "\"status\":\"active\"}]}}");
        assert_string_equal(
                        ask(p, "{\"id\":1,\"op\":\"status\",\"user_id\":\"u2\"}"),
                        DONE("1") "{\"state\":\"ok\",\"records\":2,\"connected_platforms\":[]}}");
}

/* What another key sealed is told, kept, and can be done away with on purpose. */
static void test_a_record_that_does_not_open_is_kept(void **state) {
        static const char *const lines[] = {
                "{\"id\":1,\"op\":\"get_token\"," WHO "}",
                "{\"id\":1,\"op\":\"store_token\"," WHO ",\"credential\":{\"access_token\":\"b\"}}",
                "{\"id\":1,\"op\":\"status\",\"user_id\":\"u1\"}",
        };
        struct place *p = *state;

        store(p, "{\"access_token\":\"at\"}");
        p->key->data[0] ^= 1;
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_error(ask(p, lines[i]), "internal",
                             "the record of u1/gmail/default cannot be opened: wrong key or "
                             "damaged; nothing was changed");
        p->key->data[0] ^= 1;
        assert_non_null(strstr(ask(p, lines[0]), "\"access_token\":\"at\""));

        p->key->data[0] ^= 1;
        assert_non_null(strstr(ask(p, "{\"id\":1,\"op\":\"delete_token\"," WHO "}"), "success"));
        assert_non_null(strstr(ask(p, lines[1]), "success"));
        assert_non_null(strstr(ask(p, lines[0]), "\"access_token\":\"b\""));
}

#define TEN "0123456789"
#define SIXTY_FOUR TEN TEN TEN TEN TEN TEN "0123"
#define LONG_ID SIXTY_FOUR SIXTY_FOUR
#define GET(fields) "{\"id\":1,\"op\":\"get_token\"," fields "}"
#define PUT(credential) "{\"id\":1,\"op\":\"store_token\"," WHO ",\"credential\":" credential "}"
#define PUT_TOKEN(more) PUT("{\"access_token\":\"a\"" more "}")
#define PROVIDER "\"provider\":\"google\""
#define SET(app) "{\"id\":1,\"op\":\"set_provider\"," PROVIDER ",\"app\":" app "}"
#define APP "{\"profile\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\"}"
#define OP(name, fields) "{\"id\":1,\"op\":\"" name "\"," fields "}"

/* A file as the first version left it, sealed with the same key. */
static void test_what_the_first_version_kept(void **state) {
        static const char old[] =
                        "CREATE TABLE record (user_id TEXT NOT NULL, platform TEXT NOT NULL,"
                        " account TEXT NOT NULL, sealed BLOB NOT NULL,"
                        " PRIMARY KEY (user_id, platform, account)) STRICT, WITHOUT ROWID;"
                        "PRAGMA application_id = 0x41455631; PRAGMA user_version = 1;"
                        "INSERT INTO record VALUES ('u1', 'gmail', 'default', x'"
                        "01000102030405060708090a0b0c0d0e0f10111213141516172009df3e7c53a0"
                        "7b8b3d06fe84a5bf536956c21e8db3721efb7e9ac84bfc82582b827aef092221"
                        "5937e89dd3b97436617801b92b81e9ccbf3607"
                        "')";
        struct place *p = *state;
        char error[STORE_ERROR_SIZE];
        sqlite3 *db;

        p->store = store_free(p->store);
        assert_int_equal(unlink(p->path), 0);
        assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, old, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);

        assert_int_equal(store_open(p->path, 16 << 20, &p->store, error), 0);
        p->desk.keeper.store = p->store;
        assert_non_null(strstr(ask(p, GET(WHO)), "\"access_token\":\"at\""));
        assert_non_null(strstr(ask(p, SET(APP)), "success"));
        assert_non_null(strstr(ask(p, GET(WHO)), "\"access_token\":\"at\""));
}

/* clang-format off */
static const struct {
        const char *line, *code, *words;
} bad[] = {
        { "",                                                "invalid_json",    "\"line\":7,"       },
        { "{",                                               "invalid_json",    "\"line\":7,"       },
        { "{\"id\":1,\"op\":\"status\"}x",                   "invalid_json",    "byte"              },
        { "{\"id\":1,\"op\":\"status\",\"op\":\"status\"}",  "invalid_json",    "\"id\":1,"         },
        { "{\"id\":1,\"op\":\"status\",\"\\u006fp\":1}",     "invalid_json",    "\"id\":1,"         },
        { "{\"id\":1,\"op\":\"status\",\"user_id\":\"\xff\"}", "invalid_json",  "\"id\":1,"         },
        { "[]",                                              "invalid_request", "\"line\":7,"       },
        { "7",                                               "invalid_request", "object"            },
        { "{}",                                              "invalid_request", "'id'"              },
        { "{\"op\":\"status\"}",                             "invalid_request", "\"line\":7,"       },
        { "{\"id\":1.5,\"op\":\"status\"}",                  "invalid_request", "'id'"              },
        { "{\"id\":9007199254740993,\"op\":\"status\"}",     "invalid_request", "'id'"              },
        { "{\"id\":null,\"op\":\"status\"}",                 "invalid_request", "'id'"              },
        { "{\"id\":\"" LONG_ID "x\",\"op\":\"status\"}",     "invalid_request", "'id'"              },
        { "{\"id\":1}",                                      "invalid_request", "'op'"              },
        { "{\"id\":1,\"op\":1}",                             "invalid_request", "'op'"              },
        { "{\"id\":1,\"Op\":\"status\"}",                    "invalid_request", "'op'"              },
        { "{\"id\":1,\"op\":\"Status\"}",                    "unknown_op",      "'Status'"          },
        { "{\"id\":1,\"op\":\"get_token\\nx\"}",             "unknown_op",      "'get_token?x'"     },
        { "{\"id\":1,\"op\":\"\"}",                          "unknown_op",      "''"                },
        { "{\"id\":1,\"op\":\"status\",\"platform\":\"x\"}", "invalid_request", "'platform'"        },
        { "{\"id\":1,\"op\":\"status\",\"user_id\":\"\"}",   "invalid_request", "'user_id'"         },
        { GET(WHO ",\"credential\":{}"),                     "invalid_request", "'credential'"      },
        { GET(WHO ",\"User_id\":\"u1\""),                    "invalid_request", "'User_id'"         },
        { GET("\"user_id\":\"u1\""),                         "invalid_request", "needs 'platform'"  },
        { GET("\"platform\":\"gmail\""),                     "invalid_request", "needs 'user_id'"   },
        { GET("\"platform\":\"gmail\",\"user_id\":1"),       "invalid_request", "'user_id'"         },
        { GET("\"platform\":\"gmail\",\"user_id\":\"\""),    "invalid_request", "'user_id'"         },
        { GET("\"platform\":\"gmail\",\"user_id\":\"\\n\""), "invalid_request", "'user_id'"         },
        { GET("\"platform\":\"gmail\",\"user_id\":\"\x7f\""), "invalid_request", "'user_id'"        },
        { GET("\"platform\":\"gmail\",\"user_id\":\"" LONG_ID "x\""), "invalid_request", "'user_id'" },
        { GET("\"user_id\":\"u1\",\"platform\":\"\""),       "invalid_request", "'platform'"        },
        { GET("\"user_id\":\"u1\",\"platform\":\"Gmail\""),  "invalid_request", "'platform'"        },
        { GET("\"user_id\":\"u1\",\"platform\":\"g-m\""),    "invalid_request", "'platform'"        },
        { GET("\"user_id\":\"u1\",\"platform\":\"" SIXTY_FOUR "x\""), "invalid_request", "'platform'" },
        { GET(WHO ",\"account\":\"\""),                      "invalid_request", "'account'"         },
        { GET(WHO ",\"account\":\"a b\""),                   "invalid_request", "'account'"         },
        { GET(WHO ",\"account\":\"a/b\""),                   "invalid_request", "'account'"         },
        { GET(WHO ",\"account\":null"),                      "invalid_request", "'account'"         },
        { GET(WHO ",\"account\":\"" SIXTY_FOUR "x\""),       "invalid_request", "'account'"         },
        { GET(WHO ",\"rejected\":\"\""),                     "invalid_request", "'rejected'"        },
        { GET(WHO ",\"rejected\":\"" SIXTY_FOUR "0\""),      "invalid_request", "'rejected'"        },
        { GET(WHO ",\"rejected\":\"" TEN TEN TEN TEN TEN TEN "012g\""), "invalid_request", "'rejected'" },
        { "{\"id\":1,\"op\":\"store_token\"," WHO "}",       "invalid_request", "needs 'credential'" },
        { PUT("null"),                                       "invalid_request", "'credential'"      },
        { PUT("[]"),                                         "invalid_request", "'credential'"      },
        { PUT("{}"),                                         "invalid_request", "'access_token'"    },
        { PUT("{\"access_token\":\"\"}"),                    "invalid_request", "'access_token'"    },
        { PUT("{\"access_token\":1}"),                       "invalid_request", "'access_token'"    },
        { PUT("{\"access_token\":\"a\\r\\nb\"}"),            "invalid_request", "'access_token'"    },
        { PUT("{\"access_token\":\"\xc3\xa9\"}"),            "invalid_request", "'access_token'"    },
        { PUT("{\"scopes\":[\"a\"]}"),                       "invalid_request", "'access_token'"    },
        { PUT_TOKEN(",\"refresh_token\":\"\""),              "invalid_request", "'refresh_token'"   },
        { PUT_TOKEN(",\"refresh_token\":null"),              "invalid_request", "'refresh_token'"   },
        { PUT_TOKEN(",\"token_type\":\"\""),                 "invalid_request", "'token_type'"      },
        { PUT_TOKEN(",\"token_type\":\"Bearer x\""),         "invalid_request", "'token_type'"      },
        { PUT_TOKEN(",\"token_type\":\"" SIXTY_FOUR "x\""),  "invalid_request", "'token_type'"      },
        { PUT_TOKEN(",\"expires_at\":3600"),                 "invalid_request", "'expires_at'"      },
        { PUT_TOKEN(",\"expires_at\":\"tomorrow\""),         "invalid_request", "'expires_at'"      },
        { PUT_TOKEN(",\"expires_at\":\"9999-12-31T23:59:59-01:00\""), "invalid_request", "10000"    },
        { PUT_TOKEN(",\"expires_in\":\"3600\""),             "invalid_request", "'expires_in'"      },
        { PUT_TOKEN(",\"expires_in\":-1"),                   "invalid_request", "'expires_in'"      },
        { PUT_TOKEN(",\"expires_in\":1.5"),                  "invalid_request", "'expires_in'"      },
        { PUT_TOKEN(",\"expires_in\":1e300"),                "invalid_request", "'expires_in'"      },
        { PUT_TOKEN(",\"expires_in\":0,\"expires_at\":\"1970-01-01T00:00:00Z\""),
                                                             "invalid_request", "exclude"           },
        { PUT_TOKEN(",\"scopes\":\"a b\""),                  "invalid_request", "'scopes'"          },
        { PUT_TOKEN(",\"scopes\":{}"),                       "invalid_request", "'scopes'"          },
        { PUT_TOKEN(",\"scopes\":[1]"),                      "invalid_request", "'scopes'"          },
        { PUT_TOKEN(",\"scopes\":[\"\"]"),                   "invalid_request", "'scopes'"          },
        { PUT_TOKEN(",\"scopes\":[\"a b\"]"),                "invalid_request", "'scopes'"          },
        { PUT_TOKEN(",\"provider\":\"\""),                   "invalid_request", "'provider'"        },
        { PUT_TOKEN(",\"provider\":\"Google\""),             "invalid_request", "'provider'"        },
        { PUT_TOKEN(",\"provider\":\"" TEN TEN TEN "abc\""), "invalid_request", "'provider'"        },
        { PUT_TOKEN(",\"identity\":\"\""),                   "invalid_request", "'identity'"        },
        { PUT_TOKEN(",\"identity\":\"a\\nb\""),             "invalid_request", "'identity'"        },
        { PUT_TOKEN(",\"identity\":\"" LONG_ID LONG_ID "x\""), "invalid_request", "'identity'"      },
        { PUT_TOKEN(",\"refused\":1"),                       "invalid_request", "'refused'"         },
        { PUT_TOKEN(",\"service_account\":\"{}\""),          "invalid_request", "'service_account'" },
        { PUT_TOKEN(",\"service_account\":{}"),              "invalid_request", ""                  },
        { PUT_TOKEN(",\"scope\":\"a\""),                     "invalid_request", "'scope'"           },
        { PUT_TOKEN(",\"Access_token\":\"a\""),              "invalid_request", "'Access_token'"    },
        { PUT_TOKEN(",\"access_token\":\"b\""),              "invalid_json",    "\"id\":1,"         },
        { PUT("{\"provider\":\"google\"}"),                  "invalid_request", "'access_token'"    },
        { OP("delete_token", WHO ",\"revoke\":1"),           "invalid_request", "'revoke'"          },
        { OP("get_token", WHO ",\"revoke\":true"),           "invalid_request", "'revoke'"          },
        { OP("exchange", WHO "," PROVIDER),                  "invalid_request", "needs 'scopes'"    },
        { OP("exchange", WHO ",\"scopes\":\"\""),            "invalid_request", "needs 'provider'"  },
        { OP("exchange", WHO "," PROVIDER ",\"scopes\":\"\""), "invalid_request", "'code'"            },
        { OP("exchange", WHO "," PROVIDER ",\"scopes\":\"\",\"code\":\"c\""), "invalid_request", "'redirect_uri'" },
        { OP("start_device", PROVIDER),                      "invalid_request", "needs 'scopes'"    },
        { OP("start_device", PROVIDER ",\"scopes\":\"a\\\"b\""), "invalid_request", "'scopes'"      },
        { OP("start_device", PROVIDER ",\"scopes\":\"a\""),  "not_found",       "'google'"          },
        { OP("get_provider", "\"provider\":\"\""),           "invalid_request", "'provider'"        },
        { OP("get_provider", "\"provider\":\"a-b\""),        "invalid_request", "'provider'"        },
        { OP("get_provider", "\"provider\":\"" TEN TEN TEN "abc\""), "invalid_request", "'provider'" },
        { OP("get_provider", "\"provider\":\"" TEN TEN TEN "ab\""), "not_found", "there is no"        },
        { OP("set_provider", PROVIDER),                      "invalid_request", "needs 'app'"       },
        { SET("[]"),                                         "invalid_request", "'app'"             },
        { SET("{}"),                                         "invalid_request", "'profile'"         },
        { SET("{\"profile\":\"google\"}"),                   "invalid_request", "'client_id'"       },
        { OP("discover", "\"issuer\":\"https://a b\""),      "invalid_request", "'issuer'"          },
        { OP("discover", "\"issuer\":\"http://example.com\""), "invalid_request", "'issuer'"        },
        { OP("discover", PROVIDER),                          "invalid_request", "'provider'"        },
};
/* clang-format on */

static void test_bad_lines_are_refused_by_name(void **state) {
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_error(ask(p, bad[i].line), bad[i].code, bad[i].words);
        assert_int_equal(store_count(p->store), 0);
}

/* Neither is served what is the other's, and is told so without its connection being closed. */
static void test_roles(void **state) {
        static const struct {
                const char *line;
                unsigned roles;
        } cases[] = {
                { GET(WHO), ROLE_ENGINE },
                { PUT_TOKEN(""), ROLE_ENGINE },
                { OP("delete_token", WHO), ROLE_ENGINE },
                { OP("exchange", WHO), ROLE_ENGINE },
                { OP("start_device", PROVIDER), ROLE_ENGINE },
                { "{\"id\":1,\"op\":\"status\"}", ROLE_ENGINE },
                { SET(APP), ROLE_ADMINISTRATOR },
                { "{\"id\":1,\"op\":\"list_providers\"}", ROLE_ADMINISTRATOR },
                { OP("delete_provider", PROVIDER), ROLE_ADMINISTRATOR },
                { OP("test_provider", PROVIDER), ROLE_ADMINISTRATOR },
                { OP("discover", "\"issuer\":\"https://example.com\""), ROLE_ADMINISTRATOR },
                { OP("get_provider", PROVIDER), ROLE_ENGINE | ROLE_ADMINISTRATOR },
        };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (unsigned role = ROLE_ENGINE; role <= ROLE_ADMINISTRATOR; role <<= 1) {
                        p->roles = role;
                        if (cases[i].roles & role)
                                assert_null(strstr(ask(p, cases[i].line), "forbidden"));
                        else
                                assert_error(ask(p, cases[i].line), "forbidden", "is for the ");
                }
}

/* An app under a key of its own kind: it opens as no record, and a record not as an app. */
static void test_apps_are_sealed_by_their_names(void **state) {
        struct place *p = *state;
        _cleanup_(buffer_done) struct buffer sealed = { 0 };

        assert_non_null(strstr(ask(p, SET(APP)), "success"));
        assert_non_null(strstr(ask(p, OP("get_provider", PROVIDER)), "\"client_id\":\"c\""));
        assert_null(strstr(ask(p, OP("get_provider", PROVIDER)), "client_secret"));
        assert_int_equal(store_read_provider(p->store, "google", &sealed), 0);
        assert_int_equal(store_write_provider(p->store, "slack", sealed.data, sealed.size), 0);
        assert_error(ask(p, OP("get_provider", "\"provider\":\"slack\"")), "internal",
                     "the provider 'slack' cannot be opened");
        assert_error(ask(p, "{\"id\":1,\"op\":\"list_providers\"}"), "internal", "'slack'");
        assert_non_null(strstr(ask(p, OP("delete_provider", "\"provider\":\"slack\"")), "success"));
        assert_non_null(strstr(ask(p, "{\"id\":1,\"op\":\"list_providers\"}"), "success"));
}

/* No action-grant is there: what needs it says so, and what can do without goes on. */
static void test_without_a_way_to_the_providers(void **state) {
        struct place *p = *state;

        (void)ask(p, SET(APP));
        store(p, "{\"refresh_token\":\"r\",\"provider\":\"google\"}");
        assert_error(ask(p, GET(WHO)), "upstream_unreachable", "cannot reach action-grant");
        assert_error(ask(p, OP("start_device", PROVIDER ",\"scopes\":\"a\"")),
                     "upstream_unreachable", "cannot reach action-grant");
        assert_non_null(strstr(ask(p, OP("test_provider", PROVIDER)),
                               "\"result\":\"unreachable\",\"reason\":\"cannot reach"));
        assert_non_null(strstr(ask(p, OP("delete_token", WHO ",\"revoke\":true")),
                               "\"revoked\":false,\"reason\":\"cannot reach"));
        assert_error(ask(p, GET(WHO)), "not_connected", "");
}

/* The longest of everything, at once: it must fit into a line, both ways. */
static void test_limits(void **state) {
        _cleanup_(buffer_done) struct buffer line = { 0 }, scopes = { 0 };
        _cleanup_(freep) char *token = malloc(VAULT_WIRE_MAX_TOKEN + 2);
        struct place *p = *state;
        const char *answer;

        for (int extra = 0; extra < 3; extra++) {
                size_t n_token = VAULT_WIRE_MAX_TOKEN + (extra == 1);
                int n_scopes = RECORD_MAX_SCOPES + (extra == 2);

                memset(token, '"', n_token); /* grows when it is escaped */
                token[n_token] = 0;
                buffer_clear(&line);
                buffer_clear(&scopes);
                for (int i = 0; i < n_scopes; i++)
                        buffer_printf(&scopes, "%s\"%0*d\"", i ? "," : "", RECORD_MAX_SCOPE, i);
                buffer_puts(&line, "{\"id\":\"" LONG_ID "\",\"op\":\"store_token\","
                                   "\"user_id\":\"" LONG_ID "\",\"platform\":\"" SIXTY_FOUR
                                   "\",\"account\":\"" SIXTY_FOUR "\","
                                   "\"credential\":{\"access_token\":");
                json_print_string(token, n_token, &line);
                buffer_puts(&line, ",\"refresh_token\":");
                json_print_string(token, n_token, &line);
                buffer_printf(&line,
                              ",\"scopes\":[%s],\"token_type\":\"" SIXTY_FOUR
                              "\",\"provider\":\"" TEN TEN TEN
                              "ab\",\"identity\":\"" LONG_ID LONG_ID "\"}}",
                              scopes.data);
                assert_true(line.size <= VAULT_WIRE_MAX_LINE);

                answer = ask(p, line.data);
                if (extra == 0)
                        assert_non_null(strstr(answer, "\"status\":\"success\""));
                else
                        assert_error(answer, "invalid_request",
                                     extra == 1 ? "'access_token'" : "'scopes'");
        }
        answer = ask(p, "{\"id\":1,\"op\":\"get_token\",\"user_id\":\"" LONG_ID
                        "\",\"platform\":\"" SIXTY_FOUR "\",\"account\":\"" SIXTY_FOUR "\"}");
        assert_non_null(strstr(answer, "\"status\":\"success\""));
        assert_true(strlen(answer) > 2 * VAULT_WIRE_MAX_TOKEN);
        assert_null(strstr(answer, "refresh_token"));
}

static void test_the_longest_list_fits(void **state) {
        struct place *p = *state;
        char line[1024];
        const char *answer;

        for (int i = 0; i <= STORE_MAX_PER_USER; i++) {
                snprintf(line, sizeof(line),
                         "{\"id\":1,\"op\":\"store_token\",\"user_id\":\"u1\",\"platform\":"
                         "\"" SIXTY_FOUR "\",\"account\":\"%064d\","
                         "\"credential\":{\"access_token\":\"a\",\"identity\":\"%0256d\"}}",
                         i, i);
                answer = ask(p, line);
        }
        assert_error(answer, "invalid_request", "256 records");
        answer = ask(p, "{\"id\":1,\"op\":\"status\",\"user_id\":\"u1\"}");
        assert_true(strlen(answer) > STORE_MAX_PER_USER * 2 * 64);
}

static void test_refusals_without_a_request(void **state) {
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct ae_error error = { 0 };

        (void)ae_error_set(&error, AE_FORBIDDEN, "no");
        ops_refuse(&error, 0, &b);
        assert_string_equal(b.data, "{\"status\":\"error\",\"error\":{\"code\":\"forbidden\","
                                    "\"message\":\"no\",\"retryable\":false}}");
        buffer_clear(&b);
        ops_refuse(&error, 3, &b);
        assert_non_null(strstr(b.data, "{\"line\":3,"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_store_get_delete, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_expired_and_rejected, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_record_that_does_not_open_is_kept, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_bad_lines_are_refused_by_name, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_what_the_first_version_kept, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_roles, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_apps_are_sealed_by_their_names, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_without_a_way_to_the_providers, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_the_longest_list_fits, set_up, tear_down),
                cmocka_unit_test(test_refusals_without_a_request),
        };

        int r;

        /* What it logs at a lower level is none of a test's. */
        if (sodium_init() < 0 || journal_start(JOURNAL_STDERR, LOG_EMERG) < 0)
                return 1;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        journal_stop();
        return r;
}
