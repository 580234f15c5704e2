/* fake_ends: see fake_ends.h. */
#include "fake_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_clock.h"
#include "format/wire.h"

/* --- the receiver ------------------------------------------------------------------------------------------ */

static int row_of(const struct ends *ends, const char *id)
{
    for (int i = 0; i < ends->row_count; i++)
        if (!strcmp(ends->rows[i].id, id))
            return i;
    return NONE; /* a dead letter's, perhaps */
}

/* The next signal of a body, read into an empty one; moves *at behind it. False at the end. */
static bool next_signal(const char **at, struct signal *signal)
{
    struct err err = {0};
    size_t len = strcspn(*at, "\n");
    if (!len)
        return false;
    assert_int_equal(wire_read(*at, len, signal, &err), FAULT_NONE);
    *at += len + ((*at)[len] == '\n');
    return true;
}

static const char *id_of(const struct signal *signal)
{
    return signal_text(signal, FIELD_SIGNAL_ID, NULL);
}

static void read_flight(const struct ends *ends, struct fake_flight *flight)
{
    const char *at = flight->body;
    flight->rows = malloc((strlen(at) + 1) * sizeof *flight->rows);
    for (struct signal signal = {0}; next_signal(&at, &signal); signal_clear(&signal))
        flight->rows[flight->count++] = row_of(ends, id_of(&signal));
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

void answer_stored_but(struct ends *ends, int index, int nth, const char *result)
{
    const struct fake_flight *flight = &ends->flights[index];
    bool batch = !strcmp(flight->request.path, "/batch");
    const char *at = flight->body;
    struct signal signal = {0};
    struct buf body = {0};
    buf_add_text(&body, batch ? "{\"results\":[" : "");
    for (int i = 0; next_signal(&at, &signal); i++) {
        buf_add_text(&body, i ? ",{" : "{");
        if (i == nth)
            buf_add_format(&body, "%s,\"external_signal_id\":\"%s\"", result, id_of(&signal));
        else
            buf_add_format(&body, "\"status\":\"success\",\"signal_id\":%d,\"external_signal_id\":\"%s\"", i + 1,
                           id_of(&signal));
        buf_add_char(&body, '}');
        if (i != nth)
            mark_passable(ends, id_of(&signal), signal_text(&signal, FIELD_SHA256, NULL));
        signal_clear(&signal);
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

void check_sent(struct ends *ends, int index, const char *ids)
{
    char found[4096] = "";
    struct signal signal = {0};
    assert_true(index < ends->sent);
    const char *at = ends->flights[index].body;
    for (size_t used = 0; next_signal(&at, &signal); used = strlen(found)) {
        (void)snprintf(found + used, sizeof found - used, "%s ", id_of(&signal));
        signal_clear(&signal);
    }
    assert_string_equal(found, ids);
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
                                  .lines = ends->has_lines ? &ends->log_file.source : NULL,
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
    static const struct transport_ops transport = {transport_send};
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
    ends->source = (struct source){.ops = &fake_table_source_ops, .self = ends};
    ends->table = (struct table){.ops = &fake_table_ops, .self = ends};
    ends->log_file.source = (struct source){.ops = &fake_lines_ops, .self = &ends->log_file};
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
    free_sources(ends);
    for (int i = 0; i < ends->letter_count; i++)
        free(ends->letters[i].json);
    log_close(ends->log);
    (void)close(ends->log_fd);
    free(ends);
    return 0;
}
