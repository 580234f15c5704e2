/* sqlstate: what an error of PostgreSQL means for a transaction. One table. */
#ifndef ALPINE_RECEIVER_SQLSTATE_H
#define ALPINE_RECEIVER_SQLSTATE_H

enum sqlstate_action {
    SQLSTATE_RETRY,       /* the same transaction at once: it lost a race */
    SQLSTATE_UNAVAILABLE, /* the database cannot now: 503, the sender comes again */
    SQLSTATE_BAD_ROW,     /* the data break a rule: find the row and refuse it alone */
};

/* sqlstate is the five characters, or NULL or "" for a connection that broke. */
enum sqlstate_action sqlstate_action(const char *sqlstate);

#endif
