/* store_params: arrays in binary, so that nothing needs quoting. */
#include "adapters/store_params.h"

#include "adapters/pg_array.h"

void store_params_clear(struct store_params *params)
{
    for (int i = 0; i < params->count; i++)
        buf_clear(&params->arrays[i]);
    arena_clear(&params->arena);
    *params = (struct store_params){0};
}

int store_params_add_column(struct store_params *params, const struct store_column *column, struct store_row **rows,
                            size_t count)
{
    int n = params->count++;
    struct buf *array = &params->arrays[n];
    const struct pg_type *type = pg_type_find(column->type);
    pg_array_begin(array, type, count);
    for (size_t i = 0; i < count; i++) {
        struct value value = store_column_value(column, rows[i], &params->arena);
        pg_array_add(array, type, &value);
    }
    params->types[n] = type->array_oid;
    params->values[n] = array->data;
    params->lengths[n] = (int)array->len;
    params->formats[n] = 1;
    return array->failed ? -1 : 0;
}

void store_params_add_scalar(struct store_params *params, const char *type, const char *text)
{
    params->types[params->count] = pg_type_find(type)->oid;
    params->values[params->count++] = text;
}

struct pg_params store_params_view(const struct store_params *params)
{
    return (struct pg_params){params->count, params->types, params->values, params->lengths, params->formats};
}
