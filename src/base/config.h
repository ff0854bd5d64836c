/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Configuration files in systemd's spelling: sections in brackets, KEY=VALUE, comments on lines of
 * their own behind # or ;. A table says what keys there are; an unknown key or a bad value is
 * refused with file and line. There is no quoting and no line goes on in the next one: what looks
 * like either a continuation or a comment behind a value is refused, not guessed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads one value into `target` (the struct's base plus the key's offset). Returns 0 or a negative
 * errno; it may set *ret_reason (static text, "is not …") where the errno alone says too little.
 * `section` is the whole text in brackets.
 */
typedef int config_parse_fn(const char *section, const char *value, void *target,
                            const char **ret_reason);

struct config_key {
        const char *section; /* "Engine"; "Adapter *" stands for any section of that beginning */
        const char *name;    /* "MaxConnections" */
        config_parse_fn *parse;
        size_t offset;
};

#define CONFIG_ERROR_SIZE 512

#define CONFIG_MAX_FILE ((size_t)1 << 20)
#define CONFIG_MAX_SECTION 48 /* bytes between the brackets */

/*
 * Reads `path` into `target` if it exists (or must, when `required`), then the files *.conf in the
 * folder of that name with ".d" behind it, in the order of their names. What is read later
 * overrides.
 *
 * Returns 0; a negative errno with one sentence in `error`: then `target` may be half filled, and
 * is the caller's to free all the same.
 */
int config_load(const char *path, bool required, const struct config_key *keys, size_t n_keys,
                void *target, char error[static CONFIG_ERROR_SIZE]);

/*
 * A program's configuration: `path` alone, which must be there; or, when it is NULL, the vendor's
 * file of that `name` ("action-vault.conf") and then the administrator's, which may both be absent.
 * Returns as config_load().
 */
int config_load_program(const char *name, const char *path, const struct config_key *keys,
                        size_t n_keys, void *target, char error[static CONFIG_ERROR_SIZE]);

/*
 * Parsers, by the type of their target. An empty value sets a string or a path back to NULL;
 * the others refuse it. Seconds may have a fraction or a unit (ms, s, min, h), bytes one of K, M
 * and G (powers of 1024), a truth is yes or no, true or false, on or off, 1 or 0.
 */
int config_parse_string(const char *, const char *, void *, const char **);  /* char *, owned */
int config_parse_path(const char *, const char *, void *, const char **);    /* char *, absolute */
int config_parse_bool(const char *, const char *, void *, const char **);    /* bool */
int config_parse_bytes(const char *, const char *, void *, const char **);   /* size_t; K, M, G */
int config_parse_count(const char *, const char *, void *, const char **);   /* unsigned, not 0 */
int config_parse_seconds(const char *, const char *, void *, const char **); /* uint64_t usec */

/* The user of that name or number. Returns 0, -ESRCH when there is none, or a negative errno. */
int config_resolve_user(const char *text, uid_t *ret);
