/* store_step: the steps of a group's transaction. */
#ifndef ALPINE_RECEIVER_STORE_STEP_H
#define ALPINE_RECEIVER_STORE_STEP_H

#include "adapters/store_group.h"

/* How a step ended. */
enum step {
    STEP_DONE,
    STEP_RACE,    /* lost against another writer: run the transaction again */
    STEP_TAKEN,   /* a row's place is taken: by itself, or by another row in a unique index of Alpine's own */
    STEP_BAD_ROW, /* a row breaks a rule */
    STEP_FAILED,  /* the database cannot now */
};

/* What the connection's last error means; and if it was an INSERT's, with err in words for people. */
enum step store_step_after_error(struct pg_conn *conn);
enum step store_step_after_insert(struct store_group *in, struct err *err);
/* STEP_FAILED. */
enum step store_step_no_memory(struct err *err);

/* Begins, and waits for what STATEMENT_TAKE_CHAIN or STATEMENT_TAKE_TURN takes. */
enum step store_step_open(struct store_group *in, enum store_statement wait, struct err *err);
/* Of their result: had it to wait? */
void store_step_note_wait(struct store_group *in, const PGresult *result);
/* Statements that return nothing of interest. */
enum step store_step_run(struct store_group *in, const char *sql, struct err *err);
/* Sends the rows; whole: in a transaction of their own, up to its COMMIT. Memory is asked for before anything is
 * queued: half a transaction on its way would meet the next one. */
MUST_CHECK int store_step_send_rows(struct store_group *in, bool whole, struct store_row **rows, size_t count,
                                    struct err *err);
/* What the INSERT returns has to be all that it was given, in the same order; they are STORE_STORED then. */
enum step store_step_take_stored(const PGresult *result, struct store_row **rows, size_t count, struct err *err);
enum step store_step_await_rows(struct store_group *in, struct store_row **rows, size_t count, struct err *err);
enum step store_step_look_up(struct store_group *in, struct store_row **rows, size_t count, struct err *err);
/* Sends the COMMIT and waits for it; or waits only, until it is on the disk. A connection that breaks now leaves it
 * in doubt: the answer is 503, and the resend finds the rows. */
enum step store_step_commit(struct store_group *in, struct err *err);
enum step store_step_await_commit(struct store_group *in, struct err *err);
/* Writes a mark. Outside a transaction this waits until everything that was seen is on the disk; within one, its
 * COMMIT does. */
enum step store_step_mark(struct store_group *in, struct err *err);
/* The step that failed, unless not even the way back works. sql: "ROLLBACK", and what is to be done after it. */
enum step store_step_roll_back(struct store_group *in, const char *sql, enum step step);

/* Every row is STORE_UNKNOWN again; and how many have this verdict. */
void store_step_forget(struct store_group *in);
size_t store_step_count(const struct store_group *in, enum store_verdict verdict);

#endif
