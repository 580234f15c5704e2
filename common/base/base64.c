/* base64: three bytes make four letters. */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, struct buf *text)
{
    const unsigned char *bytes = data;
    for (size_t at = 0; at < len; at += 3) {
        size_t left = len - at;
        uint32_t group = (uint32_t)bytes[at] << 16;
        group |= left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0;
        group |= left > 2 ? bytes[at + 2] : 0;
        char letters[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
                           left > 1 ? alphabet[group >> 6 & 63] : '=', left > 2 ? alphabet[group & 63] : '='};
        buf_add(text, letters, sizeof letters);
    }
}

/* How many of the four letters are padding; -1 if it stands where none may be. */
static int padding(const char *letters, int last)
{
    int count = (letters[3] == '=') + (letters[3] == '=' && letters[2] == '=');
    return count && !last ? -1 : count;
}

int base64_decode(const char *text, size_t len, struct buf *data)
{
    if (len % 4)
        return -1;
    for (size_t at = 0; at < len; at += 4) {
        int padded = padding(text + at, at + 4 == len);
        uint32_t group = 0;
        for (int i = 0; i < 4; i++) {
            char letter = i < 4 - padded ? text[at + (size_t)i] : alphabet[0];
            const char *found = letter ? strchr(alphabet, letter) : NULL;
            if (!found || padded < 0)
                return -1;
            group = group << 6 | (uint32_t)(found - alphabet);
        }
        if ((padded == 1 && group & 0xFF) || (padded == 2 && group & 0xFFFF))
            return -1;
        char bytes[3] = {(char)(group >> 16), (char)(group >> 8 & 255), (char)(group & 255)};
        buf_add(data, bytes, (size_t)(3 - padded));
    }
    return data->failed ? -1 : 0;
}
