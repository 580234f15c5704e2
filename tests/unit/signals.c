/* signals: makes the hash as a producer does. */
#include "signals.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

#include "format/canonical.h"

static void set_text(struct signal *signal, enum signal_field field, const char *text)
{
    assert_int_equal(signal_set_text(signal, &signal->given[field], text, strlen(text)), 0);
}

void valid_variant(struct buf *json, const char *signal_id, int variant)
{
    struct signal signal = {0};
    struct buf canonical = {0};
    char digits[DIGEST_HEX_LEN + 1];
    char price[32];
    (void)snprintf(price, sizeof price, "267.%d", 44 + variant);
    read_signal(&signal, signal_json("entry_price", price));
    set_text(&signal, FIELD_SIGNAL_ID, signal_id);
    canonical_write(&signal, FORM_PRODUCER, &canonical);
    hash_of(canonical.data, digits);
    /* The hashed text is an object of the nine hashed fields; only the hash itself is missing in it. */
    buf_add(json, canonical.data, canonical.len - 1);
    buf_add_format(json, ", \"sha256\": \"%s\"}", digits);
    buf_clear(&canonical);
    signal_clear(&signal);
}

void valid_signal(struct buf *json, const char *signal_id)
{
    valid_variant(json, signal_id, 0);
}
