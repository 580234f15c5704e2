/* hex: two digits a byte. */
#include "base/hex.h"

void hex_encode(const unsigned char *bytes, size_t len, char *digits)
{
    static const char alphabet[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        digits[2 * i] = alphabet[bytes[i] >> 4];
        digits[2 * i + 1] = alphabet[bytes[i] & 15];
    }
    digits[2 * len] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hex_decode(const char *digits, unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(digits[2 * i]);
        int low = high < 0 ? -1 : digit_value(digits[2 * i + 1]);
        if (low < 0)
            return -1;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}
