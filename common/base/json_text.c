/* json_text: escaping as in CPython's Modules/_json.c, ascii_escape_unichar. */
#include "base/json_text.h"

#include <endian.h>
#include <string.h>

#include "base/utf8.h"

enum { REPLACEMENT = 0xFFFD };

static bool plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* The highest bit of the lowest byte that is `c`; of higher bytes perhaps too. */
static uint64_t bytes_equal(uint64_t word, unsigned char c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t zero_where_equal = word ^ (ones * c);
    return (zero_where_equal - ones) & ~zero_where_equal;
}

/* The highest bit of the lowest byte that is not plain; of higher bytes perhaps too. A byte below ' ' borrows from
 * the highest bit, one above ASCII has it already, and DEL reaches it with one more. */
static uint64_t bytes_not_plain(uint64_t word)
{
    uint64_t special = word | (word - UINT64_C(0x2020202020202020)) | (word + UINT64_C(0x0101010101010101)) |
                       bytes_equal(word, '"') | bytes_equal(word, '\\');
    return special & UINT64_C(0x8080808080808080);
}

/* Eight bytes at a time, the first of them in the lowest place. */
size_t json_text_plain(const char *data, size_t len)
{
    size_t run = 0;
    uint64_t word;
    for (; len - run >= sizeof word; run += sizeof word) {
        memcpy(&word, data + run, sizeof word);
        uint64_t special = bytes_not_plain(le64toh(word));
        if (special)
            return run + (size_t)__builtin_ctzll(special) / 8;
    }
    while (run < len && plain(data[run]))
        run++;
    return run;
}

static void add_unit(struct buf *buf, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {
        '\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};
    buf_add(buf, text, sizeof text);
}

static void add_escaped(struct buf *buf, uint32_t code_point)
{
    static const char from[] = "\"\\\n\r\t\f\b";
    static const char to[] = "\"\\nrtfb";
    const char *special = code_point && code_point < 128 ? strchr(from, (int)code_point) : NULL;
    if (special) {
        buf_add_char(buf, '\\');
        buf_add_char(buf, to[special - from]);
    } else if (code_point < 0x10000) {
        add_unit(buf, code_point);
    } else {
        add_unit(buf, 0xD800 | (code_point - 0x10000) >> 10);
        add_unit(buf, 0xDC00 | ((code_point - 0x10000) & 0x3FF));
    }
}

void json_text_string(struct buf *buf, const char *data, size_t len)
{
    buf_add_char(buf, '"');
    for (size_t at = 0; at < len;) {
        size_t run = at + json_text_plain(data + at, len - at);
        buf_add(buf, data + at, run - at);
        at = run;
        if (at == len)
            break;
        uint32_t code_point = REPLACEMENT;
        size_t size = utf8_decode(data + at, len - at, &code_point);
        add_escaped(buf, size ? code_point : REPLACEMENT);
        at += size ? size : 1;
    }
    buf_add_char(buf, '"');
}

void json_text_name(struct buf *buf, const char *name)
{
    if (buf->len && buf->data[buf->len - 1] != '{')
        buf_add_char(buf, ',');
    json_text_string(buf, name, strlen(name));
    buf_add_char(buf, ':');
}

void json_text_member_string(struct buf *buf, const char *name, const char *data, size_t len)
{
    json_text_name(buf, name);
    json_text_string(buf, data, len);
}

void json_text_member_cstring(struct buf *buf, const char *name, const char *text)
{
    json_text_name(buf, name);
    if (text)
        json_text_string(buf, text, strlen(text));
    else
        buf_add_text(buf, "null");
}

void json_text_member_integer(struct buf *buf, const char *name, int64_t value)
{
    json_text_name(buf, name);
    buf_add_integer(buf, value);
}

void json_text_member_bool(struct buf *buf, const char *name, bool value)
{
    json_text_name(buf, name);
    buf_add_text(buf, value ? "true" : "false");
}
