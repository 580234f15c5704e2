/* hex: two digits a byte. */
#include "base/hex.h"

#include <stdbool.h>

void hex_encode(const unsigned char *bytes, size_t len, char *digits)
{
    static const char alphabet[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        digits[2 * i] = alphabet[bytes[i] >> 4];
        digits[2 * i + 1] = alphabet[bytes[i] & 15];
    }
    digits[2 * len] = '\0';
}

int hex_lower(const char *digits, size_t len, char *lower)
{
    static const char lower_digits[256] = {
        ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7',
        ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
        ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
    };
    bool all = true;
    for (size_t i = 0; i < len; i++) {
        lower[i] = lower_digits[(unsigned char)digits[i]];
        all &= lower[i] != 0;
    }
    lower[len] = '\0';
    return all ? 0 : -1;
}
