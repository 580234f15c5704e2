/* fuzz_row: a row of Argo's table, with values of whatever kinds SQLite may give.
 *
 * An input is a byte that picks which whole numbers were hashed as integers and which nulls as absent, then
 * for each field a byte for its kind, followed by eight bytes for a number, or a byte for the length of a
 * text and the text. */
#include <math.h>
#include <string.h>

#include "format/verify.h"
#include "format/wire.h"
#include "fuzz.h"
#include "invariants.h"

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static uint8_t next_byte(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static void next_bytes(struct input *input, void *into, size_t len)
{
    size_t there = (size_t)(input->end - input->at);
    memset(into, 0, len);
    memcpy(into, input->at, there < len ? there : len);
    input->at += there < len ? there : len;
}

static void read_value(struct input *input, struct signal *signal, struct value *slot)
{
    char text[256];
    size_t len;
    switch (next_byte(input) % 5) {
    case 0:
        break;
    case 1:
        slot->kind = VALUE_NULL;
        break;
    case 2:
        slot->kind = VALUE_INTEGER;
        next_bytes(input, &slot->as.integer, sizeof slot->as.integer);
        break;
    case 3:
        slot->kind = VALUE_REAL;
        next_bytes(input, &slot->as.real, sizeof slot->as.real);
        break;
    default:
        len = next_byte(input);
        next_bytes(input, text, len);
        MUST_HOLD(!signal_set_text(signal, slot, text, len));
    }
}

/* Gives the signal the hash that Argo made before the table changed its kinds: some whole numbers were
 * integers, some nulls were not there. */
static void seal_as_producer(struct signal *signal, unsigned mixture)
{
    struct signal argo = *signal; /* borrows the texts */
    struct buf text = {0};
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        struct value *value = &argo.given[i];
        if (!signal_fields[i].hashed || !(mixture >> i % 8 & 1))
            continue;
        if (value->kind == VALUE_NULL)
            value->kind = VALUE_ABSENT;
        else if (value->kind == VALUE_REAL && fabs(value->as.real) < 1e15 &&
                 value->as.real == trunc(value->as.real))
            *value = value_integer((int64_t)value->as.real);
    }
    canonical_write(&argo, FORM_PRODUCER, &text);
    seal(signal, &text);
    buf_clear(&text);
}

/* The sender finds what was hashed, and the receiver verifies what the sender writes. */
static void check_found(struct signal *signal)
{
    struct signal received = {0};
    struct buf found = {0};
    struct buf verified = {0};
    struct buf json = {0};
    enum canonical_form form;
    MUST_HOLD(verify_find_kinds(signal, &form, &found));
    wire_write(signal, &json);
    MUST_HOLD(wire_read_checked(json.data, json.len, &received, NULL) == FAULT_NONE);
    memcpy(received.sha256, signal->sha256, sizeof received.sha256);
    MUST_HOLD(verify_signal(&received, &form, &verified));
    MUST_HOLD(verified.len == found.len && !memcmp(verified.data, found.data, found.len));
    buf_clear(&found);
    buf_clear(&verified);
    buf_clear(&json);
    signal_clear(&received);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct signal signal = {0};
    struct buf text = {0};
    enum canonical_form form;
    unsigned mixture = next_byte(&input);
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        read_value(&input, &signal, &signal.given[i]);
    if (!signal_check(&signal, NULL)) {
        (void)verify_find_kinds(&signal, &form, &text);
        check_accepted(&signal);
        seal_as_producer(&signal, mixture);
        check_found(&signal);
    }
    buf_clear(&text);
    signal_clear(&signal);
    return 0;
}
