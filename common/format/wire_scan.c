/* wire_scan: one pass over a copy of the text, without a tree. Strings stay where they are in the copy, which is
 * the signal's: an escape gives way to what it stands for, and the closing quote to a NUL. It takes only what it is
 * sure of. What is nested, has an escape in a name, has a name twice, or has too many digits is left to json_doc,
 * and so is everything that is broken: so there is one place that refuses, and one wording of each reason. */
#include "format/wire_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/utf8.h"

enum {
    STRANGERS_MAX = 16, /* members without a field; more of them are left to json_doc */
    DIGITS_MAX = 18,    /* that always fit into 63 bits */
    NUMBER_MAX = 64,    /* characters */
};

/* Up to here every whole number is a double, and so is every power of ten below: their quotient rounds once. */
#define EXACT_MAX 9007199254740992
#define POWER_MAX 22

struct text {
    const char *data;
    size_t len;
};

struct scan {
    char *at;
    const char *end;
    struct signal *signal;
    bool is_foreign; /* the string so far is not all ASCII */
    size_t expected; /* the field that comes next if the members come in the order of the fields */
    size_t stranger_count;
    struct text strangers[STRANGERS_MAX];
};

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
        scan->at++;
}

static bool accept(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static bool accept_word(struct scan *scan, const char *word, size_t len)
{
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* --- strings ----------------------------------------------------------------------------------------------- */

/* Moves to the first quote or backslash. False: a control character, or the end, comes before it. */
static bool skip_plain(struct scan *scan)
{
    scan->at += json_text_plain(scan->at, (size_t)(scan->end - scan->at));
    for (; scan->at < scan->end && (unsigned char)*scan->at >= ' '; scan->at++) {
        if (*scan->at == '"' || *scan->at == '\\')
            return true;
        scan->is_foreign |= (unsigned char)*scan->at >= 0x80;
    }
    return false;
}

static bool read_unit(struct scan *scan, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = scan->at < scan->end ? *scan->at++ : 0;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        *unit = *unit << 4 | digit;
    }
    return true;
}

/* Behind "\u". Half a pair is no character, and U+0000 is refused. */
static bool read_code_point(struct scan *scan, uint32_t *code_point)
{
    uint32_t low;
    if (!read_unit(scan, code_point) || !*code_point)
        return false;
    if (*code_point < 0xD800 || *code_point > 0xDFFF)
        return true;
    if (*code_point > 0xDBFF || !accept_word(scan, "\\u", 2) || !read_unit(scan, &low) || low < 0xDC00 ||
        low > 0xDFFF)
        return false;
    *code_point = 0x10000 + ((*code_point - 0xD800) << 10 | (low - 0xDC00));
    return true;
}

/* Behind a backslash. Returns how many bytes it stands for, 0 if it stands for nothing. */
static size_t read_escape(struct scan *scan, char bytes[4])
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    uint32_t code_point;
    char c = scan->at < scan->end ? *scan->at++ : 0;
    if (c == 'u')
        return read_code_point(scan, &code_point) ? utf8_encode(code_point, bytes) : 0;
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return 0;
    bytes[0] = to[found - from];
    return 1;
}

/* At the first backslash. The rest of the string moves up, for no escape is shorter than what it stands for. */
static bool read_escaped(struct scan *scan, struct text *text)
{
    char *to = scan->at;
    while (!accept(scan, '"')) {
        const char *plain = scan->at;
        if (!skip_plain(scan))
            return false;
        size_t len = (size_t)(scan->at - plain);
        memmove(to, plain, len);
        to += len;
        if (!accept(scan, '\\'))
            continue;
        char bytes[4];
        size_t size = read_escape(scan, bytes);
        if (!size)
            return false;
        memcpy(to, bytes, size);
        to += size;
    }
    *to = '\0';
    text->len = (size_t)(to - text->data);
    return true;
}

/* Behind the opening quote. */
static bool read_string(struct scan *scan, struct text *text)
{
    text->data = scan->at;
    scan->is_foreign = false;
    if (!skip_plain(scan))
        return false;
    if (*scan->at == '\\') {
        if (!read_escaped(scan, text))
            return false;
    } else {
        text->len = (size_t)(scan->at - text->data);
        *scan->at++ = '\0';
    }
    return !scan->is_foreign || utf8_valid(text->data, text->len);
}

/* --- numbers ----------------------------------------------------------------------------------------------- */

/* Returns how many digits there are, and goes on with *whole; beyond DIGITS_MAX of them it means nothing. */
static size_t read_digits(struct scan *scan, uint64_t *whole)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        *whole = *whole * 10 + (uint64_t)(*scan->at++ - '0');
    return (size_t)(scan->at - start);
}

static bool skip_exponent(struct scan *scan)
{
    if (!accept(scan, 'e') && !accept(scan, 'E'))
        return false;
    if (!accept(scan, '+'))
        (void)accept(scan, '-');
    return true;
}

/* Any number at all; no program here asks for another locale than C. False if it is beyond a double. */
static bool read_slowly(const char *start, size_t len, struct value *value)
{
    char copy[NUMBER_MAX + 1];
    if (len > NUMBER_MAX)
        return false;
    memcpy(copy, start, len);
    copy[len] = '\0';
    *value = value_real(strtod(copy, NULL));
    return value->as.real - value->as.real == 0; /* neither infinity nor NaN */
}

static bool read_number(struct scan *scan, struct value *value)
{
    static const double powers[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *start = scan->at;
    bool negative = accept(scan, '-');
    const char *digits = scan->at;
    uint64_t whole = 0;
    uint64_t exponent = 0;
    size_t before = read_digits(scan, &whole);
    if (!before || (before > 1 && digits[0] == '0'))
        return false;
    bool has_point = accept(scan, '.');
    size_t after = has_point ? read_digits(scan, &whole) : 0;
    if (has_point && !after)
        return false;
    bool has_exponent = skip_exponent(scan);
    if (has_exponent && !read_digits(scan, &exponent))
        return false;
    bool fits = before + after <= DIGITS_MAX;
    if (!has_point && !has_exponent) {
        *value = value_integer(negative ? -(int64_t)whole : (int64_t)whole);
        return fits;
    }
    if (has_exponent || !fits || whole > EXACT_MAX)
        return read_slowly(start, (size_t)(scan->at - start), value);
    double real = (double)whole / powers[after];
    *value = value_real(negative ? -real : real);
    return true;
}

/* --- members ----------------------------------------------------------------------------------------------- */

static bool read_value(struct scan *scan, struct value *value)
{
    struct text text;
    if (accept(scan, '"')) {
        if (!read_string(scan, &text))
            return false;
        *value = value_text(text.data, text.len);
        return true;
    }
    if (accept_word(scan, "null", 4)) {
        *value = (struct value){.kind = VALUE_NULL};
        return true;
    }
    if (accept_word(scan, "true", 4) || accept_word(scan, "false", 5)) {
        *value = (struct value){.kind = VALUE_OTHER, .as.text = {"boolean", 7}};
        return true;
    }
    return read_number(scan, value);
}

/* Behind the opening quote: a name of plain ASCII, and the colon. */
static bool read_name(struct scan *scan, struct text *name)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\' && (unsigned char)*scan->at >= ' ' &&
           (unsigned char)*scan->at < 0x80)
        scan->at++;
    *name = (struct text){start, (size_t)(scan->at - start)};
    if (!accept(scan, '"'))
        return false;
    skip_space(scan);
    return accept(scan, ':');
}

/* The name that is expected, with its quotes and its colon. */
static struct value *accept_expected(struct scan *scan)
{
    const struct signal_field_info *info = &signal_fields[scan->expected];
    struct value *slot = &scan->signal->given[scan->expected];
    size_t len = info->name_len + 2;
    if ((size_t)(scan->end - scan->at) <= len || scan->at[len] != ':' ||
        memcmp(scan->at, info->quoted_name, len) != 0)
        return NULL;
    scan->at += len + 1;
    scan->expected = (scan->expected + 1) % SIGNAL_FIELD_COUNT;
    return slot;
}

static struct value *find_slot(struct scan *scan, const struct text *name)
{
    struct value *slot = signal_slot(scan->signal, name->data, name->len);
    const struct value *given = scan->signal->given;
    if (slot >= given && slot < given + SIGNAL_FIELD_COUNT)
        scan->expected = ((size_t)(slot - given) + 1) % SIGNAL_FIELD_COUNT;
    return slot;
}

/* A name that no field has may not come twice either. */
static bool note_stranger(struct scan *scan, const struct text *name)
{
    for (size_t i = 0; i < scan->stranger_count; i++)
        if (scan->strangers[i].len == name->len && !memcmp(scan->strangers[i].data, name->data, name->len))
            return false;
    if (scan->stranger_count == STRANGERS_MAX)
        return false;
    scan->strangers[scan->stranger_count++] = *name;
    return true;
}

/* Where the member's value goes, which comes next. */
static bool read_name_and_colon(struct scan *scan, struct value **slot)
{
    struct text name;
    *slot = accept_expected(scan);
    if (!*slot) {
        if (!accept(scan, '"') || !read_name(scan, &name))
            return false;
        *slot = find_slot(scan, &name);
        if (!*slot)
            return note_stranger(scan, &name);
    }
    return (*slot)->kind == VALUE_ABSENT;
}

static bool read_member(struct scan *scan)
{
    struct value *slot;
    struct value ignored;
    skip_space(scan);
    if (!read_name_and_colon(scan, &slot))
        return false;
    skip_space(scan);
    if (!read_value(scan, slot ? slot : &ignored))
        return false;
    skip_space(scan);
    return true;
}

bool wire_scan(const char *text, size_t len, struct signal *signal)
{
    char *copy = arena_copy(&signal->arena, text, len);
    if (!copy)
        return false;
    struct scan scan = {.at = copy, .end = copy + len, .signal = signal};
    skip_space(&scan);
    if (!accept(&scan, '{'))
        return false;
    do {
        if (!read_member(&scan))
            return false;
    } while (accept(&scan, ','));
    if (!accept(&scan, '}'))
        return false;
    skip_space(&scan);
    signal->texts_are_valid = true;
    return scan.at == scan.end;
}
