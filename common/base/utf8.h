/* utf8: one code point at a time, strictly (no surrogates, no over-long forms, nothing past U+10FFFF). */
#ifndef ALPINE_BASE_UTF8_H
#define ALPINE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the code point at data (len > 0). Returns how many bytes it takes, or 0 if they are not valid. */
size_t utf8_decode(const char *data, size_t len, uint32_t *code_point);
/* Writes 1 to 4 bytes; returns how many. */
size_t utf8_encode(uint32_t code_point, char bytes[4]);
bool utf8_valid(const char *data, size_t len);
/* How many code points valid text has. */
size_t utf8_length(const char *data, size_t len);

#endif
