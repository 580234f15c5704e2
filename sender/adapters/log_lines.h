/* log_lines: whole lines of a file that is still being written, read at their offsets. */
#ifndef ALPINE_SENDER_LOG_LINES_H
#define ALPINE_SENDER_LOG_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* A line longer than this is no signal; only its beginning is given. */
enum { LOG_LINE_MAX = 1024 * 1024 };

/* Zero-initialise it; log_lines_clear frees it. */
struct log_lines {
    int fd;          /* borrowed */
    int64_t offset;  /* of the next line in the file */
    struct buf data; /* bytes of the file from data_offset on */
    int64_t data_offset;
    int64_t far_line; /* the offset of a line that is too long, … */
    int64_t searched; /* … and how far its end was looked for */
    char *end;        /* where the NUL behind the line that was given stands, … */
    char end_byte;    /* … instead of this; NULL: nowhere */
};

struct log_line {
    const char *text; /* without its end, NUL-terminated; valid until the next call */
    size_t len;
    bool too_long;
    int64_t end; /* the offset right behind the line */
};

/* Goes on reading at this offset of this file. */
void log_lines_seek(struct log_lines *lines, int fd, int64_t offset);
void log_lines_clear(struct log_lines *lines);
/* The next line: 1; 0: no whole line is there yet; -1: it cannot be read (errno). unfinished: what stands behind
 * the last line's end is given as a line too. The offset moves only by log_lines_accept. */
int log_lines_peek(struct log_lines *lines, bool unfinished, struct log_line *line);
/* The line is done with. */
void log_lines_accept(struct log_lines *lines, const struct log_line *line);

#endif
