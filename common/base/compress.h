/* compress: Zstandard, for bodies that travel. */
#ifndef ALPINE_BASE_COMPRESS_H
#define ALPINE_BASE_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* The name of it in Content-Encoding and Accept-Encoding (RFC 8878). */
#define COMPRESS_CODING "zstd"

enum expand_result {
    EXPAND_DONE,
    EXPAND_TOO_LARGE, /* there is more than the limit */
    EXPAND_MALFORMED, /* it is not Zstandard, is damaged, ends too early, or has a window of more than 8 MiB */
    EXPAND_OUT_OF_MEMORY,
};

/* Appends the compressed bytes to packed. Fast rather than small: some 500 MB a second. Returns -1 when out of
 * memory, and then packed is as before. */
MUST_CHECK int compress_pack(const void *data, size_t len, struct buf *packed);

/* Whether it begins as something that was packed. No JSON does. */
bool compress_is_packed(const void *data, size_t len);

/* Appends the expanded bytes to plain, which never gets more than limit of them, whatever the data says of itself.
 */
MUST_CHECK enum expand_result compress_expand(const void *data, size_t len, size_t limit, struct buf *plain);

#endif
