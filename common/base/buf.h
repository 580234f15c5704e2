/* buf: a growing byte buffer. A failed allocation is remembered, so that a run of appends needs one check. */
#ifndef ALPINE_BASE_BUF_H
#define ALPINE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zero-initialise it ({0}). data is NUL-terminated after the first append; owned by the buf. */
struct buf {
    char *data;
    size_t len;
    size_t capacity;
    bool failed; /* an append ran out of memory; what is there is incomplete */
};

/* Frees the bytes and makes it empty. */
void buf_clear(struct buf *buf);
/* Empties it and keeps the memory for the next use. */
void buf_reset(struct buf *buf);
/* Makes room for `more` bytes beyond len. Returns 0, or -1 and sets failed. */
int buf_reserve(struct buf *buf, size_t more);

/* The rare case of buf_add and buf_add_char: no room yet. */
void buf_add_growing(struct buf *buf, const void *data, size_t len);

static inline void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (len >= buf->capacity - buf->len) {
        buf_add_growing(buf, data, len);
        return;
    }
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

static inline void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_add_text(struct buf *buf, const char *text);
/* Its decimal digits. */
void buf_add_integer(struct buf *buf, int64_t value);
void buf_add_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Cuts it to len bytes; len must not be larger than buf->len. */
void buf_truncate(struct buf *buf, size_t len);
/* Hands the bytes to the caller, who frees them with free(); the buf is empty afterwards. NULL if failed. */
char *buf_take(struct buf *buf, size_t *len);

#endif
