/* log_ends: fake_ends with a log, for the tests of a log and a table that hold the same signals. */
#ifndef ALPINE_UNIT_LOG_ENDS_H
#define ALPINE_UNIT_LOG_ENDS_H

#include "fake_ends.h"

/* cmocka's setup; ends_finish is its teardown. */
int log_start(void **state);
/* A source may have something new. */
void look(struct ends *ends);
/* Everything is sent by now, in so many requests, and that is how far the places went. */
void check_settled(struct ends *ends, int sent, int64_t row, int64_t line);
/* The state knows that it went by the log. */
bool is_noted(const struct ends *ends, const char *id);
/* A line that was damaged on its way: the hash is the signal's, the price is not. */
void add_spoilt_line(struct ends *ends, const char *id);
/* A line of that signal with a field that its row does not have. */
void add_rich_line(struct ends *ends, const char *id);

#endif
