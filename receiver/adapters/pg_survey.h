/* pg_survey: what the database says of itself, of the table and of the role's rights, for `check`. Changes nothing.
 */
#ifndef ALPINE_RECEIVER_PG_SURVEY_H
#define ALPINE_RECEIVER_PG_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Rights on the table signals. What one needs and what one better had not. */
struct pg_survey_rights {
    bool may_select, may_insert, may_number; /* number: use the sequence of ids, if there is one to be used */
    bool may_update, may_delete, may_truncate;
};

struct pg_survey {
    char version[32]; /* "15.14" */
    int version_number;
    char role[140];    /* quoted where SQL needs it */
    char address[72];  /* of the server: "10.0.0.5:5432"; "a local socket" */
    bool is_pooled;    /* a pooler stands between */
    bool is_read_only; /* a standby, or one that was told so */
    bool is_superuser, is_owner;
    bool has_table;
    struct pg_survey_rights rights;
    bool has_fsync, has_full_page_writes;
    int64_t now_us;               /* the database's clock */
    int64_t sent_us, answered_us; /* between which it was read, by this host's clock */
};

/* Connects within the deadline, asks once and leaves. Returns -1 and the reason in err. */
MUST_CHECK int pg_survey(const char *url, int64_t deadline_ns, struct pg_survey *survey, struct err *err);

#endif
