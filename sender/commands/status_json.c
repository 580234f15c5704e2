/* status_json: see status_json.h. */
#include "commands/status_json.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/json_text.h"

void status_json_add(struct buf *object, const struct status_figures *figures)
{
    char time[CLOCK_TEXT_SIZE];
    int64_t last = figures->last_success_us;
    bool known = figures->pending >= 0;
    json_text_member_integer(object, "delivered", figures->delivered);
    json_text_name(object, "pending");
    if (known)
        buf_add_integer(object, figures->pending);
    else
        buf_add_text(object, "null");
    json_text_member_integer(object, "dead", figures->dead);
    json_text_member_cstring(object, "last_success", last ? clock_format(last, time) : NULL);
    json_text_name(object, "lag_seconds");
    if (known)
        buf_add_format(object, "%.3f", figures->lag_s);
    else
        buf_add_text(object, "null");
    json_text_member_integer(object, "position", figures->position);
    json_text_member_bool(object, "running", figures->running);
}
