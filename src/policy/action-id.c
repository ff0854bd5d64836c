/* SPDX-License-Identifier: MIT */
#include "policy/action-id.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_name(const char *text) {
        return *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

int action_id_write(const char *platform, const char *action_type, char ret[static ACTION_ID_MAX]) {
        char id[ACTION_ID_MAX];
        int n;

        if (!is_name(platform) || !is_name(action_type))
                return -EINVAL;
        n = snprintf(id, sizeof(id), ACTION_ID_PREFIX "%s.%s", platform, action_type);
        if (n >= ACTION_ID_MAX)
                return -EINVAL;
        for (char *p = id; *p; p++)
                if (*p == '_')
                        *p = '-';
        memcpy(ret, id, (size_t)n + 1);
        return 0;
}
