/* SPDX-License-Identifier: MIT */
/*
 * What clang's analyzer cannot see from one file: that ae_error_set() returns a negative errno, so
 * that `if (r < 0) return r;` behind it really leaves.
 */
#include "base/error.h"

#define ae_error_set(...) (ae_error_set(__VA_ARGS__), -1)
