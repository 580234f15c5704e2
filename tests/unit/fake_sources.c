/* fake_sources: Argo's table and Argo's log of fake_ends. */
#include "fake_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/outgoing.h"
#include "format/wire.h"
#include "signals.h"

/* --- rows and lines ---------------------------------------------------------------------------------------- */

static bool give(const struct fake_row *row, source_take *take, void *taker)
{
    struct signal signal = {0};
    struct err err = {0};
    if (row->fault)
        err_set(&err, "it cannot be read");
    else
        assert_int_equal(wire_read(row->json, strlen(row->json), &signal, &err), FAULT_NONE);
    struct source_item item = {.place.position = row->position,
                               .signal = &signal,
                               .fault = row->fault,
                               .err = &err,
                               .text = row->fault ? row->json : NULL};
    (void)snprintf(item.place.mark, sizeof item.place.mark, "%s", row->id);
    bool taken = take(taker, &item);
    signal_clear(&signal);
    return taken;
}

void row_hash(const struct fake_row *row, char sha256[DIGEST_HEX_LEN + 1])
{
    struct signal signal = {0};
    struct err ignored = {0};
    if (wire_read(row->json, strlen(row->json), &signal, &ignored))
        sha256[0] = '\0';
    else
        (void)outgoing_hash(&signal, sha256);
    signal_clear(&signal);
}

static int find_position(const struct fake_row *rows, int count, int64_t position)
{
    for (int i = 0; i < count; i++)
        if (rows[i].position == position)
            return i;
    return NONE;
}

static enum source_status read_after(const struct fake_row *rows, int count, const struct place *after,
                                     source_take *take, void *taker)
{
    int at = after->mark[0] ? find_position(rows, count, after->position) : 0;
    if (at == NONE || (after->mark[0] && strcmp(rows[at].id, after->mark) != 0))
        return SOURCE_REPLACED;
    for (int i = 0; i < count; i++)
        if ((place_is_start(after) || rows[i].position > after->position) && !give(&rows[i], take, taker))
            return SOURCE_STOPPED;
    return SOURCE_END;
}

static void mark_in(struct fake_row *rows, int count, const char *id, const char *sha256)
{
    char hash[DIGEST_HEX_LEN + 1];
    for (int i = 0; i < count; i++) {
        if (strcmp(rows[i].id, id) != 0)
            continue;
        row_hash(&rows[i], hash);
        rows[i].passable |= !strcmp(hash, sha256);
    }
}

void mark_passable(struct ends *ends, const char *id, const char *sha256)
{
    mark_in(ends->rows, ends->row_count, id, sha256);
    mark_in(ends->log_file.lines, ends->log_file.count, id, sha256);
}

static void fill(struct fake_row *row, int64_t position, const char *id, const char *json, enum fault fault)
{
    *row = (struct fake_row){.position = position, .json = strdup(json), .fault = fault};
    (void)snprintf(row->id, sizeof row->id, "%s", id);
}

static void free_rows(struct fake_row *rows, int count)
{
    for (int i = 0; i < count; i++)
        free(rows[i].json);
}

void free_sources(struct ends *ends)
{
    free_rows(ends->rows, ends->row_count);
    free_rows(ends->log_file.lines, ends->log_file.count);
}

/* --- the table --------------------------------------------------------------------------------------------- */

static enum source_status table_read(void *self, const struct place *after, source_take *take, void *taker,
                                     struct err *err)
{
    struct ends *ends = self;
    ends->reads++;
    if (ends->source_away) {
        err_set(err, "it is locked");
        return SOURCE_AWAY;
    }
    enum source_status status = read_after(ends->rows, ends->row_count, after, take, taker);
    if (status == SOURCE_END)
        ends->source_changed = false;
    return status;
}

static bool table_changed(void *self)
{
    const struct ends *ends = self;
    return ends->source_changed;
}

static int64_t table_count_after(void *self, const struct place *after)
{
    const struct ends *ends = self;
    return ends->row_count - after->position;
}

const struct source_ops fake_table_source_ops = {table_read, table_changed, table_count_after};

static bool table_find(void *self, const char *signal_id, int64_t *position, char sha256[DIGEST_HEX_LEN + 1])
{
    const struct ends *ends = self;
    for (int i = 0; !ends->source_away && i < ends->row_count; i++)
        if (!strcmp(ends->rows[i].id, signal_id)) {
            *position = ends->rows[i].position;
            row_hash(&ends->rows[i], sha256);
            return true;
        }
    return false;
}

static int table_walk(void *self, int64_t first, int64_t last, table_visit *visit, void *visitor, struct err *err)
{
    const struct ends *ends = self;
    char sha256[DIGEST_HEX_LEN + 1];
    if (ends->source_away)
        return err_set(err, "it is locked");
    for (int i = 0; i < ends->row_count; i++) {
        const struct fake_row *row = &ends->rows[i];
        if (row->position < first || row->position > last)
            continue;
        row_hash(row, sha256);
        if (!visit(visitor, &(struct table_row){row->position, row->fault ? "" : row->id, sha256}))
            break;
    }
    return 0;
}

const struct table_ops fake_table_ops = {table_find, table_walk};

int row_at(const struct ends *ends, int64_t position)
{
    return find_position(ends->rows, ends->row_count, position);
}

void add_row(struct ends *ends, const char *id, const char *json, enum fault fault)
{
    assert_true(ends->row_count < ROWS_MAX);
    int64_t last = ends->row_count ? ends->rows[ends->row_count - 1].position : 0;
    fill(&ends->rows[ends->row_count++], last + 1, id, json, fault);
    ends->source_changed = true;
}

static bool went_by_log(const struct ends *ends, const struct fake_row *row)
{
    const struct fake_lines *log = &ends->log_file;
    char here[DIGEST_HEX_LEN + 1];
    char there[DIGEST_HEX_LEN + 1];
    row_hash(row, here);
    for (int i = 0; i < log->count; i++) {
        if (!log->lines[i].passable || log->lines[i].buried || strcmp(log->lines[i].id, row->id) != 0)
            continue;
        row_hash(&log->lines[i], there);
        if (!strcmp(here, there))
            return true;
    }
    return false;
}

void add_signal_row(struct ends *ends, const char *id, int variant)
{
    struct buf json = {0};
    valid_variant(&json, id, variant);
    add_row(ends, id, json.data, FAULT_NONE);
    ends->rows[ends->row_count - 1].passable = went_by_log(ends, &ends->rows[ends->row_count - 1]);
    buf_clear(&json);
}

void add_rows(struct ends *ends, int count)
{
    while (count-- > 0) {
        char id[32];
        (void)snprintf(id, sizeof id, "signal-%d", ends->first_id + ends->row_count);
        add_signal_row(ends, id, 0);
    }
}

void add_damaged(struct ends *ends, const char *id)
{
    char text[64];
    (void)snprintf(text, sizeof text, "\"%s\"", id);
    add_row(ends, id, signal_json("signal_id", text), FAULT_NONE); /* the hash is another signal's */
}

void arrive(struct ends *ends, int count)
{
    add_rows(ends, count);
    delivery_look(ends->delivery);
}

void insert_row(struct ends *ends, int64_t position, const char *id)
{
    struct buf json = {0};
    int at = 0;
    assert_true(ends->row_count < ROWS_MAX);
    while (at < ends->row_count && ends->rows[at].position < position)
        at++;
    memmove(&ends->rows[at + 1], &ends->rows[at], (size_t)(ends->row_count - at) * sizeof *ends->rows);
    ends->row_count++;
    valid_signal(&json, id);
    fill(&ends->rows[at], position, id, json.data, FAULT_NONE);
    ends->rows[at].late = at + 1 < ends->row_count;
    buf_clear(&json);
    ends->source_changed = true;
}

void replace_row(struct ends *ends, int index, int variant)
{
    struct buf json = {0};
    struct fake_row *row = &ends->rows[index];
    valid_variant(&json, row->id, variant);
    free(row->json);
    row->json = buf_take(&json, NULL);
    row->passable = false;
    row->late = true;
    ends->source_changed = true;
}

void remove_row(struct ends *ends, int index)
{
    struct fake_row *row = &ends->rows[index];
    free(row->json);
    ends->row_count--;
    memmove(row, row + 1, (size_t)(ends->row_count - index) * sizeof *row);
    ends->source_changed = true;
}

/* --- the log ----------------------------------------------------------------------------------------------- */

enum { LINE_BYTES = 100 };

static enum source_status lines_read(void *self, const struct place *after, source_take *take, void *taker,
                                     struct err *err)
{
    struct fake_lines *log = self;
    log->reads++;
    if (log->away) {
        err_set(err, "it is not there");
        return SOURCE_AWAY;
    }
    if (log->replaced && !place_is_start(after))
        return SOURCE_REPLACED;
    log->replaced = false;
    enum source_status status = read_after(log->lines, log->count, after, take, taker);
    if (status == SOURCE_END)
        log->changed = false;
    return status;
}

static bool lines_changed(void *self)
{
    const struct fake_lines *log = self;
    return log->changed || log->replaced || log->away;
}

static int64_t lines_count_after(void *self, const struct place *after)
{
    (void)self;
    (void)after;
    return -1;
}

const struct source_ops fake_lines_ops = {lines_read, lines_changed, lines_count_after};

int line_at(const struct ends *ends, int64_t position)
{
    return find_position(ends->log_file.lines, ends->log_file.count, position);
}

void add_line(struct ends *ends, const char *id, const char *json, enum fault fault)
{
    struct fake_lines *log = &ends->log_file;
    assert_true(log->count < LINES_MAX);
    int64_t last = log->count ? log->lines[log->count - 1].position : 0;
    fill(&log->lines[log->count++], last + LINE_BYTES, id, json, fault);
    log->changed = true;
}

void add_signal_line(struct ends *ends, const char *id, int variant)
{
    struct buf json = {0};
    valid_variant(&json, id, variant);
    add_line(ends, id, json.data, FAULT_NONE);
    buf_clear(&json);
}
