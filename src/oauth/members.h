/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Flat JSON objects as tables: which members there are, where in a struct each belongs, and what
 * may stand in it. The same table reads and prints. For oauth/ alone. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/json-scan.h"
#include "base/secret.h"

#define OAUTH_MAX_TOKEN 16384        /* bytes, as the vault has it */
#define OAUTH_MAX_CLIENT_SECRET 1024 /* bytes: in a header each may take four */
#define OAUTH_MAX_IDENTITY 256       /* bytes */
#define OAUTH_MAX_SCOPES 128
#define OAUTH_MAX_SCOPE 256 /* bytes */

enum member_type {
        MEMBER_TEXT,   /* char *, owned */
        MEMBER_SECRET, /* struct secret *, owned */
        MEMBER_BOOL,   /* bool */
        MEMBER_SLICE,  /* struct json_slice, borrowed; is not printed */
};

struct member {
        const char *name;
        enum member_type type;
        size_t offset; /* into the struct */
        size_t max;    /* bytes, of a text */
        bool (*is_valid)(const char *text);
        const char *rule; /* "be …": what a person is told to do */
};

struct members {
        const struct member *rows;
        size_t n;
        bool open; /* members that have no row are passed over */
};

#define MEMBERS(table) \
        (struct members) { \
                .rows = (table), .n = ELEMENTSOF(table) \
        }

/* What was wrong: a row's value, or for NULL a member of that name. */
struct members_fault {
        const struct member *row;
        char name[64];
};

/*
 * Reads a scanned JSON object into a zeroed struct, which is the caller's to be done, also after a
 * failure. Returns 0; -EBADMSG with *ret set (both of its fields empty: it is no object); -ENOMEM.
 */
int members_read(const struct members *members, const struct json_slice *object, void *into,
                 struct members_fault *ret);

/* Prints what is there, as members of an object that is open; true of what is a truth. */
void members_print(const struct members *members, const void *from, struct buffer *to);

/* Bytes that members_print() will not exceed: a buffer that has to grow leaves copies behind. */
size_t members_size(const struct members *members, const void *from);

/* Prints one member; a comma stands before all but the first of an object. */
void member_print_name(const char *name, struct buffer *to);
void member_print(const char *name, const char *text, struct buffer *to);

/* RFC 6749 appendix A: VSCHAR, which is printable ASCII; a scope-token. Never empty. */
bool text_is_vschar(const char *text);
bool text_is_scope(const char *text);
/* UTF-8 is known to be; no control characters, and not empty. */
bool text_is_line(const char *text);

/* A scanned string as a secret: 1 to `max` bytes of VSCHAR. Returns 0, -EINVAL, -ENOMEM. */
int secret_from_slice(const struct json_slice *s, size_t max, struct secret **ret);
