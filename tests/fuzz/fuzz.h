/* fuzz: what every target has. */
#ifndef ALPINE_FUZZ_H
#define ALPINE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer (or replay.c) calls it with one input after the other; it returns 0, or aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds in every build, with NDEBUG too. */
#define MUST_HOLD(condition)                                                                                       \
    do {                                                                                                           \
        if (!(condition)) {                                                                                        \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                               \
        }                                                                                                          \
    } while (0)

#endif
