/* timestamp: ISO 8601 as Argo writes it. */
#ifndef ALPINE_FORMAT_TIMESTAMP_H
#define ALPINE_FORMAT_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Reads a date (YYYY-MM-DD), `T` or a space, a time (HH:MM:SS), optionally a fraction of 1 to 9 digits, and
 * optionally `Z` or ±hh:mm; without an offset it is UTC. The date must exist (year 1 to 9999, no second 60).
 * *us is microseconds since 1970-01-01 UTC; finer digits are cut off. Returns -1 for anything else. */
MUST_CHECK int timestamp_parse(const char *text, size_t len, int64_t *us);

#endif
