/* SPDX-License-Identifier: MIT */
/*
 * What parses must stay the same mailbox through a header and back, in one line of its own, and
 * with no more than one address in it.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Undoes the folding of a header line and gives what stands behind its name. */
static char *unfold(struct buffer *line) {
        char *to = line->data;

        assert(line->size > 2 && strcmp(line->data + line->size - 2, "\r\n") == 0);
        line->data[line->size - 2] = 0;
        for (const char *p = line->data; *p; p++) {
                assert(*p != '\n');
                if (*p == '\r') {
                        assert(p[1] == '\n' && p[2] == ' ');
                        p++;
                        continue;
                }
                *to++ = *p;
        }
        *to = 0;
        return line->data + strlen("X:");
}

static void check_mailbox(const char *text) {
        _cleanup_(mailbox_done) struct mailbox m = { 0 }, again = { 0 };
        _cleanup_(buffer_done) struct buffer line = { 0 };
        const char *reason;
        char *value;

        if (mailbox_parse(text, &m, &reason) < 0)
                return;
        assert(!strpbrk(m.address, "\r\n") && (!m.name || !strpbrk(m.name, "\r\n")));
        assert(mailbox_domain(&m) > m.address + 1 && *mailbox_domain(&m));

        assert(header_mailboxes(&line, "X", &m, 1) == 0);
        value = unfold(&line);
        assert(mailbox_parse(value, &again, &reason) == 0);
        assert(strcmp(m.address, again.address) == 0);
        assert(!m.name == !again.name);
        /* Encoded-words are for the reader of the message to decode. */
        if (m.name && !strstr(value, "=?"))
                assert(strcmp(m.name, again.name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = strndup((const char *)data, size);
        _cleanup_(freep) char *id = NULL;
        const char *reason;

        check_mailbox(text);
        if (message_id_parse(text, &id, &reason) == 0)
                assert(!strpbrk(id, "\r\n <>"));
        return 0;
}
