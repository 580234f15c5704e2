/* fuzz_batch: the body of POST /batch. The first byte picks the layout. */
#include <stdbool.h>
#include <string.h>

#include "base/json_doc.h"
#include "format/wire.h"
#include "format/wire_batch.h"
#include "fuzz.h"
#include "invariants.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void check_piece(const struct batch_piece *piece, enum batch_layout layout, const char *from, const char *to)
{
    struct signal signal = {0};
    MUST_HOLD(piece->len > 0 && piece->text >= from && piece->text + piece->len <= to);
    MUST_HOLD(!is_space(piece->text[0]) && !is_space(piece->text[piece->len - 1]));
    MUST_HOLD(layout == BATCH_ARRAY || !memchr(piece->text, '\n', piece->len));
    if (!wire_read_checked(piece->text, piece->len, &signal, NULL))
        check_accepted(&signal);
    signal_clear(&signal);
}

/* How many elements a strict parser finds; -1 if it takes the text for no array. */
static long elements(const char *text, size_t len)
{
    struct json_doc *doc = json_doc_parse(text, len, NULL);
    long count = -1;
    if (doc && json_value_kind(json_doc_root(doc)) == JSON_KIND_ARRAY)
        count = (long)json_value_length(json_doc_root(doc));
    json_doc_free(doc);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_batch batch;
    struct batch_piece piece;
    struct err err = {0};
    long count = 0;
    int more;
    if (!size)
        return 0;
    enum batch_layout layout = data[0] == '[' ? BATCH_ARRAY : BATCH_LINES;
    const char *text = (const char *)data + (layout == BATCH_LINES);
    const char *end = (const char *)data + size;
    const char *from = text;
    wire_batch_init(&batch, layout, text, (size_t)(end - text));
    while ((more = wire_batch_next(&batch, &piece, &err)) == 1) {
        check_piece(&piece, layout, from, end);
        from = piece.text + piece.len;
        count++;
    }
    MUST_HOLD(more == 0 || (layout == BATCH_ARRAY && err.message[0]));
    MUST_HOLD(wire_batch_next(&batch, &piece, &err) == more);
    if (layout == BATCH_ARRAY) {
        long wanted = elements(text, (size_t)(end - text));
        MUST_HOLD(wanted < 0 || (more == 0 && count == wanted));
    }
    return 0;
}
