/* outcome: names for the log. */
#include "base/outcome.h"

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {
        [OUTCOME_DONE] = "done",
        [OUTCOME_AGAIN] = "again",
        [OUTCOME_HOLD] = "hold",
        [OUTCOME_NEVER] = "never",
    };
    return names[outcome];
}
