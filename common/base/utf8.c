/* utf8: RFC 3629. */
#include "base/utf8.h"

#include <string.h>

static bool continuation(char c)
{
    return ((unsigned char)c & 0xC0U) == 0x80U;
}

static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead < 0xE0)
        return 2;
    if (lead >= 0xE0 && lead < 0xF0)
        return 3;
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

size_t utf8_decode(const char *data, size_t len, uint32_t *code_point)
{
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)data[0];
    size_t size = sequence_length(lead);
    if (!size || size > len)
        return 0;
    uint32_t value = lead & lead_bits[size];
    for (size_t i = 1; i < size; i++) {
        if (!continuation(data[i]))
            return 0;
        value = value << 6 | ((unsigned char)data[i] & 0x3FU);
    }
    if (value < smallest[size] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return 0;
    *code_point = value;
    return size;
}

size_t utf8_encode(uint32_t code_point, char bytes[4])
{
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t size = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        bytes[i] = (char)(0x80U | (code_point & 0x3FU));
        code_point >>= 6;
    }
    bytes[0] = (char)(lead[size] | code_point);
    return size;
}

/* How many of the bytes from here on come in whole words of ASCII. */
static size_t ascii_run(const char *data, size_t len)
{
    size_t run = 0;
    uint64_t word;
    for (; len - run >= sizeof word; run += sizeof word) {
        memcpy(&word, data + run, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return run;
}

bool utf8_valid(const char *data, size_t len)
{
    uint32_t code_point;
    for (size_t at = ascii_run(data, len); at < len;) {
        size_t size = utf8_decode(data + at, len - at, &code_point);
        if (!size)
            return false;
        at += size;
    }
    return true;
}

size_t utf8_length(const char *data, size_t len)
{
    size_t length = 0;
    for (size_t i = 0; i < len; i++)
        length += !continuation(data[i]);
    return length;
}
