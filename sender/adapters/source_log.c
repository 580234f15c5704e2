/* source_log: the file that is read now, where it is read, and when the next one is due. */
#include "adapters/source_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/log_lines.h"
#include "base/clock.h"
#include "format/wire.h"

/* By which a file that was written to is told from one that was not. A size alone is not enough: after a rotation
 * by copying and truncating, other lines may fill it to the same one. */
struct look {
    int64_t size; /* -1: it cannot be told */
    int64_t written_ns;
};

static const struct look unseen = {.size = -1};

struct source_log {
    struct source source;
    struct log_files *files;
    int fd;                     /* the file that is read now; -1: none */
    struct log_lines lines;     /* where in it */
    struct place here;          /* behind the last line that was read in it, by which it is known again */
    struct place taken;         /* behind the last signal that was taken, in this file or in one before it */
    struct log_files_read read; /* on the way through rotated files to the current one */
    struct look seen;           /* of the file, before its end was reached last; unseen: it was not */
};

static void close_file(struct source_log *log)
{
    if (log->fd >= 0)
        (void)close(log->fd);
    log->fd = -1;
    log->seen = unseen;
}

static void use_file(struct source_log *log, int fd, const struct place *place)
{
    close_file(log);
    log->fd = fd;
    log->here = *place;
    log_lines_seek(&log->lines, fd, place->position);
}

/* --- finding where to read --------------------------------------------------------------------------------- */

/* Was the file neither truncated nor written anew since it was read? */
static bool is_intact(const struct source_log *log)
{
    return !log->here.position || log_files_holds(log->fd, &log->here);
}

static enum source_status start_at_place(struct source_log *log, const struct place *after, struct err *err)
{
    struct stat now;
    int except = log->fd;
    int fd =
        place_is_start(after) ? log_files_open_current(log->files, err) : log_files_find(log->files, after, except);
    if (fd >= 0) {
        use_file(log, fd, after);
        log->taken = *after;
        return SOURCE_END;
    }
    close_file(log);
    if (place_is_start(after))
        return SOURCE_AWAY;
    if (log_files_stat_current(log->files, &now))
        return SOURCE_REPLACED;
    err_set(err, "it is not there");
    return SOURCE_AWAY;
}

/* SOURCE_END: ready to read. */
static enum source_status make_ready(struct source_log *log, const struct place *after, struct err *err)
{
    bool goes_on = log->fd >= 0 && place_equal(after, &log->taken);
    if (goes_on && is_intact(log))
        return SOURCE_END;
    if (!goes_on)
        close_file(log); /* the file may well be the right one, at another place */
    return start_at_place(log, after, err);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

static bool is_blank(const struct log_line *line)
{
    return line->len == strspn(line->text, " \t\r");
}

static bool give_line(const struct log_line *line, const struct place *place, source_take *take, void *taker)
{
    struct signal signal = {0};
    struct err err = {0};
    struct source_item item = {.place = *place, .signal = &signal, .err = &err};
    if (line->too_long)
        err_set(&err, "the line has more than %d bytes", LOG_LINE_MAX);
    item.fault = line->too_long ? FAULT_MALFORMED : wire_read(line->text, line->len, &signal, &err);
    item.text = item.fault ? line->text : NULL;
    bool taken = take(taker, &item);
    signal_clear(&signal);
    return taken;
}

static enum source_status fail(struct source_log *log, struct err *err)
{
    err_set_errno(err, "the log");
    close_file(log);
    return SOURCE_AWAY;
}

static enum source_status read_file(struct source_log *log, bool unfinished, source_take *take, void *taker,
                                    struct err *err)
{
    struct log_line line;
    int status;
    while ((status = log_lines_peek(&log->lines, unfinished, &line)) > 0) {
        struct place place;
        if (log_files_place(log->fd, line.end, &place))
            return fail(log, err);
        if (!is_blank(&line)) {
            if (!give_line(&line, &place, take, taker))
                return SOURCE_STOPPED;
            log->taken = place;
        }
        log->here = place;
        log_lines_accept(&log->lines, &line);
    }
    return status < 0 ? fail(log, err) : SOURCE_END;
}

static struct look look_at(int fd)
{
    struct stat file;
    if (fstat(fd, &file))
        return unseen;
    return (struct look){file.st_size, file.st_mtim.tv_sec * NS_PER_S + file.st_mtim.tv_nsec};
}

static enum source_status source_read(void *self, const struct place *after, source_take *take, void *taker,
                                      struct err *err)
{
    struct source_log *log = self;
    struct look look;
    enum source_status status = make_ready(log, after, err);
    if (status != SOURCE_END)
        return status;
    for (;;) {
        /* Both are asked before the file is read: what was written until then is read, what comes later is new. */
        bool over = log_files_goes_on(log->files, log->fd, &log->read);
        look = look_at(log->fd);
        status = read_file(log, over, take, taker, err);
        if (status != SOURCE_END || !over)
            break;
        int next = log_files_open_next(log->files, log->fd, &log->read, err);
        if (next < 0)
            return SOURCE_AWAY;
        use_file(log, next, &(struct place){0});
    }
    if (status == SOURCE_END && log_files_is_current(log->files, log->fd))
        log->read.count = 0;
    if (status == SOURCE_END)
        log->seen = look;
    return status;
}

static bool source_changed(void *self)
{
    const struct source_log *log = self;
    struct look look = log->fd < 0 ? unseen : look_at(log->fd);
    if (look.size < 0 || look.size != log->seen.size || look.written_ns != log->seen.written_ns)
        return true;
    return log_files_goes_on(log->files, log->fd, &log->read);
}

static int64_t source_count_after(void *self, const struct place *after)
{
    (void)self;
    (void)after;
    return -1;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static const struct source_ops ops = {source_read, source_changed, source_count_after};

struct source *source_log_new(const char *path, const struct log_files_shut *shut)
{
    struct source_log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->source = (struct source){&ops, log};
    log->fd = -1;
    log->seen = unseen;
    log->files = log_files_new(path, shut);
    if (log->files)
        return &log->source;
    free(log);
    return NULL;
}

void source_log_free(struct source *source)
{
    if (!source)
        return;
    struct source_log *log = source->self;
    close_file(log);
    log_lines_clear(&log->lines);
    log_files_free(log->files);
    free(log);
}
