/* symbol: ASCII by itself, everything else by the C library's C.UTF-8 tables. */
#include "format/symbol.h"

#include <ctype.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <wctype.h>

#include "base/utf8.h"

static bool all_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

static const char *normalise_ascii(struct arena *arena, const char *text, size_t len, size_t *result_len)
{
    while (len && strchr(" \t\n\r\v\f", text[0])) {
        text++;
        len--;
    }
    while (len && strchr(" \t\n\r\v\f", text[len - 1]))
        len--;
    char *upper = arena_copy(arena, text, len);
    for (size_t i = 0; upper && i < len; i++)
        upper[i] = upper[i] >= 'a' && upper[i] <= 'z' ? (char)(upper[i] - 'a' + 'A') : upper[i];
    *result_len = len;
    return upper;
}

/* An upper-case letter takes at most one byte more than its lower-case one, and a code point at most four. */
static const char *normalise_unicode(struct arena *arena, const char *text, size_t len, size_t *result_len,
                                     locale_t locale)
{
    char *upper = arena_alloc(arena, len * 2 + 1);
    size_t used = 0;
    size_t end = 0; /* behind the last character that is no white space */
    for (size_t at = 0; upper && at < len;) {
        uint32_t code_point = 0;
        size_t size = utf8_decode(text + at, len - at, &code_point);
        bool space = locale && iswspace_l((wint_t)code_point, locale);
        if (!space || end) {
            uint32_t other = locale ? (uint32_t)towupper_l((wint_t)code_point, locale) : code_point;
            used += utf8_encode(other, upper + used);
        }
        if (!space)
            end = used;
        at += size ? size : 1;
    }
    if (upper)
        upper[end] = '\0';
    *result_len = end;
    return upper;
}

const char *symbol_normalise(struct arena *arena, const char *text, size_t len, size_t *result_len)
{
    if (all_ascii(text, len))
        return normalise_ascii(arena, text, len, result_len);
    locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    const char *result = normalise_unicode(arena, text, len, result_len, locale);
    if (locale)
        freelocale(locale);
    return result;
}
