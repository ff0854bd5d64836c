/* SPDX-License-Identifier: MIT */
#include "action/schema-map.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

void schema_map_done(struct schema_map *map) {
        free(map->slots);
        *map = (struct schema_map){ 0 };
}

/* Where the key is, or where it would be. */
static struct schema_map_slot *find(const struct schema_map *map, const void *key) {
        size_t i = (size_t)(((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15) >> 32;

        while (map->slots[i &= map->capacity - 1].key && map->slots[i].key != key)
                i++;
        return &map->slots[i];
}

static int grow(struct schema_map *map) {
        struct schema_map larger = { .n = map->n, .capacity = 2 * map->capacity ?: 16 };

        larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
        if (!larger.slots)
                return -ENOMEM;
        for (size_t i = 0; i < map->capacity; i++)
                if (map->slots[i].key)
                        *find(&larger, map->slots[i].key) = map->slots[i];
        free(map->slots);
        *map = larger;
        return 0;
}

int schema_map_add(struct schema_map *map, const void *key, void *value) {
        struct schema_map_slot *slot;
        int r;

        if (2 * map->n >= map->capacity) {
                r = grow(map);
                if (r < 0)
                        return r;
        }
        slot = find(map, key);
        if (!slot->key) {
                *slot = (struct schema_map_slot){ key, value };
                map->n++;
        }
        return 0;
}

void *schema_map_get(const struct schema_map *map, const void *key) {
        return map->n > 0 ? find(map, key)->value : NULL;
}
