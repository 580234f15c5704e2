/* fuzz_log: the log's line writer, in both formats: one event is one line, whatever is in it. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json_doc.h"
#include "base/log.h"
#include "base/utf8.h"
#include "fuzz.h"

enum { FIELDS = 2 };

/* No control character but the line's end, and nothing that a reader takes for one. */
static void check_printable(const char *line, size_t len)
{
    MUST_HOLD(utf8_valid(line, len));
    for (size_t at = 0; at < len;) {
        uint32_t code_point = 0;
        at += utf8_decode(line + at, len - at, &code_point);
        MUST_HOLD(code_point >= 0x20 && !(code_point >= 0x7F && code_point < 0xA0));
        MUST_HOLD(code_point != 0x2028 && code_point != 0x2029);
    }
}

static void check_json(const char *line, size_t len)
{
    struct err err;
    struct json_doc *doc = json_doc_parse(line, len, &err); /* refuses a name that is there twice */
    MUST_HOLD(doc);
    const struct json_value *root = json_doc_root(doc);
    static const char *const names[] = {"time", "level", "message", "level_", "value"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json_value *value = json_value_member(root, names[i]);
        MUST_HOLD(value && json_value_kind(value) == JSON_KIND_STRING);
    }
    json_doc_free(doc);
}

static void write_line(enum log_format format, const char *const texts[FIELDS])
{
    static char line[1 << 20];
    int fd = memfd_create("log", MFD_CLOEXEC);
    struct log *log = log_open(fd, format, LOG_INFO);
    MUST_HOLD(log);
    log_write(log, LOG_INFO, LOG_WITH(LOG_STR("level", texts[0]), LOG_STR("value", texts[1])), "%s|%s", texts[1],
              texts[0]);
    log_close(log);
    ssize_t len = pread(fd, line, sizeof line, 0);
    MUST_HOLD(len > 0 && memchr(line, '\n', (size_t)len) == line + len - 1);
    check_printable(line, (size_t)len - 1);
    if (format == LOG_JSON)
        check_json(line, (size_t)len - 1);
    (void)close(fd);
}

/* The input is two texts, with a NUL between them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
    size_t first = end ? (size_t)(end - data) : size;
    size_t from = end ? first + 1 : size;
    char *texts[FIELDS] = {strndup((const char *)data, first), strndup((const char *)data + from, size - from)};
    MUST_HOLD(texts[0] && texts[1]);
    write_line(LOG_TEXT, (const char *const *)texts);
    write_line(LOG_JSON, (const char *const *)texts);
    free(texts[0]);
    free(texts[1]);
    return 0;
}
