/* state_parts: what the files that fill the state seam share: state_sqlite.c, state_letters.c, state_ledger.c. No
 * other file includes it. self of every call is a struct state_sqlite. */
#ifndef ALPINE_SENDER_STATE_PARTS_H
#define ALPINE_SENDER_STATE_PARTS_H

#include "adapters/state_db.h"
#include "seams/state.h"

struct state_sqlite {
    struct state state;
    struct state_db db;
    char *directory;
    int lock_fd;
    int64_t letters_max;
    int64_t letters;         /* how many there are at most: another process may have dropped some */
    int letters_of;          /* db.generation when they were counted … */
    int64_t letters_version; /* … and PRAGMA data_version: it moves when another program has changed something */
};

/* Makes sure that the state directory is there and this sender's: when it was removed while it was in use, it is
 * made and taken anew, and what is kept there begins afresh. Returns -1 and the reason in err. */
int state_sqlite_hold_directory(struct state_sqlite *sqlite, struct err *err);

int state_letters_bury(void *self, const struct dead_letter *letter, struct err *err);
int state_letters_remove(void *self, int64_t id, struct err *err);
int state_letters_remove_delivered(void *self, const char *signal_id, const char *sha256, struct err *err);
int state_letters_each_retry(void *self, dead_letter_visit *visit, void *visitor, struct err *err);

int state_ledger_note_sent(void *self, const char *signal_id, const char *sha256, struct err *err);
int state_ledger_find_sent(void *self, const char *signal_id, char sha256[DIGEST_HEX_LEN + 1], struct err *err);
int state_ledger_show_sent(void *self, const char *signal_id, int64_t position, struct err *err);
int state_ledger_clear_sent(void *self, struct err *err);
int state_ledger_add_tally(void *self, int64_t block, const struct state_tally *more, struct err *err);
int state_ledger_find_tally(void *self, int64_t block, struct state_tally *tally, struct err *err);
int state_ledger_clear_tallies(void *self, struct err *err);
/* Forgets what was sent and the table has shown before its place, and the oldest of the rest if it is too much. */
int state_ledger_prune(struct state_sqlite *sqlite, const struct place *row, struct err *err);

#endif
