/* fake_ends: everything around a delivery, in memory: a source, a receiver, a state directory and a log. The clock
 * stands still.
 *
 * Each save of a position is held against the promise: whatever lies before it was answered or buried. */
#ifndef ALPINE_UNIT_FAKE_ENDS_H
#define ALPINE_UNIT_FAKE_ENDS_H

#include <stdbool.h>

#include "support.h"

#include "base/clock.h"
#include "engine/delivery.h"

enum { ROWS_MAX = 3000, FLIGHTS_MAX = 6000, LETTERS_MAX = 64, SENT_MAX = 4000, TALLIES_MAX = 8, NONE = -1 };

struct fake_row {
    char id[SIGNAL_ID_MAX + 1];
    char *json;
    enum fault fault; /* the source cannot read it … */
    bool passable;    /* answered as stored, or its dead letter is kept */
};

struct fake_flight {
    struct transport_request request;
    char *body;
    int *rows; /* the row that each of its signals is from; NONE: a letter's */
    int count; /* of its signals */
    bool open; /* not answered yet */
};

struct fake_letter {
    int64_t id; /* 0: removed */
    int64_t position;
    char signal_id[SIGNAL_ID_MAX + 1];
    char reason[32];
    char detail[256];
    char *json;
    bool retry;
};

struct fake_sent {
    char signal_id[SIGNAL_ID_MAX + 1];
    char sha256[DIGEST_HEX_LEN + 1];
};

struct ends {
    struct delivery_options options;
    struct delivery *delivery;

    struct source source;
    struct fake_row rows[ROWS_MAX]; /* row i is at position i + 1 */
    int row_count;
    int first_id; /* row i is "signal-<first_id + i>" */
    bool source_changed;
    bool source_away;
    bool source_replaced; /* places of the one before may still be saved */
    int reads;
    struct table table;
    bool has_table; /* it can be asked too; set before ends_open */

    struct transport transport;
    struct fake_flight flights[FLIGHTS_MAX]; /* every request that was ever sent */
    int sent;
    bool cannot_send;

    struct state state;
    struct state_progress saved;
    int saves;
    bool state_fails;
    struct fake_letter letters[LETTERS_MAX];
    int letter_count;
    struct fake_sent sent_notes[SENT_MAX]; /* what went by the log */
    int sent_count;
    struct state_tally tallies[TALLIES_MAX]; /* by block */

    struct log *log;
    int log_fd;
    char log_text[200000];
};

extern const struct state_ops fake_state_ops; /* its self is the struct ends */

/* cmocka's setup and teardown; *state is the struct ends. The delivery is not opened yet: options may be changed.
 */
int ends_start(void **state);
int ends_finish(void **state);

/* What a delivery is opened with. */
struct delivery_ends ends_parts(struct ends *ends);
void ends_open(struct ends *ends);
void ends_close(struct ends *ends);

/* So many new valid signals at the end of the source; the delivery is not told. */
void add_rows(struct ends *ends, int count);
/* A row that holds this text, readable or not. */
void add_row(struct ends *ends, const char *id, const char *json, enum fault fault);
/* A signal whose hash is not its own. */
void add_damaged(struct ends *ends, const char *id);
/* add_rows and delivery_look. */
void arrive(struct ends *ends, int count);

/* Answers a flight, by its index, with these words. */
void answer(struct ends *ends, int flight, int status, const char *body);
void answer_full(struct ends *ends, int index, const struct transport_answer *given);
void answer_unreachable(struct ends *ends, int flight);
/* As a receiver does that stored every signal of it … */
void answer_stored(struct ends *ends, int flight);
/* … but one, the nth of a batch, whose result is this (JSON members). */
void answer_stored_but(struct ends *ends, int index, int nth, const char *result);
/* Answers every open flight, those that this begins too, until nothing is open. */
void answer_all_stored(struct ends *ends);

/* Flights that are not answered. */
int in_flight(const struct ends *ends);
/* The index of the nth open flight, NONE if there is none. */
int open_flight(const struct ends *ends, int nth);
/* Checks path and signals of a flight: rows `first` to `first + count - 1`. */
void check_flight(const struct ends *ends, int index, const char *path, int first, int count);

/* Moves the clock and calls what is due then. */
void pass(struct ends *ends, int64_t ns);
/* The time until the delivery wants to be called, which must be bounded. */
int64_t time_left(const struct ends *ends);
/* Lets the time pass until the next attempt is due, whatever else comes before it. */
void pass_until_sent(struct ends *ends, int sent);

struct delivery_stats stats_of(const struct ends *ends);
/* How often the log holds this text. */
int logged(struct ends *ends, const char *text);
/* A letter that somebody wants to send again; its id. */
int64_t add_letter(struct ends *ends, const char *signal_id, const char *json);

#endif
