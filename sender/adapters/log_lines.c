/* log_lines: a buffer over pread. */
#include "adapters/log_lines.h"

#include <string.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, SEARCHED_AT_ONCE = 64 * 1024 * 1024 };

void log_lines_seek(struct log_lines *lines, int fd, int64_t offset)
{
    lines->fd = fd;
    lines->offset = offset;
    lines->data_offset = offset;
    lines->end = NULL;
    lines->searched = 0;
    buf_reset(&lines->data);
}

void log_lines_clear(struct log_lines *lines)
{
    buf_clear(&lines->data);
}

static size_t start_of(const struct log_lines *lines)
{
    return (size_t)(lines->offset - lines->data_offset);
}

/* Reads further bytes behind those that are there. Returns how many, 0 at the file's end, -1 on error. */
static ssize_t read_more(struct log_lines *lines)
{
    struct buf *data = &lines->data;
    size_t start = start_of(lines);
    if (start) {
        memmove(data->data, data->data + start, data->len - start);
        buf_truncate(data, data->len - start);
        lines->data_offset = lines->offset;
    }
    if (buf_reserve(data, CHUNK + 1)) {
        data->failed = false;
        return -1;
    }
    ssize_t count = pread(lines->fd, data->data + data->len, CHUNK, lines->data_offset + (int64_t)data->len);
    if (count > 0)
        buf_truncate(data, data->len + (size_t)count);
    return count;
}

/* Looks for the end of the line at the offset, which is too long to be kept. Returns the offset behind it, -1 if it
 * is not there yet, or not found within a bounded number of bytes: the next call goes on from there. */
static int64_t find_far_end(struct log_lines *lines)
{
    char chunk[CHUNK];
    ssize_t count;
    if (lines->far_line != lines->offset || lines->searched <= lines->offset)
        lines->searched = lines->offset + LOG_LINE_MAX;
    lines->far_line = lines->offset;
    int64_t limit = lines->searched + SEARCHED_AT_ONCE;
    while (lines->searched < limit && (count = pread(lines->fd, chunk, sizeof chunk, lines->searched)) > 0) {
        const char *end = memchr(chunk, '\n', (size_t)count);
        if (end)
            return lines->searched + (end - chunk) + 1;
        lines->searched += count;
    }
    return -1;
}

static void set_line(struct log_lines *lines, struct log_line *line, size_t len, int64_t end)
{
    char *text = lines->data.data + start_of(lines);
    lines->end = text + len; /* the line's end, or the room behind the bytes */
    lines->end_byte = *lines->end;
    *lines->end = '\0';
    *line = (struct log_line){.text = text, .len = len, .end = end};
}

static int long_line(struct log_lines *lines, struct log_line *line)
{
    int64_t end = find_far_end(lines);
    if (end < 0)
        return 0;
    set_line(lines, line, LOG_LINE_MAX, end);
    line->too_long = true;
    return 1;
}

/* The line that was given before may be wanted once more. */
static void restore_end(struct log_lines *lines)
{
    if (lines->end)
        *lines->end = lines->end_byte;
    lines->end = NULL;
}

int log_lines_peek(struct log_lines *lines, bool unfinished, struct log_line *line)
{
    size_t searched = 0;
    restore_end(lines);
    for (;;) {
        size_t start = start_of(lines);
        size_t have = lines->data.len > start ? lines->data.len - start : 0;
        const char *text = have ? lines->data.data + start : NULL;
        const char *end = have > searched ? memchr(text + searched, '\n', have - searched) : NULL;
        if (end && end - text <= LOG_LINE_MAX) {
            set_line(lines, line, (size_t)(end - text), lines->offset + (end - text) + 1);
            return 1;
        }
        if (have > LOG_LINE_MAX)
            return long_line(lines, line);
        searched = have;
        ssize_t count = read_more(lines);
        if (count < 0)
            return -1;
        if (count == 0 && unfinished && have) {
            set_line(lines, line, have, lines->offset + (int64_t)have);
            return 1;
        }
        if (count == 0)
            return 0;
    }
}

void log_lines_accept(struct log_lines *lines, const struct log_line *line)
{
    lines->offset = line->end;
    if (lines->offset > lines->data_offset + (int64_t)lines->data.len) {
        buf_reset(&lines->data);
        lines->data_offset = lines->offset;
    }
}
