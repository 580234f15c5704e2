/* hex: bytes to hexadecimal digits, and digits to those that we write. */
#ifndef ALPINE_BASE_HEX_H
#define ALPINE_BASE_HEX_H

#include <stddef.h>

#include "base/err.h"

/* Writes 2 * len lower-case digits and a NUL. */
void hex_encode(const unsigned char *bytes, size_t len, char *digits);
/* Copies len digits of either case in lower case, and a NUL behind them. Returns -1 at anything else. */
MUST_CHECK int hex_lower(const char *digits, size_t len, char *lower);

#endif
