/* hex: bytes to hexadecimal digits and back. */
#ifndef ALPINE_BASE_HEX_H
#define ALPINE_BASE_HEX_H

#include <stddef.h>

#include "base/err.h"

/* Writes 2 * len lower-case digits and a NUL. */
void hex_encode(const unsigned char *bytes, size_t len, char *digits);
/* Reads 2 * len digits of either case. Returns -1 at anything else. */
MUST_CHECK int hex_decode(const char *digits, unsigned char *bytes, size_t len);

#endif
