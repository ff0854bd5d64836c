/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * So that a program cannot wear a person down: for each uid one question at a time, and after each
 * that did not end in a yes a pause, which doubles up to 64 times its length while no yes comes.
 * Pure: knows no clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A uid is remembered until its pause is over; so many at once. */
#define PERSON_MAX_UIDS 256

struct person_uid {
        uid_t uid;
        bool open; /* a question is */
        unsigned n_refused;
        uint64_t free_usec; /* when the next may be asked */
};

struct person_limits {
        uint64_t pause_usec;
        struct person_uid uids[PERSON_MAX_UIDS];
        size_t n;
};

enum person_end {
        PERSON_APPROVED,
        PERSON_REFUSED, /* said no, said nothing in time, or was asked in vain */
        PERSON_NOT_REACHED,
};

/* Returns 0, or -EAGAIN with the time to wait: then nothing was opened. */
int person_open(struct person_limits *l, uid_t uid, uint64_t now_usec, uint64_t *ret_wait_usec);
void person_close(struct person_limits *l, uid_t uid, enum person_end end, uint64_t now_usec);
