/* log_stage: see log_stage.h. */
#include "log_stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/source_log.h"
#include "taken.h"

int log_start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    folder_make(&stage->folder);
    stage->source = source_log_new(folder_path(&stage->folder, "signals.log"), &(struct log_files_shut){0});
    assert_non_null(stage->source);
    *state = stage;
    return 0;
}

int log_finish(void **state)
{
    struct stage *stage = *state;
    source_log_free(stage->source);
    folder_remove(&stage->folder);
    free(stage);
    return 0;
}

void restart(struct stage *stage)
{
    source_log_free(stage->source);
    stage->source = source_log_new(folder_path(&stage->folder, "signals.log"), &(struct log_files_shut){0});
    assert_non_null(stage->source);
}

void log_to(struct stage *stage, const char *name, const char *ids)
{
    char line[32];
    for (; *ids; ids++) {
        (void)snprintf(line, sizeof line, "{\"signal_id\":\"%c\"}\n", *ids);
        folder_append(&stage->folder, name, line);
    }
}

void log_lines_of(struct stage *stage, const char *ids)
{
    log_to(stage, "signals.log", ids);
}

void rotate(struct stage *stage, const char *to, int64_t seconds)
{
    folder_rename(&stage->folder, "signals.log", to);
    folder_date(&stage->folder, to, seconds);
}

void rotate_by_copying(struct stage *stage, const char *to, int64_t seconds)
{
    folder_copy(&stage->folder, "signals.log", to);
    folder_date(&stage->folder, to, seconds);
    folder_write(&stage->folder, "signals.log", "");
}

void check(struct stage *stage, enum source_status expected, const char *ids)
{
    assert_int_equal(read_on(stage->source, &stage->place, ids), expected);
}

bool has_changed(const struct stage *stage)
{
    return stage->source->ops->changed(stage->source->self);
}
