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
#include "base/utf8.h"

struct log {
    int fd;
    enum log_format format;
    atomic_int level;
    pthread_mutex_t lock; /* lines longer than PIPE_BUF must not mix */
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log *log_open(int fd, enum log_format format, enum log_level level)
{
    struct log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->fd = fd;
    log->format = format;
    atomic_init(&log->level, (int)level);
    (void)pthread_mutex_init(&log->lock, NULL);
    return log;
}

void log_close(struct log *log)
{
    if (!log)
        return;
    (void)pthread_mutex_destroy(&log->lock);
    free(log);
}

void log_set_level(struct log *log, enum log_level level)
{
    atomic_store(&log->level, (int)level);
}

bool log_enabled(const struct log *log, enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed);
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

/* Text stays readable: only what could break the line, the terminal or the quoting is escaped. */
static void add_escaped(struct buf *line, const char *text, size_t len, bool quoted)
{
    for (size_t at = 0; at < len;) {
        uint32_t code_point;
        size_t size = utf8_decode(text + at, len - at, &code_point);
        bool control = size && (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) ||
                                code_point == 0x2028 || code_point == 0x2029);
        if (!size)
            buf_add_format(line, "\\x%02x", (unsigned char)text[at]);
        else if (code_point == '\n')
            buf_add_text(line, "\\n");
        else if (control)
            buf_add_format(line, "\\u%04x", (unsigned)code_point);
        else if (quoted && (code_point == '"' || code_point == '\\'))
            buf_add_format(line, "\\%c", (char)code_point);
        else
            buf_add(line, text + at, size);
        at += size ? size : 1;
    }
}

static bool bare_word(const char *text)
{
    return *text && !text[strcspn(text, " \t\n\"=\\")];
}

static void add_text_field(struct buf *line, const struct log_field *field)
{
    buf_add_format(line, " %s=", field->key);
    if (field->is_number) {
        buf_add_format(line, "%lld", (long long)field->number);
        return;
    }
    bool quoted = !bare_word(field->text);
    if (quoted)
        buf_add_char(line, '"');
    add_escaped(line, field->text, strlen(field->text), quoted);
    if (quoted)
        buf_add_char(line, '"');
}

static void format_text(struct buf *line, enum log_level level, const struct buf *message,
                        const struct log_field *fields, size_t count)
{
    char now[CLOCK_TEXT_SIZE];
    buf_add_format(line, "%s %s ", clock_format(clock_wall_us(), now), level_names[level]);
    add_escaped(line, message->data, message->len, false);
    for (size_t i = 0; i < count; i++)
        if (fields[i].is_number || fields[i].text)
            add_text_field(line, &fields[i]);
}

static void format_json(struct buf *line, enum log_level level, const struct buf *message,
                        const struct log_field *fields, size_t count)
{
    char now[CLOCK_TEXT_SIZE];
    buf_add_char(line, '{');
    json_text_member_cstring(line, "time", clock_format(clock_wall_us(), now));
    json_text_member_cstring(line, "level", level_names[level]);
    json_text_member_string(line, "message", message->data, message->len);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].is_number)
            json_text_member_integer(line, fields[i].key, fields[i].number);
        else if (fields[i].text)
            json_text_member_cstring(line, fields[i].key, fields[i].text);
    }
    buf_add_char(line, '}');
}

/* A log that cannot be written must not stop the work: what does not go out is dropped. */
static void put_line(struct log *log, const struct buf *line)
{
    (void)pthread_mutex_lock(&log->lock);
    for (size_t done = 0; done < line->len;) {
        ssize_t n = write(log->fd, line->data + done, line->len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    (void)pthread_mutex_unlock(&log->lock);
}

void log_write(struct log *log, enum log_level level, const struct log_field *fields, size_t count,
               const char *format, ...)
{
    if (!log_enabled(log, level))
        return;
    struct buf message = {0};
    struct buf line = {0};
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_add_text(&message, text);
    if (log->format == LOG_JSON)
        format_json(&line, level, &message, fields, count);
    else
        format_text(&line, level, &message, fields, count);
    buf_add_char(&line, '\n');
    if (!line.failed && !message.failed)
        put_line(log, &line);
    buf_clear(&message);
    buf_clear(&line);
}
