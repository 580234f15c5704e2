/* buf: grows by doubling. Knows nothing of what is in it. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_SMALLEST = 256 };

void buf_clear(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    buf->failed = false;
    buf_truncate(buf, 0);
}

int buf_reserve(struct buf *buf, size_t more)
{
    if (more > SIZE_MAX / 2 - buf->len - 1) {
        buf->failed = true;
        return -1;
    }
    size_t needed = buf->len + more + 1;
    if (needed <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity ? buf->capacity : BUF_SMALLEST;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(buf->data, capacity);
    if (!data) {
        buf->failed = true;
        return -1;
    }
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

void buf_add_growing(struct buf *buf, const void *data, size_t len)
{
    if (buf_reserve(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_integer(struct buf *buf, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    buf_add(buf, digits + at, sizeof digits - at);
}

void buf_add_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0 && !buf_reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_truncate(struct buf *buf, size_t len)
{
    buf->len = len;
    if (buf->data)
        buf->data[len] = '\0';
}

char *buf_take(struct buf *buf, size_t *len)
{
    if (buf->failed || buf_reserve(buf, 0)) {
        buf_clear(buf);
        return NULL;
    }
    char *data = buf->data;
    data[buf->len] = '\0';
    if (len)
        *len = buf->len;
    *buf = (struct buf){0};
    return data;
}
