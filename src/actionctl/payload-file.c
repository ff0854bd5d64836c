/* SPDX-License-Identifier: MIT */
#include "actionctl/payload-file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/call.h"
#include "actionctl/input.h"

/* In base64 it still goes into a line. */
#define MAX_BYTES (CALL_MAX_LINE / 4 * 3)

static int refuse(const char *file, const char *why, char *error) {
        snprintf(error, PAYLOAD_ERROR_SIZE, "'%.150s' %s", file, why);
        return -EINVAL;
}

static int make_text(const char *file, const struct buffer *bytes, cJSON **ret, char *error) {
        struct json_fault fault;
        int r;

        r = payload_string(bytes->data ? bytes->data : "", bytes->size, ret, &fault);
        return r == -EBADMSG ? refuse(file, "holds no text in UTF-8, which this field is", error)
                             : r;
}

static int make_base64(const struct buffer *bytes, cJSON **ret) {
        size_t size = sodium_base64_ENCODED_LEN(bytes->size, sodium_base64_VARIANT_ORIGINAL);
        char *text = malloc(size);

        if (!text)
                return -ENOMEM;
        sodium_bin2base64(text, size, (const unsigned char *)(bytes->data ? bytes->data : ""),
                          bytes->size, sodium_base64_VARIANT_ORIGINAL);
        *ret = cJSON_CreateString(text);
        free(text);
        return *ret ? 0 : -ENOMEM;
}

/* The text of a member, by way of the strict parser. */
static int add_text(cJSON *object, const char *name, const char *text) {
        struct json_fault fault;
        cJSON *item = NULL;
        int r;

        r = payload_string(text, strlen(text), &item, &fault);
        if (r >= 0 && !cJSON_AddItemToObject(object, name, item))
                r = -ENOMEM;
        if (r < 0)
                cJSON_Delete(item);
        return r;
}

static int make_file(const char *file, const struct buffer *bytes, cJSON **ret, char *error) {
        _cleanup_(json_freep) cJSON *object = cJSON_CreateObject(), *content = NULL;
        const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
        int r;

        if (strcmp(file, "-") == 0)
                return refuse(file,
                              "is stdin, which has no name: give a file, or the members of "
                              "the field one by one",
                              error);
        r = add_text(object, "filename", name);
        if (r == -EBADMSG)
                return refuse(file, "has a name that is no text in UTF-8", error);
        if (r >= 0)
                r = add_text(object, "content_type", field_content_type(name));
        if (r >= 0)
                r = make_base64(bytes, &content);
        if (r < 0)
                return r;
        if (!cJSON_AddItemToObject(object, "content_base64", content))
                return -ENOMEM;
        TAKE_PTR(content);
        *ret = TAKE_PTR(object);
        return 0;
}

int payload_file_load(const char *file, enum field_kind kind, cJSON **ret,
                      char error[static PAYLOAD_ERROR_SIZE]) {
        _cleanup_(buffer_done) struct buffer bytes = { 0 };
        int r;

        r = input_bytes(file, MAX_BYTES, &bytes);
        if (r < 0) {
                snprintf(error, PAYLOAD_ERROR_SIZE, "cannot read '%.150s': %s", file,
                         input_reason(r));
                return -EINVAL;
        }
        switch (kind) {
        case FIELD_TEXT:
                return make_text(file, &bytes, ret, error);
        case FIELD_BASE64:
                return make_base64(&bytes, ret);
        case FIELD_FILE:
                return make_file(file, &bytes, ret, error);
        }
        return -EINVAL;
}
