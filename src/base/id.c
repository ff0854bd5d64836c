/* SPDX-License-Identifier: MIT */
#include "base/id.h"

#include <sodium.h>
#include <stdint.h>

#include "base/clock.h"

/* Enough randomness for many ids at once: the system call costs more than the id. */
static void random_bytes(uint8_t *ret, size_t n) {
        static uint8_t pool[1024];
        static size_t used = sizeof(pool);

        if (n > sizeof(pool) - used) {
                randombytes_buf(pool, sizeof(pool));
                used = 0;
        }
        for (size_t i = 0; i < n; i++) {
                ret[i] = pool[used];
                pool[used++] = 0;
        }
}

static const char hex_digits[] = "0123456789abcdef";

static char *put_hex(char *to, const uint8_t *bytes, size_t n) {
        for (size_t i = 0; i < n; i++) {
                *to++ = hex_digits[bytes[i] >> 4];
                *to++ = hex_digits[bytes[i] & 0xf];
        }
        return to;
}

/* Every request has one, so that this is written out without printf(). */
static void print_uuid(const uint8_t uuid[static 16], char ret[static UUID_SIZE]) {
        static const uint8_t groups[] = { 4, 2, 2, 2, 6 };

        for (size_t i = 0; i < sizeof(groups); i++) {
                if (i > 0)
                        *ret++ = '-';
                ret = put_hex(ret, uuid, groups[i]);
                uuid += groups[i];
        }
        *ret = 0;
}

void id_uuid7(char ret[static UUID_SIZE]) {
        static uint64_t last_msec;
        static uint16_t sequence; /* 12 bits: rand_a of the RFC, its method 1 */
        uint64_t msec = clock_usec(CLOCK_REALTIME) / USEC_PER_MSEC;
        uint8_t uuid[16];

        random_bytes(uuid + 8, 8);
        if (msec > last_msec) {
                last_msec = msec;
                sequence = uuid[15] & 0x7f; /* leaves room to count up */
        } else if (++sequence > 0xfff) {
                last_msec++; /* more than 4096 in a millisecond, or a clock set back */
                sequence = 0;
        }

        for (int i = 0; i < 6; i++)
                uuid[i] = (uint8_t)(last_msec >> (40 - 8 * i));
        uuid[6] = (uint8_t)(0x70 | sequence >> 8);
        uuid[7] = (uint8_t)sequence;
        uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
        print_uuid(uuid, ret);
}

void id_random_hex(size_t n_bytes, char *ret) {
        for (size_t i = 0; i < n_bytes; i++) {
                uint8_t byte;

                random_bytes(&byte, 1);
                ret = put_hex(ret, &byte, 1);
        }
        *ret = 0;
}
