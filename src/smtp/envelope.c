/* SPDX-License-Identifier: MIT */
#include "smtp/envelope.h"

struct smtp_envelope *smtp_envelope_free(struct smtp_envelope *e) {
        if (!e)
                return NULL;
        for (size_t i = 0; i < e->n_recipients; i++)
                free(e->recipients[i]);
        free(e->recipients);
        free(e->sender);
        secret_free(e->secret);
        free(e->username);
        free(e->host);
        free(e);
        return NULL;
}
