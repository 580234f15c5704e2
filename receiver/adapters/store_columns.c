/* store_columns: from the field table and the derived columns to SQL text and values. Runs no SQL. */
#include "adapters/store_columns.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "adapters/store_locks.h"
#include "base/utf8.h"

enum { RATIONALE_MIN = 20 }; /* characters that make a reasoning long enough to stand alone */

static struct value provider(const struct store_row *row, struct arena *arena)
{
    (void)arena;
    return value_text(row->provider, strlen(row->provider));
}

static struct value canonical(const struct store_row *row, struct arena *arena)
{
    (void)arena;
    return value_text(row->canonical, strlen(row->canonical));
}

static void trim(const char **text, size_t *len)
{
    while (*len && strchr(" \t\r\n\v\f", **text)) {
        (*text)++;
        (*len)--;
    }
    while (*len && strchr(" \t\r\n\v\f", (*text)[*len - 1]))
        (*len)--;
}

static struct value rationale(const struct store_row *row, struct arena *arena)
{
    struct value strategy = signal_stored(row->signal, FIELD_STRATEGY);
    size_t len;
    const char *reasoning = signal_text(row->signal, FIELD_REASONING, &len);
    const char *trimmed = reasoning;
    size_t trimmed_len = len;
    trim(&trimmed, &trimmed_len);
    if (utf8_length(trimmed, trimmed_len) >= RATIONALE_MIN)
        return value_text(reasoning, len);
    size_t size = strategy.as.text.len + len + 64;
    char *text = arena_alloc(arena, size);
    if (!text)
        return (struct value){.kind = VALUE_NULL}; /* the column is NOT NULL: the row is refused, not altered */
    int used = snprintf(text, size, "Weighted Consensus v6.0 - %.*s%s%.*s", (int)strategy.as.text.len,
                        strategy.as.text.data, trimmed_len ? ": " : "", trimmed_len ? (int)len : 0, reasoning);
    return value_text(text, (size_t)used);
}

static struct value server_timestamp(const struct store_row *row, struct arena *arena)
{
    (void)arena;
    return value_real((double)row->received_us / 1e6);
}

/* The column has 32 bits of milliseconds: what is older than 24.8 days is as late as it can say. */
static struct value delivery_latency_ms(const struct store_row *row, struct arena *arena)
{
    (void)arena;
    int64_t us = row->received_us - row->signal->timestamp_us;
    if (us < 0)
        return (struct value){.kind = VALUE_NULL};
    return value_integer(us / 1000 < INT_MAX ? us / 1000 : INT_MAX);
}

static const struct store_column derived[] = {
    {"provider", "text", 0, provider},
    {"canonical", "text", 0, canonical},
    {"rationale", "text", 0, rationale},
    {"server_timestamp", "float8", 0, server_timestamp},
    {"delivery_latency_ms", "int4", 0, delivery_latency_ms},
};

size_t store_columns(struct store_column columns[STORE_COLUMNS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        if (signal_fields[i].column)
            columns[count++] = (struct store_column){signal_fields[i].column, signal_fields[i].column_type,
                                                     (enum signal_field)i, NULL};
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        columns[count++] = derived[i];
    return count;
}

struct value store_column_value(const struct store_column *column, const struct store_row *row, struct arena *arena)
{
    return column->derive ? column->derive(row, arena) : signal_stored(row->signal, column->field);
}

static void list(const struct store_column *columns, size_t count, const char *format, struct buf *sql)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_text(sql, ", ");
        for (const char *at = format; *at; at++) {
            if (*at == 'N')
                buf_add_text(sql, columns[i].name);
            else if (*at == 'T')
                buf_add_text(sql, columns[i].type);
            else if (*at == '#')
                buf_add_format(sql, "%zu", i + 1);
            else
                buf_add_char(sql, *at);
        }
    }
}

/* An enum comes in as text, because its array type has no fixed OID; the SELECT casts it. The arrays are unnested
 * in the SELECT's list, side by side: in its FROM each of them would be written to a store of its own first, which
 * costs a fifth of the whole INSERT. The places in the chain are counted over the rows as they come. No ON
 * CONFLICT: it would ask every unique index about every row, which costs a sixth of the whole INSERT, and the chain
 * could have no row left out anyway. A trigger could leave one out; so the end divides by whether all are there.
 * One row passes the turn on, so that the next receiver's group is there by the time this one has committed. */
void store_columns_insert_sql(const struct store_column *columns, size_t count, bool one_row, struct buf *sql)
{
    size_t turn = one_row ? count + 1 : count + 2;
    buf_add_text(sql, "WITH tip AS MATERIALIZED (SELECT chain_index, verification_hash FROM signals"
                      " WHERE chain_index IS NOT NULL ORDER BY chain_index DESC LIMIT 1),"
                      " stored AS (INSERT INTO signals (");
    list(columns, count, "N", sql);
    buf_add_text(sql, ", is_active, created_at, retention_expires_at, chain_index, previous_hash) SELECT ");
    list(columns, count, "input.N::T", sql);
    buf_add_format(sql,
                   ", CASE WHEN input.n = $%zu THEN pg_advisory_unlock(" STORE_TURN_LOCK
                   ") IS NOT NULL ELSE true END,"
                   " now(), now() + interval '7 years', coalesce((SELECT chain_index FROM tip), -1) + input.n,"
                   " coalesce(input.previous, (SELECT verification_hash FROM tip)) FROM (SELECT ",
                   turn);
    list(columns, count, one_row ? "$# AS N" : "unnest($#) AS N", sql);
    if (one_row)
        buf_add_text(sql, ", NULL::text AS previous, 1 AS n) AS input");
    else
        buf_add_format(sql, ", unnest($%zu) AS previous, generate_series(1, cardinality($%zu)) AS n) AS input",
                       count + 1, count + 1);
    buf_add_text(sql, " RETURNING id, verification_hash) SELECT id, verification_hash FROM stored"
                      " WHERE 1 / ((SELECT count(*) FROM stored) = ");
    if (one_row)
        buf_add_char(sql, '1');
    else
        buf_add_format(sql, "cardinality($%zu)", count + 1);
    buf_add_text(sql, ")::int = 1");
}
