/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What actionctl reads besides its arguments: files, or stdin by the name "-". Failures are told
 * here; what is returned then is the exit code.
 */

#include <stddef.h>

#include "actionctl/ctl.h"
#include "base/buffer.h"
#include "base/secret.h"

/* Below a home folder: where setup puts the user's token. */
#define INPUT_TOKEN_FILE ".config/action-engine/token"

/*
 * Appends what a file holds, or a pipe that somebody else writes to. Tells nothing. Returns 0;
 * -EFBIG beyond `max`; -ENXIO for what may never end, or never begin: a FIFO by its name, a device,
 * a socket; or another errno.
 */
int input_bytes(const char *path, size_t max, struct buffer *to);
/* What such an errno means. */
const char *input_reason(int r);

/* Reads one JSON object, however it is laid out. Returns 0 or an exit code. */
int input_json(const char *path, size_t max, struct buffer *ret);
/* The same for what nobody else may see. The caller owns *ret. */
int input_secret_json(const char *path, size_t max, struct secret **ret);

/*
 * The token from --token-file, else $ACTION_ENGINE_TOKEN, else $ACTION_ENGINE_TOKEN_FILE, else where
 * setup puts it; *ret is NULL when there is none. The caller owns it. Returns 0 or an exit code.
 */
int input_token(const struct ctl *ctl, struct secret **ret);
/* One word from a file, a token or the like, without the white space around it. The same. */
int input_word_file(const char *path, const char *what, struct secret **ret);
