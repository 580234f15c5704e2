/* sqlstate: by the first prefix that matches (PostgreSQL documentation, appendix A). */
#include "adapters/sqlstate.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *prefix;
    enum sqlstate_action action;
} actions[] = {
    {"40001", SQLSTATE_RETRY},       /* serialization_failure */
    {"40P01", SQLSTATE_RETRY},       /* deadlock_detected */
    {"2200H", SQLSTATE_UNAVAILABLE}, /* sequence_generator_limit_exceeded: any row fares alike */
    {"22", SQLSTATE_BAD_ROW},        /* data exception: a character, number or date that it does not take */
    {"23", SQLSTATE_BAD_ROW},        /* integrity constraint violation: a CHECK of the table */
    {"54", SQLSTATE_BAD_ROW},        /* program limit exceeded: a value too large for an index */
    {"44", SQLSTATE_BAD_ROW},        /* WITH CHECK OPTION violation */
    {"P0", SQLSTATE_BAD_ROW},        /* raised by a trigger of Alpine's own, which refuses it */
};

enum sqlstate_action sqlstate_action(const char *sqlstate)
{
    if (!sqlstate || !*sqlstate)
        return SQLSTATE_UNAVAILABLE;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strncmp(sqlstate, actions[i].prefix, strlen(actions[i].prefix)))
            return actions[i].action;
    return SQLSTATE_UNAVAILABLE;
}
