/* invariants: see invariants.h. */
#include "invariants.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/hex.h"
#include "base/json_doc.h"
#include "base/utf8.h"
#include "format/wire.h"
#include "format/wire_scan.h"
#include "fuzz.h"

static bool same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* One line of printable ASCII, and an object. */
static void check_json(const struct buf *text, size_t members_max)
{
    size_t members = 0;
    for (size_t i = 0; i < text->len; i++)
        MUST_HOLD(text->data[i] >= ' ' && text->data[i] <= '~');
    struct json_doc *doc = json_doc_parse(text->data, text->len, NULL);
    MUST_HOLD(doc && json_value_kind(json_doc_root(doc)) == JSON_KIND_OBJECT);
    const struct json_value *root = json_doc_root(doc);
    for (struct json_member *member = json_member_first(root); member; member = json_member_next(root, member))
        members++;
    MUST_HOLD(members <= members_max);
    json_doc_free(doc);
}

static void check_stored(const struct signal *signal, enum signal_field field)
{
    const struct signal_field_info *info = &signal_fields[field];
    struct value value = signal_stored(signal, field);
    MUST_HOLD(value.kind == VALUE_NULL || value.kind == VALUE_INTEGER || value.kind == VALUE_REAL ||
              value.kind == VALUE_TEXT);
    MUST_HOLD(value.kind != VALUE_NULL || (!info->needed && !info->fallback));
    if (value.kind == VALUE_TEXT) {
        MUST_HOLD(utf8_valid(value.as.text.data, value.as.text.len));
        MUST_HOLD(!memchr(value.as.text.data, '\0', value.as.text.len));
    }
    if (value.kind == VALUE_REAL)
        MUST_HOLD(isfinite(value.as.real));
    if (!info->column_type || value.kind == VALUE_NULL)
        return;
    if (!strcmp(info->column_type, "float8"))
        MUST_HOLD(value.kind == VALUE_REAL);
    else if (!strcmp(info->column_type, "int4"))
        MUST_HOLD(value.kind == VALUE_INTEGER && value.as.integer == (int32_t)value.as.integer);
    else if (!strcmp(info->column_type, "timestamptz"))
        MUST_HOLD(value.kind == VALUE_INTEGER);
    else
        MUST_HOLD(value.kind == VALUE_TEXT);
}

static void check_values(const struct signal *signal)
{
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        check_stored(signal, (enum signal_field)i);
    struct value symbol = signal_stored(signal, FIELD_SYMBOL);
    size_t characters = utf8_length(symbol.as.text.data, symbol.as.text.len);
    MUST_HOLD(characters >= 1 && characters <= SIGNAL_SYMBOL_MAX);
    double confidence = signal_stored(signal, FIELD_CONFIDENCE).as.real;
    MUST_HOLD(confidence >= 0 && confidence <= 1);
    MUST_HOLD(signal_stored(signal, FIELD_ENTRY_PRICE).as.real > 0);
    struct value target = signal_stored(signal, FIELD_TARGET_PRICE);
    MUST_HOLD(target.kind == VALUE_NULL || target.as.real > 0);
    struct value id = signal_stored(signal, FIELD_SIGNAL_ID);
    MUST_HOLD(id.as.text.len >= 1 && id.as.text.len <= SIGNAL_ID_MAX);
    MUST_HOLD(strlen(signal->sha256) == 0 || strlen(signal->sha256) == DIGEST_HEX_LEN);
}

static void check_same_canonical(const struct signal *a, const struct signal *b, enum canonical_form form)
{
    struct buf first = {0};
    struct buf second = {0};
    canonical_write(a, form, &first);
    canonical_write(b, form, &second);
    check_json(&first, 9);
    MUST_HOLD(same(&first, &second));
    buf_clear(&first);
    buf_clear(&second);
}

static void check_round_trip(const struct signal *signal)
{
    struct signal back = {0};
    struct buf json = {0};
    struct buf again = {0};
    wire_write(signal, &json);
    check_json(&json, SIGNAL_FIELD_COUNT + 3);
    MUST_HOLD(wire_read_checked(json.data, json.len, &back, NULL) == FAULT_NONE);
    check_same_canonical(signal, &back, FORM_PRODUCER);
    check_same_canonical(signal, &back, FORM_RECEIVER);
    MUST_HOLD(back.timestamp_us == signal->timestamp_us);
    wire_write(&back, &again);
    MUST_HOLD(same(&json, &again));
    buf_clear(&json);
    buf_clear(&again);
    signal_clear(&back);
}

static bool same_value(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == VALUE_TEXT || a->kind == VALUE_OTHER)
        return a->as.text.len == b->as.text.len && !memcmp(a->as.text.data, b->as.text.data, a->as.text.len);
    if (a->kind == VALUE_REAL)
        return a->as.real == b->as.real && signbit(a->as.real) == signbit(b->as.real);
    return a->kind != VALUE_INTEGER || a->as.integer == b->as.integer;
}

void check_scan(const char *text, size_t len)
{
    struct signal scanned = {0};
    struct signal read = {0};
    struct err err;
    if (wire_scan(text, len, &scanned)) {
        MUST_HOLD(wire_read_tree(text, len, &read, &err) == FAULT_NONE);
        for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
            MUST_HOLD(same_value(&scanned.given[i], &read.given[i]) &&
                      same_value(&scanned.alias[i], &read.alias[i]));
    }
    signal_clear(&scanned);
    signal_clear(&read);
}

void check_accepted(const struct signal *signal)
{
    check_values(signal);
    check_round_trip(signal);
}

void seal(struct signal *signal, const struct buf *text)
{
    struct digest digest;
    digest_sha256(text->data, text->len, &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, signal->sha256);
}

void check_sealed(struct signal *signal, enum canonical_form form, struct buf *text)
{
    struct buf hashed = {0};
    enum canonical_form found;
    canonical_write(signal, form, &hashed);
    seal(signal, &hashed);
    MUST_HOLD(verify_signal(signal, &found, text));
    MUST_HOLD(same(text, &hashed));
    signal->sha256[5] = signal->sha256[5] == '0' ? '1' : '0';
    MUST_HOLD(!verify_signal(signal, &found, text));
    buf_clear(&hashed);
}
