/* submission: memory only. */
#include "engine/submission.h"

#include <stdlib.h>
#include <string.h>

struct submission *submission_new(void)
{
    return calloc(1, sizeof(struct submission));
}

void submission_free(struct submission *submission)
{
    if (!submission)
        return;
    for (size_t i = 0; i < submission->count; i++) {
        signal_clear(&submission->entries[i].signal);
        free(submission->entries[i].row.refusal);
    }
    arena_clear(&submission->arena);
    free(submission->entries);
    free(submission);
}

struct submission_entry *submission_add(struct submission *submission)
{
    if (submission->count == submission->capacity) {
        size_t capacity = submission->capacity ? submission->capacity * 2 : 1;
        struct submission_entry *entries = realloc(submission->entries, capacity * sizeof *entries);
        if (!entries)
            return NULL;
        submission->entries = entries;
        submission->capacity = capacity;
    }
    struct submission_entry *entry = &submission->entries[submission->count++];
    memset(entry, 0, sizeof *entry);
    return entry;
}
