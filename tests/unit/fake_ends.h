/* fake_ends: everything around a delivery, in memory: Argo's table and its log, a receiver, a state directory and
 * the sender's own log. The clock stands still.
 *
 * Each save of a position is held against the promise: whatever lies before it was answered or buried. */
#ifndef ALPINE_UNIT_FAKE_ENDS_H
#define ALPINE_UNIT_FAKE_ENDS_H

#include <stdbool.h>

#include "support.h"

#include "base/clock.h"
#include "engine/delivery.h"

enum {
    ROWS_MAX = 3000,
    LINES_MAX = 3000,
    FLIGHTS_MAX = 6000,
    LETTERS_MAX = 64,
    SENT_MAX = 4000,
    TALLIES_MAX = 16,
    TALLIES_BELOW_ZERO = 8,
    NONE = -1
};

/* A row of the table, or a line of Argo's log. */
struct fake_row {
    int64_t position;
    char id[SIGNAL_ID_MAX + 1];
    char *json;
    enum fault fault; /* the source cannot read it … */
    bool passable;    /* answered as stored, or its dead letter is kept */
    bool buried;      /* it has a dead letter */
    bool late;        /* it appeared behind the position, which cannot wait for it */
};

/* Argo's log. The line's end is its position. */
struct fake_lines {
    struct source source;
    struct fake_row lines[LINES_MAX];
    int count;
    bool changed;
    bool away;
    bool replaced; /* its next read from a place says so; then it is read from the beginning */
    int reads;
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
    enum origin origin;
    int64_t position;
    char signal_id[SIGNAL_ID_MAX + 1];
    char sha256[DIGEST_HEX_LEN + 1];
    char reason[32];
    char detail[256];
    char *json;
    bool retry;
};

struct fake_sent {
    char signal_id[SIGNAL_ID_MAX + 1];
    char sha256[DIGEST_HEX_LEN + 1];
    int64_t position; /* of its row, once the table has shown it */
};

struct ends {
    struct delivery_options options;
    struct delivery *delivery;

    struct source source;
    struct fake_row rows[ROWS_MAX]; /* row i is at position i + 1, but for what insert_row does */
    int row_count;
    int first_id; /* row i is "signal-<first_id + i>" */
    bool source_changed;
    bool source_away;
    bool source_replaced; /* places of the one before may still be saved */
    int reads;
    struct table table;
    bool has_table; /* it can be asked too; set before ends_open */
    bool has_lines; /* there is a log too; set before ends_open, with has_table */

    struct fake_lines log_file;

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
    struct state_tally tallies[TALLIES_MAX]; /* by block, the negative ones first */

    struct log *log;
    int log_fd;
    char log_text[200000];
};

extern const struct state_ops fake_state_ops; /* its self is the struct ends */
extern const struct source_ops fake_table_source_ops;
extern const struct table_ops fake_table_ops;
extern const struct source_ops fake_lines_ops;

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
/* The row of that signal, at the end of the table. The variant is as in valid_variant. */
void add_signal_row(struct ends *ends, const char *id, int variant);
/* A new valid signal at a free position, whatever stands behind it already. The delivery is not told. */
void insert_row(struct ends *ends, int64_t position, const char *id);
/* The row at this index holds another variant of its signal. */
void replace_row(struct ends *ends, int index, int variant);
void remove_row(struct ends *ends, int index);

/* A line of that signal in the log, as Argo writes it before the row. */
void add_signal_line(struct ends *ends, const char *id, int variant);
/* A line that holds this text. */
void add_line(struct ends *ends, const char *id, const char *json, enum fault fault);
/* The index of the row or line at this position; NONE if there is none. */
int row_at(const struct ends *ends, int64_t position);
int line_at(const struct ends *ends, int64_t position);
/* The hash that it gives; "" if it cannot be read. */
void row_hash(const struct fake_row *row, char sha256[DIGEST_HEX_LEN + 1]);
/* Rows and lines of this signal with this hash are answered as stored. */
void mark_passable(struct ends *ends, const char *id, const char *sha256);
void free_sources(struct ends *ends);

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
/* Checks path and signals of a flight: their ids, each with a space behind it. */
void check_sent(struct ends *ends, int index, const char *ids);
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
