/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A request line in the making, and beside it the same line as it may be shown: with "***" where
 * secrets stand. Pure: knows no socket. Memory running out shows in request_end().
 */

#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"

struct request {
        struct buffer line;
        struct buffer shown;
};

void request_begin(struct request *q, const char *id, const char *op);
/* A NULL is left out. */
void request_string(struct request *q, const char *name, const char *value);
void request_integer(struct request *q, const char *name, int64_t value);
void request_true(struct request *q, const char *name);
void request_json(struct request *q, const char *name, const cJSON *value);
/* A text that json_scan() has accepted: its numbers stay as they are, its line breaks do not. */
void request_text(struct request *q, const char *name, const char *text, size_t size);
/* The same for what nobody may read. */
void request_secret_text(struct request *q, const char *name, const char *text, size_t size);
void request_secret_string(struct request *q, const char *name, const char *value, size_t size);
/* Returns 0 or -ENOMEM. */
int request_end(struct request *q);
void request_done(struct request *q);
