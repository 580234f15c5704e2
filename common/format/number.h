/* number: a double as CPython's repr writes it. */
#ifndef ALPINE_FORMAT_NUMBER_H
#define ALPINE_FORMAT_NUMBER_H

#include <stddef.h>

enum { NUMBER_SIZE = 32 };

/* Writes a finite double: the shortest digits that read back as the same double, the closest of those; exponent
 * form from 1e16 up and below 1e-4; ".0" where it would look like an integer. Returns the length. */
size_t number_format(double value, char text[NUMBER_SIZE]);

#endif
