/* SPDX-License-Identifier: MIT */
/*
 * The list of revoked tokens, as somebody wrote it: what is understood holds after an entry was
 * added, and the entry with it.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "actionctl/revoked-list.h"
#include "auth/revocation.h"
#include "auth/revocations.h"

#define NOW UINT64_C(1795996800000000)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        int r = sodium_init();

        assert(r >= 0);
        return 0;
}

/* Returns whether the list is one. */
static bool try_list(const char *text, size_t size, const char *jti, size_t *ret_n) {
        _cleanup_(revocations_freep) struct revocations *l = NULL;
        struct ae_error error = { 0 };
        int r;

        r = revocations_parse(text, size, &l, &error);
        if (r < 0) {
                assert(r == -EINVAL && memcmp(error.message, "line ", 5) == 0);
                return false;
        }
        *ret_n = revocations_n(l);
        assert(!jti || revocations_have(l, jti));
        return true;
}

static void try_line(const char *text, size_t size) {
        _cleanup_(revocation_done) struct revocation v = { 0 }, again = { 0 };
        _cleanup_(buffer_done) struct buffer line = { 0 };
        const char *reason = NULL;
        int r;

        r = revocation_read(text, size, &v, &reason);
        assert(r == 0 || (r == -EINVAL && reason));
        if (r < 0 || !v.jti)
                return;
        revocation_write(v.jti, v.expires_at_usec, &line);
        /* Bytes that are no UTF-8 stand there as they are, and cannot be put in quotes. */
        r = revocation_read(line.data, line.size - 1, &again, &reason);
        if (r == 0)
                assert(strcmp(v.jti, again.jti) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct revoked_change change = { "a \"jti\"", NOW, NOW };
        _cleanup_(buffer_done) struct buffer edited = { 0 };
        const char *text = (const char *)data;
        struct ae_error error = { 0 };
        struct revoked_result result;
        size_t n_before, n_after;
        int r;

        try_line(text, size);
        r = revoked_list_edit(text, size, &change, &edited, &result, &error);
        assert(r == 0 || (r == -EINVAL && error.message[0]));
        if (!try_list(text, size, NULL, &n_before)) {
                assert(r < 0);
                return 0;
        }
        assert(r == 0);
        assert(try_list(edited.data, edited.size, change.jti, &n_after));
        assert(n_after + result.n_pruned <= n_before + 1);
        return 0;
}
