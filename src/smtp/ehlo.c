/* SPDX-License-Identifier: MIT */
#include "smtp/ehlo.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

static void take_pipelining(const char *value, size_t size, struct smtp_features *f) {
        f->pipelining = true;
}

static void take_utf8(const char *value, size_t size, struct smtp_features *f) {
        f->utf8 = true;
}

/* What is no number, or a larger one than any message, is no limit. */
static void take_size(const char *value, size_t size, struct smtp_features *f) {
        size_t n = strspn(value, "0123456789");

        f->size = true;
        f->max_size = 0;
        for (size_t i = 0; n < 19 && i < n && i < size; i++)
                f->max_size = f->max_size * 10 + (uint64_t)(value[i] - '0');
}

/* clang-format off */
static const struct {
        const char *keyword;
        void (*take)(const char *value, size_t size, struct smtp_features *f);
} keywords[] = {
        { "PIPELINING", take_pipelining },
        { "SIZE",       take_size       },
        { "SMTPUTF8",   take_utf8       },
};
/* clang-format on */

static void take_line(const char *line, size_t size, struct smtp_features *f) {
        for (size_t i = 0; i < ELEMENTSOF(keywords); i++) {
                size_t n = strlen(keywords[i].keyword);

                if (size < n || strncasecmp(line, keywords[i].keyword, n) != 0)
                        continue;
                if (size == n)
                        keywords[i].take("", 0, f);
                else if (line[n] == ' ')
                        keywords[i].take(line + n + 1, size - n - 1, f);
        }
}

void smtp_features_read(const char *text, struct smtp_features *ret) {
        *ret = (struct smtp_features){ 0 };

        for (text = strchr(text, '\n'); text; text = strchr(text, '\n')) {
                text++;
                take_line(text, strcspn(text, "\n"), ret);
        }
}
