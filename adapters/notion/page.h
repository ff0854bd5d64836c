/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A page, as Notion answers it.
 */

#include <cjson/cJSON.h>

/* Its id, borrowed; NULL when that is none. */
const char *page_id(const cJSON *page);

/* Its address, borrowed; NULL when there is none that a browser would go to. */
const char *page_url(const cJSON *page);

/* Makes {page_id, url}. The caller owns *ret. Returns 0, -EBADMSG without an id, or -ENOMEM. */
int page_result(const cJSON *page, cJSON **ret);
