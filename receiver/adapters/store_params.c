/* store_params: all in binary, so that nothing needs quoting. */
#include "adapters/store_params.h"

#include "adapters/pg_array.h"

void store_params_clear(struct store_params *params)
{
    for (int i = 0; i < params->count; i++)
        buf_clear(&params->bytes[i]);
    arena_clear(&params->arena);
    *params = (struct store_params){0};
}

static struct buf *begin(struct store_params *params, const struct pg_type *type, size_t count)
{
    struct buf *array = &params->bytes[params->count];
    params->types[params->count] = type->array_oid;
    pg_array_begin(array, type, count);
    return array;
}

static int end(struct store_params *params)
{
    int n = params->count++;
    params->values[n] = params->bytes[n].data;
    params->lengths[n] = (int)params->bytes[n].len;
    params->formats[n] = 1;
    return params->bytes[n].failed ? -1 : 0;
}

int store_params_add_column(struct store_params *params, const struct store_column *column, struct store_row **rows,
                            size_t count)
{
    const struct pg_type *type = pg_type_find(column->type);
    struct buf *array = begin(params, type, count);
    for (size_t i = 0; i < count; i++) {
        struct value value = store_column_value(column, rows[i], &params->arena);
        pg_array_add(array, type, &value);
    }
    return end(params);
}

/* As the only element of an array, without its size. */
int store_params_add_value(struct store_params *params, const struct store_column *column,
                           const struct store_row *row)
{
    const struct pg_type *type = pg_type_find(column->type);
    struct value value = store_column_value(column, row, &params->arena);
    int n = params->count++;
    struct buf *element = &params->bytes[n];
    pg_array_add(element, type, &value);
    if (element->failed)
        return -1;
    params->types[n] = type->oid;
    params->values[n] = value.kind <= VALUE_NULL ? NULL : element->data + PG_ARRAY_SIZE_LEN;
    params->lengths[n] = (int)(element->len - PG_ARRAY_SIZE_LEN);
    params->formats[n] = 1;
    return 0;
}

int store_params_add_previous(struct store_params *params, struct store_row **rows, size_t count)
{
    const struct pg_type *type = pg_type_find("text");
    struct buf *array = begin(params, type, count);
    struct value previous = {.kind = VALUE_NULL};
    for (size_t i = 0; i < count; i++) {
        pg_array_add(array, type, &previous);
        previous = value_text(rows[i]->signal->sha256, DIGEST_HEX_LEN);
    }
    return end(params);
}

int store_params_add_number(struct store_params *params, size_t number)
{
    int n = params->count++;
    buf_add_format(&params->bytes[n], "%zu", number);
    params->types[n] = PG_OID_INT4;
    params->values[n] = params->bytes[n].data;
    return params->bytes[n].failed ? -1 : 0;
}

struct pg_params store_params_view(const struct store_params *params)
{
    return (struct pg_params){params->count, params->types, params->values, params->lengths, params->formats};
}
