/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A file for a field of a payload: read, and made what the field wants of it.
 */

#include "actionctl/field-kind.h"

/* "-" is stdin. The caller owns *ret. Returns 0, or a negative errno with a sentence in `error`. */
int payload_file_load(const char *file, enum field_kind kind, cJSON **ret,
                      char error[static PAYLOAD_ERROR_SIZE]);
