/* SPDX-License-Identifier: MIT */
#include "action/scopes.h"

#include <string.h>

bool scopes_hold(const char *text, const char *scope) {
        size_t n = strlen(scope);

        for (const char *p = text; n > 0 && (p = strstr(p, scope)); p += n)
                if ((p == text || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
                        return true;
        return false;
}

bool scopes_hold_any(const char *text, const char *const *list) {
        for (; *list; list++)
                if (scopes_hold(text, *list))
                        return true;
        return false;
}
