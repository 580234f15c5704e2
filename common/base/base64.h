/* base64: bytes as text (RFC 4648, section 4), for what is no valid UTF-8 and has to be kept in JSON. */
#ifndef ALPINE_BASE_BASE64_H
#define ALPINE_BASE_BASE64_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the text, with padding and without line breaks. */
void base64_encode(const void *data, size_t len, struct buf *text);
/* Appends the bytes. Returns -1, having appended some or none, if the text is not exactly what base64_encode gives.
 */
MUST_CHECK int base64_decode(const char *text, size_t len, struct buf *data);

#endif
