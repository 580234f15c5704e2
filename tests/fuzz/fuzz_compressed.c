/* fuzz_compressed: a body that says it is compressed. */
#include <string.h>

#include "base/buf.h"
#include "base/compress.h"
#include "fuzz.h"

enum { LIMIT = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf plain = {0};
    struct buf packed = {0};
    struct buf again = {0};
    enum expand_result result = compress_expand(data, size, LIMIT, &plain);
    MUST_HOLD(plain.len <= LIMIT + 1);
    MUST_HOLD(result != EXPAND_TOO_LARGE || plain.len == LIMIT + 1);
    if (result == EXPAND_DONE) {
        MUST_HOLD(!compress_pack(plain.data, plain.len, &packed));
        MUST_HOLD(compress_expand(packed.data, packed.len, LIMIT, &again) == EXPAND_DONE);
        MUST_HOLD(again.len == plain.len && (!plain.len || !memcmp(again.data, plain.data, plain.len)));
    }
    buf_clear(&plain);
    buf_clear(&packed);
    buf_clear(&again);
    return 0;
}
