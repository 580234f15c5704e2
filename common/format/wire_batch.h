/* wire_batch: cuts a batch into its signals, so that each is parsed alone and a bad one spoils no other. */
#ifndef ALPINE_FORMAT_WIRE_BATCH_H
#define ALPINE_FORMAT_WIRE_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum batch_layout {
    BATCH_LINES, /* NDJSON: one signal a line; empty lines are skipped */
    BATCH_ARRAY, /* one JSON array */
};

struct batch_piece {
    const char *text;
    size_t len;
};

struct wire_batch {
    enum batch_layout layout;
    const char *at;
    const char *end;
    bool opened; /* the array's '[' has been read */
    bool closed;
    bool broken; /* once it is, every further call says so */
};

/* text is borrowed while pieces are taken. */
void wire_batch_init(struct wire_batch *batch, enum batch_layout layout, const char *text, size_t len);
/* Returns 1 and the next piece, 0 at the end, -1 if the array itself is broken (never for lines). What a piece
 * holds is not looked at beyond its brackets and quotes. */
MUST_CHECK int wire_batch_next(struct wire_batch *batch, struct batch_piece *piece, struct err *err);

#endif
