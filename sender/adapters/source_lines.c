/* source_lines: reads forward only; a line that was not taken is kept for the next read. */
#include "adapters/source_lines.h"

#include <stdlib.h>
#include <string.h>

#include "format/wire.h"

struct source_lines {
    struct source source;
    FILE *file;
    char *line;
    size_t size;
    ssize_t len;
    bool kept; /* the line was read and not taken */
    int64_t number;
};

static bool next_line(struct source_lines *lines)
{
    if (lines->kept)
        return true;
    do {
        lines->len = getline(&lines->line, &lines->size, lines->file);
        lines->number++;
        if (lines->len < 0)
            return false;
    } while (!lines->line[strspn(lines->line, " \t\r\n")]);
    lines->line[strcspn(lines->line, "\n")] = '\0';
    return true;
}

static bool give_line(struct source_lines *lines, source_take *take, void *taker)
{
    struct signal signal = {0};
    struct err err = {0};
    size_t len = lines->line[lines->len - 1] ? (size_t)lines->len : (size_t)lines->len - 1;
    enum fault fault = wire_read(lines->line, len, &signal, &err);
    struct source_item item = {.place.position = lines->number,
                               .signal = &signal,
                               .fault = fault,
                               .err = &err,
                               .text = fault ? lines->line : NULL};
    lines->kept = !take(taker, &item);
    signal_clear(&signal);
    return !lines->kept;
}

static enum source_status source_read(void *self, const struct place *after, source_take *take, void *taker,
                                      struct err *err)
{
    struct source_lines *lines = self;
    (void)after;
    while (next_line(lines))
        if (!give_line(lines, take, taker))
            return SOURCE_STOPPED;
    if (!ferror(lines->file))
        return SOURCE_END;
    err_set_errno(err, "the input");
    return SOURCE_AWAY;
}

static bool source_changed(void *self)
{
    (void)self;
    return false;
}

static int64_t source_count_after(void *self, const struct place *after)
{
    (void)self;
    (void)after;
    return -1;
}

static const struct source_ops ops = {source_read, source_changed, source_count_after};

struct source *source_lines_new(FILE *file)
{
    struct source_lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return NULL;
    lines->source = (struct source){&ops, lines};
    lines->file = file;
    return &lines->source;
}

void source_lines_free(struct source *source)
{
    if (!source)
        return;
    struct source_lines *lines = source->self;
    free(lines->line);
    free(lines);
}
