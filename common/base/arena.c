/* arena: a list of chunks, the newest first. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

/* With its header just within what glibc's malloc keeps ready for each thread (1,032 bytes). */
enum { CHUNK_SIZE = 992 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static struct arena_chunk *add_chunk(struct arena *arena, size_t len)
{
    size_t size = len > CHUNK_SIZE ? len : CHUNK_SIZE;
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    *chunk = (struct arena_chunk){.next = arena->chunks, .size = size};
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t len)
{
    const size_t unit = alignof(void *);
    if (len > SIZE_MAX / 2)
        return NULL;
    len = (len + unit - 1) / unit * unit;
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < len)
        chunk = add_chunk(arena, len);
    if (!chunk)
        return NULL;
    void *piece = chunk->bytes + chunk->used;
    chunk->used += len;
    return piece;
}

char *arena_copy(struct arena *arena, const char *data, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

void arena_clear(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->next)
        digest_wipe(chunk->bytes, chunk->used);
    arena_clear(arena);
}
