/* source_lines: signals from lines of JSON, a file or standard input. A position is a line's number. */
#ifndef ALPINE_SENDER_SOURCE_LINES_H
#define ALPINE_SENDER_SOURCE_LINES_H

#include <stdio.h>

#include "seams/source.h"

/* file is borrowed; reading it may block. NULL when out of memory. */
struct source *source_lines_new(FILE *file);
void source_lines_free(struct source *source);

#endif
