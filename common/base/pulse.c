/* pulse: one number. A beat that crosses a look counts for it, or for the next one; either is true. */
#include "base/pulse.h"

void pulse_init(struct pulse *pulse, int64_t now_ns)
{
    atomic_store(&pulse->owed_ns, now_ns);
}

void pulse_beat(struct pulse *pulse)
{
    if (atomic_load_explicit(&pulse->owed_ns, memory_order_relaxed))
        atomic_store(&pulse->owed_ns, 0);
}

int64_t pulse_look(struct pulse *pulse, int64_t now_ns)
{
    int64_t owed = atomic_load(&pulse->owed_ns);
    if (!owed) {
        atomic_store(&pulse->owed_ns, now_ns);
        return 0;
    }
    return now_ns > owed ? now_ns - owed : 1;
}
