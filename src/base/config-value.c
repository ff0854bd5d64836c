/* SPDX-License-Identifier: MIT */
/*
 * The values of a configuration: one parser for each type of target.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"

static int refuse(const char **ret_reason, const char *reason) {
        *ret_reason = reason;
        return -EINVAL;
}

int config_parse_string(const char *section, const char *value, void *target,
                        const char **ret_reason) {
        char **string = target, *copy = NULL;

        if (*value) {
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
        }

        free(*string);
        *string = copy;
        return 0;
}

int config_parse_path(const char *section, const char *value, void *target,
                      const char **ret_reason) {
        if (*value && *value != '/')
                return refuse(ret_reason, "is no absolute path");
        return config_parse_string(section, value, target, ret_reason);
}

int config_parse_bool(const char *section, const char *value, void *target,
                      const char **ret_reason) {
        static const char *const words[][2] = {
                { "no", "yes" },
                { "false", "true" },
                { "off", "on" },
                { "0", "1" },
        };
        bool *truth = target;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                for (int yes = 0; yes < 2; yes++)
                        if (strcasecmp(value, words[i][yes]) == 0) {
                                *truth = yes;
                                return 0;
                        }
        return refuse(ret_reason, "is neither yes nor no");
}

/* Decimal digits, at least one. Returns what stands behind them, or NULL. */
static const char *read_digits(const char *text, uint64_t *ret) {
        uint64_t value = 0;
        const char *at = text;

        for (; *at >= '0' && *at <= '9'; at++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
                        return NULL;

        *ret = value;
        return at > text ? at : NULL;
}

struct unit {
        const char *name;
        uint64_t factor;
};

/* The unit that stands there, behind spaces or none; NULL when it is none of these. */
static const struct unit *find_unit(const struct unit *units, size_t n_units, const char *text) {
        text += strspn(text, " ");
        for (size_t i = 0; i < n_units; i++)
                if (strcmp(units[i].name, text) == 0)
                        return &units[i];
        return NULL;
}

int config_parse_bytes(const char *section, const char *value, void *target,
                       const char **ret_reason) {
        static const struct unit units[] = {
                { "", 1 },
                { "K", UINT64_C(1) << 10 },
                { "M", UINT64_C(1) << 20 },
                { "G", UINT64_C(1) << 30 },
        };
        const struct unit *unit;
        uint64_t bytes;
        const char *end = read_digits(value, &bytes);

        unit = end ? find_unit(units, ELEMENTSOF(units), end) : NULL;
        if (!unit || __builtin_mul_overflow(bytes, unit->factor, &bytes) || bytes > SIZE_MAX)
                return refuse(ret_reason, "is no number of bytes, such as 64K, 32M or 1G");

        *(size_t *)target = (size_t)bytes;
        return 0;
}

int config_parse_count(const char *section, const char *value, void *target,
                       const char **ret_reason) {
        uint64_t count;
        const char *end = read_digits(value, &count);

        if (!end || *end || count == 0 || count > UINT_MAX)
                return refuse(ret_reason, "is no whole number from 1 to 4294967295");

        *(unsigned *)target = (unsigned)count;
        return 0;
}

/* Up to six digits behind a point, as millionths. Returns what stands behind them, or NULL. */
static const char *read_millionths(const char *at, uint64_t *ret) {
        uint64_t weight = 100000;

        *ret = 0;
        if (*at != '.')
                return at;
        if (at[1] < '0' || at[1] > '9')
                return NULL;
        for (at++; *at >= '0' && *at <= '9'; at++, weight /= 10) {
                if (weight == 0)
                        return NULL;
                *ret += (uint64_t)(*at - '0') * weight;
        }
        return at;
}

int config_parse_seconds(const char *section, const char *value, void *target,
                         const char **ret_reason) {
        /* clang-format off */
        static const struct unit units[] = {
                { "",    USEC_PER_SEC },
                { "ms",  USEC_PER_MSEC },
                { "s",   USEC_PER_SEC },
                { "min", 60 * USEC_PER_SEC },
                { "h",   3600 * USEC_PER_SEC },
        };
        /* clang-format on */
        const struct unit *unit;
        uint64_t whole, millionths, usec;
        const char *end = read_digits(value, &whole);

        end = end ? read_millionths(end, &millionths) : NULL;
        unit = end ? find_unit(units, ELEMENTSOF(units), end) : NULL;
        if (!unit || __builtin_mul_overflow(whole, unit->factor, &usec) ||
            __builtin_add_overflow(usec, millionths * unit->factor / 1000000, &usec))
                return refuse(ret_reason, "is no time span, such as 0.5, 30s, 5min or 24h");

        *(uint64_t *)target = usec;
        return 0;
}

/* (uid_t)-1 is nobody at all, and is what a failed look-up looks like. */
int config_resolve_user(const char *text, uid_t *ret) {
        const struct passwd *user;
        uint64_t number;
        const char *end = read_digits(text, &number);

        if (end && !*end && number < (uid_t)-1) {
                *ret = (uid_t)number;
                return 0;
        }

        errno = 0;
        user = getpwnam(text);
        if (!user)
                return errno == 0 || errno == ENOENT ? -ESRCH : -errno;
        *ret = user->pw_uid;
        return 0;
}
