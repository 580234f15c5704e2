/* compress: the only file that knows libzstd. */
#include "base/compress.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { LEVEL = 1, WINDOW_LOG_MAX = 23, FIRST_ROOM = 64 * 1024 };

int compress_pack(const void *data, size_t len, struct buf *packed)
{
    size_t room = ZSTD_compressBound(len);
    if (ZSTD_isError(room) || buf_reserve(packed, room))
        return -1;
    size_t size = ZSTD_compress(packed->data + packed->len, room, data, len, LEVEL);
    if (ZSTD_isError(size))
        return -1;
    buf_truncate(packed, packed->len + size);
    return 0;
}

static enum expand_result reason_of(size_t code)
{
    return ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation ? EXPAND_OUT_OF_MEMORY : EXPAND_MALFORMED;
}

/* Room for what comes next, but not for more than a byte beyond the limit: that one tells that it is too large. */
static int make_room(struct buf *plain, size_t start, size_t limit, ZSTD_outBuffer *out)
{
    size_t used = plain->len - start;
    size_t more = used ? used : FIRST_ROOM;
    if (more > limit + 1 - used)
        more = limit + 1 - used;
    if (buf_reserve(plain, more))
        return -1;
    *out = (ZSTD_outBuffer){plain->data + plain->len, more, 0};
    return 0;
}

bool compress_is_packed(const void *data, size_t len)
{
    static const unsigned char magic[] = {0x28, 0xB5, 0x2F, 0xFD};
    return len >= sizeof magic && !memcmp(data, magic, sizeof magic);
}

enum expand_result compress_expand(const void *data, size_t len, size_t limit, struct buf *plain)
{
    enum expand_result result = EXPAND_OUT_OF_MEMORY;
    ZSTD_inBuffer in = {data, len, 0};
    size_t start = plain->len;
    size_t left = 1; /* 0: a frame is complete */
    bool full = false;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context || ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
        goto out;
    while (in.pos < in.size || (full && left)) {
        ZSTD_outBuffer room;
        if (make_room(plain, start, limit, &room))
            goto out;
        left = ZSTD_decompressStream(context, &room, &in);
        if (ZSTD_isError(left)) {
            result = reason_of(left);
            goto out;
        }
        full = room.pos == room.size;
        buf_truncate(plain, plain->len + room.pos);
        if (plain->len - start > limit) {
            result = EXPAND_TOO_LARGE;
            goto out;
        }
    }
    result = left ? EXPAND_MALFORMED : EXPAND_DONE;
out:
    (void)ZSTD_freeDCtx(context);
    return result;
}
