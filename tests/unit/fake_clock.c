/* fake_clock: the real clock, or a still one, and what was added by hand. */
#include "fake_clock.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"

#define START_NS (1000 * NS_PER_S)

int64_t __real_clock_monotonic_ns(void);
int64_t __wrap_clock_monotonic_ns(void);

static atomic_bool frozen;
static _Atomic int64_t added_ns;

int64_t __wrap_clock_monotonic_ns(void)
{
    return (atomic_load(&frozen) ? START_NS : __real_clock_monotonic_ns()) + atomic_load(&added_ns);
}

void fake_clock_freeze(void)
{
    atomic_store(&frozen, true);
}

void fake_clock_advance(int64_t ns)
{
    atomic_fetch_add(&added_ns, ns);
}
