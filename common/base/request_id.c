/* request_id: see request_id.h. */
#include "base/request_id.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"

void request_id_make(char id[REQUEST_ID_SIZE])
{
    int64_t bits = 0;
    unsigned char bytes[REQUEST_ID_SIZE / 2];
    struct err ignored;
    if (digest_random(bytes, sizeof bytes, &ignored)) {
        bits = clock_monotonic_ns(); /* no secret: it only has to be another one */
        memcpy(bytes, &bits, sizeof bytes);
    }
    hex_encode(bytes, sizeof bytes, id);
}

bool request_id_is_sane(const char *id)
{
    size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return len && len <= REQUEST_ID_MAX && !id[len];
}
