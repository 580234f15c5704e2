/* log_stage: a log in a directory of its own, for the tests of source_log. A signal's id is one letter. */
#ifndef ALPINE_UNIT_LOG_STAGE_H
#define ALPINE_UNIT_LOG_STAGE_H

#include "folder.h"
#include "support.h"

#include "seams/source.h"

struct stage {
    struct folder folder;
    struct source *source;
    struct place place; /* behind what was read */
};

/* cmocka's setup and teardown; *state is the struct stage. */
int log_start(void **state);
int log_finish(void **state);

/* As after a restart of the program: only the place is known. */
void restart(struct stage *stage);
/* Appends a line for each letter of ids, to a file or to the log. */
void log_to(struct stage *stage, const char *name, const char *ids);
void log_lines_of(struct stage *stage, const char *ids);
/* A rotation by renaming, or by copying and truncating; the file was written last at that second. */
void rotate(struct stage *stage, const char *to, int64_t seconds);
void rotate_by_copying(struct stage *stage, const char *to, int64_t seconds);

/* Reads on from the place, and checks the status and the ids (read_on). */
void check(struct stage *stage, enum source_status expected, const char *ids);
bool has_changed(const struct stage *stage);

#endif
