/* SPDX-License-Identifier: MIT */
/*
 * Headers of another's message: what comes out of them is fit for a header of one's own, and reads
 * the same again.
 */
#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "mail/address-list.h"
#include "mail/address.h"
#include "mail/encoded-word.h"
#include "mail/text.h"

#define MAX_MAILBOXES 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mailbox(const struct mailbox *m) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(mailbox_done) struct mailbox again = { 0 };
        const char *reason;

        mailbox_write(m, &text);
        assert(buffer_error(&text) == 0);
        assert(mailbox_parse(text.data, &again, &reason) == 0);
        assert(strcmp(again.address, m->address) == 0);
        assert(!m->name == !again.name && (!m->name || strcmp(again.name, m->name) == 0));
}

static void check_list(const char *text) {
        struct mailbox *list = NULL;
        const char *reason;
        size_t n = 0;

        if (mailbox_list_parse(text, MAX_MAILBOXES, &list, &n, &reason) < 0)
                assert(!list);
        assert(n <= MAX_MAILBOXES);
        for (size_t i = 0; i < n; i++)
                check_mailbox(&list[i]);
        mailbox_list_free(list, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = strndup((const char *)data, size), *clean = NULL;
        _cleanup_(buffer_done) struct buffer decoded = { 0 };
        const char *reason;

        if (!text || sodium_init() < 0)
                abort();
        check_list(text);
        encoded_words_decode(text, &decoded);
        if (buffer_error(&decoded) == 0 && mail_text_clean(decoded.data, 100, &clean) == 0) {
                assert(mail_text_check(clean, &reason) == 0);
                assert(strlen(clean) <= 100);
        }
        return 0;
}
