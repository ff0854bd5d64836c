/* SPDX-License-Identifier: MIT */
#include "common/http-date.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>

#include "base/clock.h"

int http_date(const char *header, uint64_t *ret_usec) {
        time_t date;

        /* curl_getdate() also reads a bare time or number; a date begins with its day's name. */
        if (!isalpha((unsigned char)*header))
                return -EBADMSG;
        date = curl_getdate(header, NULL);
        if (date < 0)
                return -EBADMSG;
        *ret_usec = (uint64_t)date * USEC_PER_SEC;
        return 0;
}
