/* wire_batch: finds the borders of elements. Knows strings and brackets, nothing more of JSON. */
#include "format/wire_batch.h"

#include <string.h>

void wire_batch_init(struct wire_batch *batch, enum batch_layout layout, const char *text, size_t len)
{
    *batch = (struct wire_batch){.layout = layout, .at = text, .end = text + len};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct wire_batch *batch)
{
    while (batch->at < batch->end && is_space(*batch->at))
        batch->at++;
}

static void trim(struct batch_piece *piece)
{
    while (piece->len && is_space(piece->text[0])) {
        piece->text++;
        piece->len--;
    }
    while (piece->len && is_space(piece->text[piece->len - 1]))
        piece->len--;
}

static int next_line(struct wire_batch *batch, struct batch_piece *piece)
{
    while (batch->at < batch->end) {
        const char *newline = memchr(batch->at, '\n', (size_t)(batch->end - batch->at));
        const char *end = newline ? newline : batch->end;
        *piece = (struct batch_piece){batch->at, (size_t)(end - batch->at)};
        batch->at = newline ? newline + 1 : batch->end;
        trim(piece);
        if (piece->len)
            return 1;
    }
    return 0;
}

/* Moves over one element, up to the ',' or ']' that ends it. */
static int skip_element(struct wire_batch *batch)
{
    int depth = 0;
    bool in_string = false;
    for (; batch->at < batch->end; batch->at++) {
        char c = *batch->at;
        if (in_string) {
            if (c == '\\' && batch->at + 1 < batch->end)
                batch->at++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == ']')) {
            return 0;
        } else if (c == ']' || c == '}') {
            depth--;
            if (depth < 0)
                return -1;
        }
    }
    return -1;
}

static int at_end(struct wire_batch *batch, struct err *err)
{
    batch->at++;
    batch->closed = true;
    skip_space(batch);
    return batch->at == batch->end ? 0 : err_set(err, "something follows the end of the array");
}

static int next_element(struct wire_batch *batch, struct batch_piece *piece, struct err *err)
{
    bool first = !batch->opened;
    if (batch->closed)
        return 0;
    skip_space(batch);
    if (first && (batch->at == batch->end || *batch->at++ != '['))
        return err_set(err, "a batch must be a JSON array or lines of JSON");
    batch->opened = true;
    skip_space(batch);
    if (batch->at < batch->end && *batch->at == ']' && first)
        return at_end(batch, err);
    if (!first) {
        if (batch->at < batch->end && *batch->at == ']')
            return at_end(batch, err);
        if (batch->at == batch->end || *batch->at++ != ',')
            return err_set(err, "the array is cut off");
    }
    const char *start = batch->at;
    if (skip_element(batch))
        return err_set(err, "the array is cut off or its brackets do not match");
    *piece = (struct batch_piece){start, (size_t)(batch->at - start)};
    trim(piece);
    return piece->len ? 1 : err_set(err, "the array has an empty element");
}

int wire_batch_next(struct wire_batch *batch, struct batch_piece *piece, struct err *err)
{
    if (batch->layout == BATCH_LINES)
        return next_line(batch, piece);
    if (batch->broken)
        return err_set(err, "the array is broken");
    int result = next_element(batch, piece, err);
    batch->broken = result < 0;
    return result;
}
