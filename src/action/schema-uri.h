/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * References of one schema to another: RFC 3986, and the JSON Pointers in their fragments.
 */

/*
 * Resolves a reference against a base (section 5.2), and leaves the fragment out. Either may be
 * relative: then so is the result. The caller frees *ret. Returns 0 or -ENOMEM.
 */
int schema_uri_resolve(const char *base, const char *reference, char **ret);

/*
 * The fragment of a reference, with its percent-encodings undone; empty when there is none. The
 * caller frees *ret. Returns 0, -EINVAL when it is badly encoded or not UTF-8, -ENOMEM.
 */
int schema_uri_fragment(const char *reference, char **ret);
