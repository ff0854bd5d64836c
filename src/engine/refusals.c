/* SPDX-License-Identifier: MIT */
#include "engine/refusals.h"

#include <stddef.h>

#include "base/clock.h"

#define WINDOW_USEC (60 * USEC_PER_SEC)

static size_t find_row(struct refusals *r, uid_t uid) {
        size_t oldest = 0;

        for (size_t i = 0; i < REFUSALS_UIDS; i++) {
                uint64_t since = r->rows[i].window.since_usec;

                if (since > 0 && r->rows[i].uid == uid)
                        return i;
                if (since < r->rows[oldest].window.since_usec)
                        oldest = i;
        }
        r->rows[oldest].uid = uid;
        r->rows[oldest].window = (struct refusals_window){ 0 };
        r->rows[oldest].n_untold = 0;
        return oldest;
}

static void renew(struct refusals_window *w, uint64_t now_usec) {
        if (w->since_usec == 0 || now_usec - w->since_usec >= WINDOW_USEC)
                *w = (struct refusals_window){ .since_usec = now_usec };
}

bool refusals_admit(struct refusals *r, uid_t uid, uint64_t now_usec, unsigned *ret_n_untold) {
        size_t i = find_row(r, uid);

        renew(&r->all, now_usec);
        renew(&r->rows[i].window, now_usec);
        if (r->all.n >= REFUSALS_PER_MINUTE || r->rows[i].window.n >= REFUSALS_PER_UID) {
                r->rows[i].n_untold++;
                return false;
        }
        r->all.n++;
        r->rows[i].window.n++;
        *ret_n_untold = r->rows[i].n_untold;
        r->rows[i].n_untold = 0;
        return true;
}
