/* verify: compares digests in full. */
#include "format/verify.h"

#include <math.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"

/* 2^63: what is below it fits into an int64_t. */
#define INTEGER_LIMIT 9223372036854775808.0

static bool matches(const struct signal *signal, const struct buf *text)
{
    struct digest digest;
    char digits[DIGEST_HEX_LEN + 1];
    if (text->failed)
        return false;
    digest_sha256(text->data, text->len, &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, digits);
    return !strcmp(digits, signal->sha256);
}

static bool try_form(const struct signal *signal, enum canonical_form form, struct buf *text)
{
    buf_reset(text);
    canonical_write(signal, form, text);
    return matches(signal, text);
}

bool verify_signal(const struct signal *signal, enum canonical_form *form, struct buf *text)
{
    *form = FORM_PRODUCER;
    if (try_form(signal, FORM_PRODUCER, text))
        return true;
    *form = FORM_RECEIVER;
    if (try_form(signal, FORM_RECEIVER, text))
        return true;
    (void)try_form(signal, FORM_PRODUCER, text);
    return false;
}

static bool other_kind(const struct value *value, struct value *other)
{
    if (value->kind == VALUE_NULL) {
        *other = (struct value){.kind = VALUE_ABSENT};
        return true;
    }
    if (value->kind != VALUE_REAL || value->as.real != trunc(value->as.real) ||
        fabs(value->as.real) >= INTEGER_LIMIT)
        return false;
    *other = value_integer((int64_t)value->as.real);
    return true;
}

bool verify_find_kinds(struct signal *signal, enum canonical_form *form, struct buf *text)
{
    struct value *slots[SIGNAL_FIELD_COUNT];
    struct value kinds[SIGNAL_FIELD_COUNT][2];
    size_t count = 0;
    if (verify_signal(signal, form, text))
        return true;
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        if (!signal_fields[i].hashed || !other_kind(&signal->given[i], &kinds[count][1]))
            continue;
        slots[count] = &signal->given[i];
        kinds[count++][0] = signal->given[i];
    }
    /* At most nine fields are hashed, and four of them are numbers: 512 mixtures, in practice up to 16. */
    for (unsigned mixture = 1; mixture < 1U << count; mixture++) {
        for (size_t i = 0; i < count; i++)
            *slots[i] = kinds[i][mixture >> i & 1];
        if (verify_signal(signal, form, text))
            return true;
    }
    for (size_t i = 0; i < count; i++)
        *slots[i] = kinds[i][0];
    (void)verify_signal(signal, form, text);
    return false;
}
