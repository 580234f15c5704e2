/* fake_ends: see fake_ends.h. */
#include "fake_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json_doc.h"
#include "fake_clock.h"
#include "format/wire.h"
#include "signals.h"

/* --- the source -------------------------------------------------------------------------------------------- */

static bool give_row(struct ends *ends, int index, source_take *take, void *taker)
{
    const struct fake_row *row = &ends->rows[index];
    struct signal signal = {0};
    struct err err = {0};
    if (row->fault)
        err_set(&err, "it cannot be read");
    else
        assert_int_equal(wire_read(row->json, strlen(row->json), &signal, &err), FAULT_NONE);
    struct source_item item = {.place.position = index + 1,
                               .signal = &signal,
                               .fault = row->fault,
                               .err = &err,
                               .text = row->fault ? row->json : NULL};
    (void)snprintf(item.place.mark, sizeof item.place.mark, "%s", row->id);
    bool taken = take(taker, &item);
    signal_clear(&signal);
    return taken;
}

static enum source_status source_read(void *self, const struct place *after, source_take *take, void *taker,
                                      struct err *err)
{
    struct ends *ends = self;
    ends->reads++;
    if (ends->source_away) {
        err_set(err, "it is locked");
        return SOURCE_AWAY;
    }
    if (after->position > ends->row_count ||
        (after->mark[0] && strcmp(ends->rows[after->position - 1].id, after->mark) != 0))
        return SOURCE_REPLACED;
    for (int i = (int)after->position; i < ends->row_count; i++)
        if (!give_row(ends, i, take, taker))
            return SOURCE_STOPPED;
    ends->source_changed = false;
    return SOURCE_END;
}

static bool source_changed(void *self)
{
    const struct ends *ends = self;
    return ends->source_changed;
}

static int64_t source_count_after(void *self, const struct place *after)
{
    const struct ends *ends = self;
    return ends->row_count - after->position;
}

static bool row_hash(const struct fake_row *row, char sha256[DIGEST_HEX_LEN + 1])
{
    struct signal signal = {0};
    struct err ignored = {0};
    size_t len = 0;
    bool readable = !wire_read(row->json, strlen(row->json), &signal, &ignored);
    const char *text = readable ? signal_text(&signal, FIELD_SHA256, &len) : "";
    (void)snprintf(sha256, DIGEST_HEX_LEN + 1, "%s", text);
    signal_clear(&signal);
    return readable;
}

static bool table_find(void *self, const char *signal_id, int64_t *position, char sha256[DIGEST_HEX_LEN + 1])
{
    const struct ends *ends = self;
    for (int i = 0; i < ends->row_count; i++)
        if (!strcmp(ends->rows[i].id, signal_id)) {
            *position = i + 1;
            return row_hash(&ends->rows[i], sha256);
        }
    return false;
}

static int table_walk(void *self, int64_t first, int64_t last, table_visit *visit, void *visitor, struct err *err)
{
    const struct ends *ends = self;
    char sha256[DIGEST_HEX_LEN + 1];
    if (ends->source_away)
        return err_set(err, "it is locked");
    for (int64_t i = first < 1 ? 1 : first; i <= last && i <= ends->row_count; i++) {
        const struct fake_row *row = &ends->rows[i - 1];
        (void)row_hash(row, sha256);
        if (row->id[0] && !visit(visitor, &(struct table_row){i, row->id, sha256}))
            break;
    }
    return 0;
}

void add_row(struct ends *ends, const char *id, const char *json, enum fault fault)
{
    assert_true(ends->row_count < ROWS_MAX);
    struct fake_row *row = &ends->rows[ends->row_count++];
    (void)snprintf(row->id, sizeof row->id, "%s", id);
    row->json = strdup(json);
    row->fault = fault;
    ends->source_changed = true;
}

void add_rows(struct ends *ends, int count)
{
    struct buf json = {0};
    while (count-- > 0) {
        char id[32];
        (void)snprintf(id, sizeof id, "signal-%d", ends->first_id + ends->row_count);
        buf_reset(&json);
        valid_signal(&json, id);
        add_row(ends, id, json.data, FAULT_NONE);
    }
    buf_clear(&json);
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

/* --- the receiver ------------------------------------------------------------------------------------------ */

static int row_of(const struct ends *ends, const char *id)
{
    for (int i = 0; i < ends->row_count; i++)
        if (!strcmp(ends->rows[i].id, id))
            return i;
    return NONE; /* a dead letter's, perhaps */
}

static int row_of_line(const struct ends *ends, const char *line, size_t len)
{
    struct signal signal = {0};
    struct err err = {0};
    assert_int_equal(wire_read(line, len, &signal, &err), FAULT_NONE);
    int row = row_of(ends, signal_text(&signal, FIELD_SIGNAL_ID, NULL));
    signal_clear(&signal);
    return row;
}

static void read_flight(const struct ends *ends, struct fake_flight *flight)
{
    const char *at = flight->body;
    flight->rows = malloc((strlen(at) + 1) * sizeof *flight->rows);
    for (size_t len; *at; at += len + (at[len] == '\n')) {
        len = strcspn(at, "\n");
        flight->rows[flight->count++] = row_of_line(ends, at, len);
    }
}

static int transport_send(void *self, const struct transport_request *request, struct err *err)
{
    struct ends *ends = self;
    if (ends->cannot_send)
        return err_set(err, "no socket is left");
    assert_true(ends->sent < FLIGHTS_MAX);
    struct fake_flight *flight = &ends->flights[ends->sent++];
    *flight = (struct fake_flight){.request = *request, .open = true};
    flight->body = strndup(request->body, request->len);
    read_flight(ends, flight);
    return 0;
}

void answer_full(struct ends *ends, int index, const struct transport_answer *given)
{
    assert_in_range(index, 0, ends->sent - 1);
    struct fake_flight *flight = &ends->flights[index];
    assert_true(flight->open);
    flight->open = false;
    assert_memory_equal(flight->request.body, flight->body, strlen(flight->body)); /* kept until now */
    flight->request.done(flight->request.context, given);
}

void answer(struct ends *ends, int flight, int status, const char *body)
{
    answer_full(ends, flight,
                &(struct transport_answer){.error = "", .status = status, .body = body, .len = strlen(body)});
}

void answer_unreachable(struct ends *ends, int flight)
{
    answer_full(ends, flight,
                &(struct transport_answer){.failure = TRANSPORT_UNREACHABLE, .error = "refused", .body = ""});
}

static const char *id_of(const struct ends *ends, const struct fake_flight *flight, int nth)
{
    return flight->rows[nth] == NONE ? "letter" : ends->rows[flight->rows[nth]].id;
}

void answer_stored_but(struct ends *ends, int index, int nth, const char *result)
{
    const struct fake_flight *flight = &ends->flights[index];
    bool batch = !strcmp(flight->request.path, "/batch");
    struct buf body = {0};
    buf_add_text(&body, batch ? "{\"results\":[" : "");
    for (int i = 0; i < flight->count; i++) {
        buf_add_text(&body, i ? ",{" : "{");
        if (i == nth)
            buf_add_text(&body, result);
        else
            buf_add_format(&body, "\"status\":\"success\",\"signal_id\":%d,\"external_signal_id\":\"%s\"", i + 1,
                           id_of(ends, flight, i));
        buf_add_char(&body, '}');
        if (i != nth && flight->rows[i] != NONE)
            ends->rows[flight->rows[i]].passable = true;
    }
    buf_add_text(&body, batch ? "]}" : "");
    answer(ends, index, batch ? 200 : 201, body.data);
    buf_clear(&body);
}

void answer_stored(struct ends *ends, int flight)
{
    answer_stored_but(ends, flight, NONE, "");
}

void answer_all_stored(struct ends *ends)
{
    for (int flight; (flight = open_flight(ends, 0)) != NONE;)
        answer_stored(ends, flight);
}

int open_flight(const struct ends *ends, int nth)
{
    for (int i = 0; i < ends->sent; i++)
        if (ends->flights[i].open && nth-- == 0)
            return i;
    return NONE;
}

int in_flight(const struct ends *ends)
{
    int count = 0;
    while (open_flight(ends, count) != NONE)
        count++;
    return count;
}

void check_flight(const struct ends *ends, int index, const char *path, int first, int count)
{
    assert_true(index < ends->sent);
    const struct fake_flight *flight = &ends->flights[index];
    assert_string_equal(flight->request.method, "POST");
    assert_string_equal(flight->request.path, path);
    assert_int_equal(flight->count, count);
    for (int i = 0; i < count; i++)
        assert_int_equal(flight->rows[i], first + i);
    assert_int_equal(strlen(flight->request.id), 16);
}

/* --- time, log, life --------------------------------------------------------------------------------------- */

void pass(struct ends *ends, int64_t ns)
{
    fake_clock_advance(ns);
    delivery_tick(ends->delivery, clock_monotonic_ns());
}

int64_t time_left(const struct ends *ends)
{
    int64_t due = delivery_due(ends->delivery);
    assert_true(due < INT64_MAX);
    return due - clock_monotonic_ns();
}

void pass_until_sent(struct ends *ends, int sent)
{
    for (int i = 0; i < 2000 && ends->sent < sent; i++)
        pass(ends, time_left(ends));
    assert_int_equal(ends->sent, sent);
}

struct delivery_stats stats_of(const struct ends *ends)
{
    struct delivery_stats stats;
    delivery_stats(ends->delivery, &stats);
    return stats;
}

int logged(struct ends *ends, const char *text)
{
    int count = 0;
    ssize_t len = pread(ends->log_fd, ends->log_text, sizeof ends->log_text - 1, 0);
    assert_true(len >= 0);
    ends->log_text[len] = '\0';
    for (const char *at = ends->log_text; (at = strstr(at, text)); at++)
        count++;
    return count;
}

struct delivery_ends ends_parts(struct ends *ends)
{
    return (struct delivery_ends){.rows = &ends->source,
                                  .table = ends->has_table ? &ends->table : NULL,
                                  .transport = &ends->transport,
                                  .state = &ends->state,
                                  .log = ends->log};
}

void ends_open(struct ends *ends)
{
    struct err err = {0};
    struct delivery_ends parts = ends_parts(ends);
    ends->delivery = delivery_open(&ends->options, &parts, &err);
    if (!ends->delivery)
        fail_msg("not opened: %s", err.message);
}

void ends_close(struct ends *ends)
{
    delivery_close(ends->delivery);
    ends->delivery = NULL;
}

int ends_start(void **state)
{
    static const struct source_ops source = {source_read, source_changed, source_count_after};
    static const struct transport_ops transport = {transport_send};
    static const struct table_ops table = {table_find, table_walk};
    struct ends *ends = calloc(1, sizeof *ends);
    fake_clock_freeze();
    ends->options = (struct delivery_options){.batch_max = 1000,
                                              .batch_bytes_max = 2097152,
                                              .in_flight_max = 4,
                                              .single_max = 5,
                                              .retry_first_ns = NS_PER_S,
                                              .probe_interval_ns = 30 * NS_PER_S,
                                              .sweep_interval_ns = 3600 * NS_PER_S,
                                              .url = "http://alpine.example"};
    ends->source = (struct source){.ops = &source, .self = ends};
    ends->table = (struct table){.ops = &table, .self = ends};
    ends->transport = (struct transport){.ops = &transport, .self = ends};
    ends->state = (struct state){.keeps_letters = true, .ops = &fake_state_ops, .self = ends};
    ends->log_fd = memfd_create("log", MFD_CLOEXEC);
    ends->log = log_open(ends->log_fd, LOG_TEXT, LOG_INFO);
    *state = ends;
    return 0;
}

int ends_finish(void **state)
{
    struct ends *ends = *state;
    /* What is in flight belongs to the delivery: it is over when it was answered. */
    if (ends->delivery)
        delivery_stop(ends->delivery);
    for (int flight; (flight = open_flight(ends, 0)) != NONE;)
        answer_unreachable(ends, flight);
    ends_close(ends);
    for (int i = 0; i < ends->sent; i++) {
        free(ends->flights[i].body);
        free(ends->flights[i].rows);
    }
    for (int i = 0; i < ends->row_count; i++)
        free(ends->rows[i].json);
    for (int i = 0; i < ends->letter_count; i++)
        free(ends->letters[i].json);
    log_close(ends->log);
    (void)close(ends->log_fd);
    free(ends);
    return 0;
}
