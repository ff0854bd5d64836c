/* SPDX-License-Identifier: MIT */
#include "base/id.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>

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

void id_uuid7(char ret[static UUID_SIZE]) {
        static uint64_t last_msec;
        static uint16_t sequence; /* 12 bits: rand_a of the RFC, its method 1 */
        uint64_t msec = clock_usec(CLOCK_REALTIME) / USEC_PER_MSEC;
        uint8_t random[8];

        random_bytes(random, sizeof(random));
        if (msec > last_msec) {
                last_msec = msec;
                sequence = (uint16_t)(random[0] & 0x7f); /* leaves room to count up */
        } else if (++sequence > 0xfff) {
                last_msec++; /* more than 4096 in a millisecond, or a clock set back */
                sequence = 0;
        }

        snprintf(ret, UUID_SIZE, "%08x-%04x-7%03x-%04x-%02x%02x%02x%02x%02x%02x",
                 (unsigned)(last_msec >> 16), (unsigned)(last_msec & 0xffff), sequence,
                 0x8000u | (unsigned)(random[0] & 0x3f) << 8 | random[1], random[2], random[3],
                 random[4], random[5], random[6], random[7]);
}

void id_random_hex(size_t n_bytes, char *ret) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < n_bytes; i++) {
                uint8_t byte;

                random_bytes(&byte, 1);
                *ret++ = digits[byte >> 4];
                *ret++ = digits[byte & 0xf];
        }
        *ret = 0;
}
