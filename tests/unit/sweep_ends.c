/* sweep_ends: see sweep_ends.h. */
#include "sweep_ends.h"

int sweep_start(void **state)
{
    (void)ends_start(state);
    struct ends *ends = *state;
    ends->has_table = true;
    return 0;
}

void deliver(struct ends *ends)
{
    delivery_look(ends->delivery);
    answer_all_stored(ends);
    pass(ends, 100 * NS_PER_MS);
    assert_int_equal(stats_of(ends).outstanding, 0);
}

void open_with(struct ends *ends, int rows)
{
    ends_open(ends);
    add_rows(ends, rows);
    deliver(ends);
}

void pass_in_steps(struct ends *ends, int64_t ns)
{
    while (ns > 0) {
        int64_t due = delivery_due(ends->delivery) - clock_monotonic_ns();
        int64_t step = due < 1 ? 1 : due < ns ? due : ns;
        pass(ends, step);
        ns -= step;
    }
}

void sweep(struct ends *ends)
{
    pass_in_steps(ends, INTERVAL_NS + NS_PER_S);
}

void check_quiet(struct ends *ends)
{
    int sent = ends->sent;
    sweep(ends);
    sweep(ends);
    assert_int_equal(ends->sent, sent);
}

void open_with_gaps(struct ends *ends)
{
    add_rows(ends, 3);
    insert_row(ends, 1500, "alone");
    insert_row(ends, 2500, "far");
    add_rows(ends, 3);
    ends_open(ends);
    deliver(ends);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, 2503);
}
