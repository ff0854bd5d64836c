/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What is known of a JSON value, found by its address.
 */

#include <stddef.h>

struct schema_map_slot {
        const void *key; /* NULL: nothing is here */
        void *value;
};

struct schema_map {
        struct schema_map_slot *slots;
        size_t n, capacity; /* the capacity is 0 or a power of two */
};

void schema_map_done(struct schema_map *map);
/* Keeps the value that is there already, if there is one. Returns 0 or -ENOMEM. */
int schema_map_add(struct schema_map *map, const void *key, void *value);
/* NULL when there is none. */
void *schema_map_get(const struct schema_map *map, const void *key);
