/* state_stage: a state directory of its own, for the tests of state_sqlite. */
#ifndef ALPINE_UNIT_STATE_STAGE_H
#define ALPINE_UNIT_STATE_STAGE_H

#include "folder.h"
#include "support.h"

#include "adapters/state_sqlite.h"

enum { LETTERS_MAX = 5, LETTERS_SEEN_MAX = 16 };

struct stage {
    struct folder folder;
    struct state *state; /* opened as STATE_OWN; NULL: not now */
    struct err err;
    int damages; /* calls of damaged */
    char moved_to[PATH_MAX];

    /* What the last walk over letters saw. */
    int letters;
    struct {
        int64_t id;
        enum origin origin;
        int64_t position;
        char signal_id[64];
        char sha256[80];
        char reason[32];
        char json[80000];
        bool retry;
    } seen[LETTERS_SEEN_MAX];
};

/* cmocka's setup and teardown; the state is open. */
int stage_start(void **state);
int stage_finish(void **state);

/* NULL if it cannot be opened; then stage->err says why. */
struct state *stage_open(struct stage *stage, enum state_access access);
/* Closes the owner's state without saving, as a crash does, and opens it again. */
void stage_crash(struct stage *stage);

/* Runs SQL on state.db beside it. */
void stage_sql(struct stage *stage, const char *sql);
int64_t stage_number(struct stage *stage, const char *sql);

/* Saves a place in the table, with everything that was noted. */
void stage_save(struct stage *stage, int64_t position);
/* The saved place in the table. */
int64_t stage_saved(struct stage *stage);

/* Buries a letter; returns what bury does. */
int stage_bury(struct stage *stage, enum origin origin, int64_t position, const char *signal_id, const char *sha256,
               const char *json);
/* Fills `letters` and `seen`, with all letters or those to be sent again. */
void stage_see(struct stage *stage);
void stage_see_retries(struct stage *stage);

#endif
