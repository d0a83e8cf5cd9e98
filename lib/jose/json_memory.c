/* SPDX-License-Identifier: MIT */
#include "lib/jose/json_memory.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/crypto.h>

/* Less than what malloc has the kernel map for each caller anew. */
#define CHUNK_SIZE (64u << 10)

#define ALIGNMENT alignof(max_align_t)

struct json_chunk {
    struct json_chunk *next;
    size_t used, size; /* of bytes */
    alignas(ALIGNMENT) uint8_t bytes[];
};

/* What this thread's new values are part of; NULL: each is on its own. */
static _Thread_local struct json_region *filled;

static struct json_chunk *add_chunk(struct json_region *region, size_t least)
{
    size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
    struct json_chunk *chunk =
        size <= SIZE_MAX - sizeof(*chunk) ? malloc(sizeof(*chunk) + size) : NULL;

    if (!chunk)
        return NULL;
    chunk->next = region->chunks;
    chunk->used = 0;
    chunk->size = size;
    region->chunks = chunk;
    return chunk;
}

static void *take(struct json_region *region, size_t size)
{
    struct json_chunk *chunk = region->chunks;
    size_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = NULL;

    if (whole < size)
        return NULL;
    if (!chunk || chunk->size - chunk->used < whole)
        chunk = add_chunk(region, whole);
    if (chunk) {
        memory = chunk->bytes + chunk->used;
        chunk->used += whole;
    }
    return memory;
}

static void *allocate(size_t size)
{
    return filled ? take(filled, size) : malloc(size);
}

/* While a region is filled all that jansson gives up is the region's, which goes as a whole. */
static void release(void *memory)
{
    if (filled || !memory)
        return;
    OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

void json_memory_use(void)
{
    json_set_alloc_funcs(allocate, release);
}

json_t *json_region_load(struct json_region *region, const void *text, size_t size, size_t flags)
{
    *region = (struct json_region){0};
    filled = region;
    region->root = json_loadb(text, size, flags, NULL);
    filled = NULL;
    return region->root;
}

void json_region_free(struct json_region *region)
{
    struct json_chunk *chunk = region->chunks, *next;

    if (!chunk)
        json_decref(region->root);
    for (; chunk; chunk = next) {
        next = chunk->next;
        OPENSSL_cleanse(chunk->bytes, chunk->used);
        free(chunk);
    }
    *region = (struct json_region){0};
}
