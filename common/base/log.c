/* log: formats an event and writes it. Knows nothing of what is worth an event. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/log_limit.h"
#include "base/utf8.h"

struct log {
    int fd;
    atomic_int format;
    atomic_int level;
    pthread_mutex_t lock; /* lines longer than PIPE_BUF must not mix */
    bool cut_off;         /* of the last line only a part was written; guarded by lock */
    atomic_bool gathering;
    _Atomic pthread_t gatherer;
    struct buf gathered; /* the gatherer's own */
    struct log_limit limit;
};

enum { GATHERED_MAX = 64 * 1024, MESSAGE_SIZE = 1024, FIELD_MAX = 8192 };

static const char cut_mark[] = "...";

static const char *const format_names[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json"};
static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log *log_open(int fd, enum log_format format, enum log_level level)
{
    struct log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->fd = fd;
    atomic_init(&log->format, (int)format);
    atomic_init(&log->level, (int)level);
    (void)pthread_mutex_init(&log->lock, NULL);
    log_limit_init(&log->limit);
    return log;
}

void log_set_level(struct log *log, enum log_level level)
{
    atomic_store(&log->level, (int)level);
}

void log_set_format(struct log *log, enum log_format format)
{
    atomic_store(&log->format, (int)format);
}

bool log_enabled(const struct log *log, enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed);
}

int log_format_parse(const char *name, enum log_format *format)
{
    for (size_t i = 0; i < sizeof format_names / sizeof *format_names; i++)
        if (!strcmp(name, format_names[i])) {
            *format = (enum log_format)i;
            return 0;
        }
    return -1;
}

int log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (!strcmp(name, level_names[i])) {
            *level = (enum log_level)i;
            return 0;
        }
    return -1;
}

static void add_escape(struct buf *line, const char *text, size_t size, uint32_t code_point, bool quoted)
{
    bool control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || code_point == 0x2028 ||
                   code_point == 0x2029;
    if (!size)
        buf_add_format(line, "\\x%02x", (unsigned char)*text);
    else if (code_point == '\n')
        buf_add_text(line, "\\n");
    else if (control)
        buf_add_format(line, "\\u%04x", (unsigned)code_point);
    else if (quoted && (code_point == '"' || code_point == '\\'))
        buf_add_format(line, "\\%c", (char)code_point);
    else
        buf_add(line, text, size);
}

/* Text stays readable: only what could break the line, the terminal or the quoting is escaped. */
static void add_escaped(struct buf *line, const char *text, size_t len, bool quoted)
{
    for (size_t at = 0; at < len;) {
        size_t plain = json_text_plain(text + at, len - at);
        buf_add(line, text + at, plain);
        at += plain;
        for (size_t word = at + sizeof(uint64_t); at < len && at < word;) {
            uint32_t code_point = 0;
            size_t size = utf8_decode(text + at, len - at, &code_point);
            add_escape(line, text + at, size, code_point, quoted);
            at += size ? size : 1;
        }
    }
}

/* As much of a text as is shown: whole characters, if there are any. */
static size_t shown(const char *text, size_t most)
{
    size_t len = strnlen(text, most + 1);
    if (len <= most)
        return len;
    len = most;
    while (len > most - 4 && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    return len;
}

static bool bare_word(const char *text)
{
    return *text && !text[strcspn(text, " \t\n\"=\\")];
}

static void add_text_field(struct buf *line, const struct log_field *field)
{
    buf_add_char(line, ' ');
    buf_add_text(line, field->key);
    buf_add_char(line, '=');
    if (field->is_number) {
        buf_add_integer(line, field->number);
        return;
    }
    bool quoted = !bare_word(field->text);
    if (quoted)
        buf_add_char(line, '"');
    size_t len = shown(field->text, FIELD_MAX);
    add_escaped(line, field->text, len, quoted);
    if (field->text[len])
        buf_add_text(line, cut_mark);
    if (quoted)
        buf_add_char(line, '"');
}

static void format_text(struct buf *line, enum log_level level, const char *message, const struct log_field *fields,
                        size_t count)
{
    char now[CLOCK_TEXT_SIZE];
    buf_add_text(line, clock_format(clock_wall_us(), now));
    buf_add_char(line, ' ');
    buf_add_text(line, level_names[level]);
    buf_add_char(line, ' ');
    add_escaped(line, message, strlen(message), false);
    for (size_t i = 0; i < count; i++)
        if (fields[i].is_number || fields[i].text)
            add_text_field(line, &fields[i]);
}

/* A line's own members come first, and a JSON object has each name once. */
static const char *json_key(const char *key)
{
    static const char *const own[][2] = {{"time", "time_"}, {"level", "level_"}, {"message", "message_"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (*key == *own[i][0] && !strcmp(key, own[i][0]))
            return own[i][1];
    return key;
}

static void add_json_text(struct buf *line, const char *key, const char *text)
{
    size_t len = shown(text, FIELD_MAX);
    json_text_member_string(line, key, text, len);
    if (text[len] && !line->failed) {
        buf_truncate(line, line->len - 1); /* the quote */
        buf_add_format(line, "%s\"", cut_mark);
    }
}

static void format_json(struct buf *line, enum log_level level, const char *message, const struct log_field *fields,
                        size_t count)
{
    char now[CLOCK_TEXT_SIZE];
    buf_add_char(line, '{');
    json_text_member_cstring(line, "time", clock_format(clock_wall_us(), now));
    json_text_member_cstring(line, "level", level_names[level]);
    json_text_member_cstring(line, "message", message);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].is_number)
            json_text_member_integer(line, json_key(fields[i].key), fields[i].number);
        else if (fields[i].text)
            add_json_text(line, json_key(fields[i].key), fields[i].text);
    }
    buf_add_char(line, '}');
}

/* How much of it went out. */
static size_t write_out(int fd, const char *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(fd, data + done, len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

/* A log that cannot be written must not stop the work: what does not go out is dropped. After a part of a line
 * nothing is written before that line's end is. */
static void put(struct log *log, const struct buf *lines)
{
    (void)pthread_mutex_lock(&log->lock);
    if (log->cut_off)
        log->cut_off = !write_out(log->fd, "\n", 1);
    if (!log->cut_off) {
        size_t done = write_out(log->fd, lines->data, lines->len);
        log->cut_off = done && lines->data[done - 1] != '\n';
    }
    (void)pthread_mutex_unlock(&log->lock);
}

static bool gathers(struct log *log)
{
    return atomic_load(&log->gathering) && pthread_equal(atomic_load(&log->gatherer), pthread_self());
}

static void put_gathered(struct log *log)
{
    if (log->gathered.len && !log->gathered.failed)
        put(log, &log->gathered);
    buf_reset(&log->gathered);
}

void log_gather(struct log *log)
{
    atomic_store(&log->gatherer, pthread_self());
    atomic_store(&log->gathering, true);
}

void log_flush(struct log *log)
{
    atomic_store(&log->gathering, false);
    put_gathered(log);
    buf_clear(&log->gathered);
}

static void format_line(const struct log *log, struct buf *line, enum log_level level, const char *message,
                        const struct log_field *fields, size_t count)
{
    if (log->format == LOG_JSON)
        format_json(line, level, message, fields, count);
    else
        format_text(line, level, message, fields, count);
    buf_add_char(line, '\n');
}

static void write_event(struct log *log, enum log_level level, const struct log_field *fields, size_t count,
                        const char *message)
{
    if (gathers(log)) {
        format_line(log, &log->gathered, level, message, fields, count);
        if (log->gathered.len > GATHERED_MAX)
            put_gathered(log);
        return;
    }
    struct buf line = {0};
    format_line(log, &line, level, message, fields, count);
    if (!line.failed)
        put(log, &line);
    buf_clear(&line);
}

__attribute__((format(printf, 2, 0))) static void format_message(char message[MESSAGE_SIZE], const char *format,
                                                                 va_list args)
{
    if (vsnprintf(message, MESSAGE_SIZE, format, args) >= MESSAGE_SIZE)
        memcpy(message + shown(message, MESSAGE_SIZE - sizeof cut_mark), cut_mark, sizeof cut_mark);
}

/* --- what is suppressed ------------------------------------------------------------------------------------ */

/* A format for people: each of its conversions is an ellipsis. */
static void add_kind(struct buf *text, const char *format)
{
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            buf_add_char(text, *at);
            continue;
        }
        at += 1 + strcspn(at + 1, "diouxXfgesc%");
        buf_add_text(text, *at == '%' ? "%" : cut_mark);
        if (!*at)
            break;
    }
}

static void tell_suppressed(struct log *log, int64_t now_ns)
{
    struct log_kind kind;
    while (log_limit_next(&log->limit, now_ns, &kind)) {
        struct buf text = {0};
        buf_add_format(&text, "The log suppressed %lld lines like this: ", (long long)kind.suppressed);
        add_kind(&text, kind.format);
        if (!text.failed && log_enabled(log, (enum log_level)kind.level))
            write_event(log, (enum log_level)kind.level, LOG_WITH(LOG_INT("suppressed", kind.suppressed)),
                        text.data);
        buf_clear(&text);
    }
}

void log_tick(struct log *log)
{
    int64_t due = log_limit_due(&log->limit);
    if (due == INT64_MAX)
        return;
    int64_t now = clock_monotonic_ns();
    if (now >= due)
        tell_suppressed(log, now);
}

void log_close(struct log *log)
{
    if (!log)
        return;
    tell_suppressed(log, INT64_MAX);
    (void)pthread_mutex_destroy(&log->lock);
    log_limit_clear(&log->limit);
    buf_clear(&log->gathered);
    free(log);
}

/* ----------------------------------------------------------------------------------------------------------- */

void log_write(struct log *log, enum log_level level, const struct log_field *fields, size_t count,
               const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;
    if (!log_enabled(log, level))
        return;
    log_tick(log);
    va_start(args, format);
    format_message(message, format, args);
    va_end(args);
    write_event(log, level, fields, count, message);
}

void log_write_limited(struct log *log, enum log_level level, const struct log_field *fields, size_t count,
                       const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;
    if (!log_enabled(log, level))
        return;
    log_tick(log);
    if (!log_limit_take(&log->limit, format, (int)level, clock_monotonic_ns()))
        return;
    va_start(args, format);
    format_message(message, format, args);
    va_end(args);
    write_event(log, level, fields, count, message);
}
