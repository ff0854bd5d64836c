/* SPDX-License-Identifier: MIT */
#include "smtp/recipients.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "mail/address.h"

static bool is_listed(const struct smtp_recipient *list, size_t n, const char *address) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(list[i].address, address) == 0)
                        return true;
        return false;
}

int smtp_recipients_list(const struct email *e, struct smtp_recipient **ret, size_t *ret_n) {
        const struct {
                const char *name;
                const struct mailboxes *mailboxes;
        } fields[] = {
                { "to", &e->message.to },
                { "cc", &e->message.cc },
                { "bcc", &e->message.bcc },
        };
        struct smtp_recipient *list;
        size_t n = 0;

        list = calloc(e->message.to.n + e->message.cc.n + e->message.bcc.n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                for (size_t k = 0; k < fields[i].mailboxes->n; k++) {
                        const char *address = fields[i].mailboxes->items[k].address;

                        if (!is_listed(list, n, address))
                                list[n++] = (struct smtp_recipient){ address, fields[i].name, k };
                }
        *ret = list;
        *ret_n = n;
        return 0;
}

void smtp_recipient_path(const struct smtp_recipient *recipient, const cJSON *payload,
                         char ret[static SMTP_PATH_SIZE]) {
        if (cJSON_IsArray(json_member(payload, recipient->field)))
                snprintf(ret, SMTP_PATH_SIZE, "/%s/%zu", recipient->field, recipient->index);
        else
                snprintf(ret, SMTP_PATH_SIZE, "/%s", recipient->field);
}
