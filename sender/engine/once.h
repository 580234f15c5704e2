/* once: a signal that stands in the log and in the table is sent from one of them only.
 *
 * The log comes first: Argo writes it at once, and it has more fields. What went by the log is remembered in the
 * state until the table shows it, and then skipped there. What the log never had goes by the table, which therefore
 * waits until the log is read to its end. A mistake here costs a duplicate, which the receiver drops. */
#ifndef ALPINE_SENDER_ONCE_H
#define ALPINE_SENDER_ONCE_H

#include "engine/feed.h"
#include "seams/table.h"

/* All parts are borrowed. */
struct once {
    const struct table *table;
    struct journal *journal;
    struct log *log;
    const struct feed *lines; /* of the log */
    const struct feed *rows;  /* of the table */
};

/* intake_decide for a line of the log, and for a row of the table; self is the struct once. A signal that stands in
 * the other source with another hash is an alarm, and is sent: the receiver answers that it is a conflict. */
enum intake_choice once_for_line(void *self, const struct source_item *item);
enum intake_choice once_for_row(void *self, const struct source_item *item);

#endif
