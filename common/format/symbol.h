/* symbol: how a symbol is stored. */
#ifndef ALPINE_FORMAT_SYMBOL_H
#define ALPINE_FORMAT_SYMBOL_H

#include <stddef.h>

#include "base/arena.h"

/* Trims white space and turns valid UTF-8 into upper case, letter for letter. The result lives in the arena;
 * NULL when out of memory. */
const char *symbol_normalise(struct arena *arena, const char *text, size_t len, size_t *result_len);

#endif
