/* arena: memory that is given out piece by piece and freed at once; what it gave never moves. */
#ifndef ALPINE_BASE_ARENA_H
#define ALPINE_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* Zero-initialise it ({0}). */
struct arena {
    struct arena_chunk *chunks;
};

/* Returns len bytes, aligned for any pointer, valid until arena_clear; NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t len);
/* A copy of len bytes with a NUL behind them. */
char *arena_copy(struct arena *arena, const char *data, size_t len);
/* Frees everything and makes it empty. */
void arena_clear(struct arena *arena);
/* The same, and overwrites it first: for secrets. */
void arena_wipe(struct arena *arena);

#endif
