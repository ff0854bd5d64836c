/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the tests of OAuth begin with.
 */
#include <string.h>

#include "base/json-scan.h"
#include "oauth/app.h"

/* A JSON text of ours, which must be one. */
static inline struct json_slice json_text(const char *text) {
        struct json_envelope envelope;
        struct json_fault fault;

        assert_int_equal(json_scan(text, strlen(text), &envelope, &fault), 0);
        return envelope.root;
}

static inline void app_from(const char *text, struct oauth_app *ret) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct json_slice json = json_text(text);

        assert_int_equal(oauth_app_parse(&json, ret, &error), 0);
}

#define GOOGLE "{\"profile\":\"google\",\"client_id\":\"id\",\"client_secret\":\"s3cr3t-of-ours\"}"
#define NOTION "{\"profile\":\"notion\",\"client_id\":\"id\",\"client_secret\":\"s3cr3t-of-ours\"}"
#define SLACK "{\"profile\":\"slack\",\"client_id\":\"id\",\"client_secret\":\"s3cr3t-of-ours\"}"
#define SLACK_PUBLIC "{\"profile\":\"slack\",\"client_id\":\"id\",\"client_auth\":\"none\"}"
#define OIDC \
        "{\"profile\":\"oidc\",\"client_id\":\"id\",\"client_secret\":\"s3cr3t-of-ours\"," \
        "\"issuer\":\"https://op.example\"," \
        "\"authorization_endpoint\":\"https://op.example/authorize?tenant=1\"," \
        "\"token_endpoint\":\"https://op.example/token\"}"
