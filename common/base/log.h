/* log: one line per event on stderr, as text or JSON. Every function may be called from any thread. */
#ifndef ALPINE_BASE_LOG_H
#define ALPINE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log; /* where to, in which format, from which level on */

/* One key=value pair. text is borrowed for the call; a NULL text leaves the pair out. */
struct log_field {
    const char *key;
    const char *text;
    int64_t number;
    bool is_number;
};

/* fd stays the caller's. Returns NULL when out of memory. */
struct log *log_open(int fd, enum log_format format, enum log_level level);
void log_close(struct log *log);
/* From now on nothing below level is written. */
void log_set_level(struct log *log, enum log_level level);
/* From now on lines look like this. */
void log_set_format(struct log *log, enum log_format format);
bool log_enabled(const struct log *log, enum log_level level);
/* Reads "text" or "json"; -1 for anything else. */
MUST_CHECK int log_format_parse(const char *name, enum log_format *format);
/* Reads "debug", "info", "warn", "error"; -1 for anything else. */
MUST_CHECK int log_level_parse(const char *name, enum log_level *level);

/* Writes one event in one write(2): the message (formatted as printf does) and its fields. Whatever came from
 * outside is escaped: control characters, invalid UTF-8, quotes. A message beyond 1,023 bytes, and a field's text
 * beyond 8,192, is cut and ends in "...". fields may be NULL when count is 0. */
void log_write(struct log *log, enum log_level level, const struct log_field *fields, size_t count,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for what others can cause as often as they like: of one format (a literal) and level, LOG_LIMIT_BURST
 * lines are written in an interval (base/log_limit.h), and a line that tells how many more there were when it is
 * over. Never for what is evidence: that a signal was delivered or stored. */
void log_write_limited(struct log *log, enum log_level level, const struct log_field *fields, size_t count,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Tells of suppressed lines whose interval is over. Every log_write does it too, and log_close for all of them;
 * this is for a loop that may have nothing else to say. Costs next to nothing when there are none. */
void log_tick(struct log *log);

/* What this thread logs from now on is kept, and written in one write(2) by log_flush (or sooner, if it is much):
 * for whoever logs many lines in a row. One thread at a time may do that, now this and now that one; the lines
 * of others are not held up. */
void log_gather(struct log *log);
void log_flush(struct log *log);

#define LOG_STR(name, value) ((struct log_field){.key = (name), .text = (value)})
#define LOG_INT(name, value) ((struct log_field){.key = (name), .number = (value), .is_number = true})
/* LOG_WITH(LOG_STR("id", id), LOG_INT("n", n)) is the two arguments `fields, count` of log_write. */
#define LOG_WITH(...)                                                                                              \
    (const struct log_field[]){__VA_ARGS__},                                                                       \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)
#define LOG_PLAIN NULL, 0

#endif
