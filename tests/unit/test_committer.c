/* committer: nobody is told that a signal is stored before the store said so, and everybody is told something. */
#include "committer_stage.h"

#include <string.h>

#include "base/clock.h"
#include "fake_clock.h"

static void told_after_the_store_said_done(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    struct submission *submission = submit(stage, IDS("a", "b"));
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    assert_int_equal(fake_store_get(&stage->store, &stage->done), 0);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 1);
    assert_true(stage->was_durable[0]);
    assert_int_equal(submission->outcome, SUBMISSION_COMMITTED);
    assert_int_equal(submission->entries[0].row.verdict, STORE_STORED);
    assert_int_equal(submission->entries[0].row.id, 1);
    assert_int_equal(submission->entries[1].row.id, 2);
}

static void everything_that_waits_is_one_transaction(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    for (int i = 1; i <= 50; i++)
        (void)submit_one(stage, i);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 51);
    assert_int_equal(stage->store.inserts, 2);
    assert_int_equal(stage->store.insert_counts[0], 1);
    assert_int_equal(stage->store.insert_counts[1], 50);
    for (int i = 0; i <= 50; i++) {
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_COMMITTED);
        assert_int_equal(stage->submissions[i]->entries[0].row.id, i + 1); /* in the order of their coming */
    }
}

static void a_transaction_has_a_limit(void **state)
{
    struct stage *stage = *state;
    stage->options.group_max = 4;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    (void)submit(stage, IDS("a", "b", "c"));
    (void)submit(stage, IDS("d", "e"));
    (void)submit(stage, IDS("f", "g", "h", "i", "j", "k")); /* larger than the limit: alone, and whole */
    (void)submit(stage, IDS("l"));
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 5);
    static const size_t counts[] = {1, 3, 2, 6, 1};
    assert_int_equal(stage->store.inserts, COUNT(counts));
    for (size_t i = 0; i < COUNT(counts); i++)
        assert_int_equal(stage->store.insert_counts[i], counts[i]);
}

static void faulty_entries_are_not_stored(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    struct submission *submission = submit(stage, IDS("a", "!", "b"));
    wait_done(stage, 1);
    assert_int_equal(submission->outcome, SUBMISSION_COMMITTED);
    assert_int_equal(stage->store.insert_counts[0], 2);
    assert_int_equal(submission->entries[1].fault, FAULT_INVALID_FIELD);
}

static void a_dry_run_stores_nothing(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    struct submission *real = submit(stage, IDS("a"));
    wait_done(stage, 1);
    struct submission *dry = make(stage, IDS("a", "new"));
    dry->dry_run = true;
    assert_true(committer_submit(stage->committer, dry, false));
    wait_done(stage, 2);
    assert_int_equal(real->entries[0].row.verdict, STORE_STORED);
    assert_int_equal(dry->outcome, SUBMISSION_COMMITTED);
    assert_int_equal(dry->entries[0].row.verdict, STORE_DUPLICATE);
    assert_int_equal(dry->entries[1].row.verdict, STORE_UNKNOWN);
    assert_int_equal(fake_store_find(&stage->store, "new"), 0);
    assert_int_equal(stage->store.inserts, 1);
}

static void a_failure_is_unavailable_for_all(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    fake_store_set(&stage->store, &stage->store.failing, true);
    for (int i = 1; i <= 20; i++)
        (void)submit_one(stage, i);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 21);
    for (int i = 0; i <= 20; i++) {
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_UNAVAILABLE);
        assert_true(stage->submissions[i]->retry_after_s >= 1);
        assert_false(stage->was_durable[i]);
    }
    wait_ready(stage, false);
    fake_store_set(&stage->store, &stage->store.failing, false);
    (void)submit_one(stage, 21); /* it is connected: it tries, and is ready again when that works */
    wait_done(stage, 22);
    assert_int_equal(stage->submissions[21]->outcome, SUBMISSION_COMMITTED);
    wait_ready(stage, true);
}

static void one_bad_row_is_found(void **state)
{
    struct stage *stage = *state;
    static const char *const bad[] = {"signal-0", "signal-13", "signal-36"};
    memcpy(stage->store.bad, bad, sizeof bad);
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    for (int i = 0; i < 37; i++)
        (void)submit_one(stage, i);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 37);
    for (int i = 0; i < 37; i++) {
        bool is_bad = i == 0 || i == 13 || i == 36;
        const struct submission *submission = stage->submissions[i];
        assert_int_equal(submission->outcome, SUBMISSION_COMMITTED);
        assert_int_equal(submission->entries[0].row.verdict, is_bad ? STORE_REFUSED : STORE_STORED);
        assert_int_equal(stage->was_durable[i], !is_bad);
    }
    assert_int_equal(stage->store.stored_count, 34);
    wait_ready(stage, true);
}

static void a_full_queue_refuses(void **state)
{
    struct stage *stage = *state;
    stage->options.queue_max = 10;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    for (int i = 1; i <= 9; i++)
        (void)submit_one(stage, i);
    assert_int_equal(refused(stage, IDS("x", "y"))->retry_after_s, 1);
    (void)submit(stage, IDS("z")); /* there is room for one */
    (void)refused(stage, IDS("x"));
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 11);
    (void)submit(stage, IDS("after"));
    wait_done(stage, 12);
}

static void one_larger_than_the_queue_goes_when_it_is_empty(void **state)
{
    struct stage *stage = *state;
    stage->options.queue_max = 2;
    stage_start_ready(stage);
    struct submission *submission = submit(stage, IDS("a", "b", "c", "d"));
    wait_done(stage, 1);
    assert_int_equal(submission->outcome, SUBMISSION_COMMITTED);
}

static void who_waited_too_long_is_told(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    (void)submit_one(stage, 1);
    (void)submit_one(stage, 2);
    fake_clock_advance(stage->options.time_limit_ns / 2 + NS_PER_S);
    (void)submit_one(stage, 3);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 4);
    assert_int_equal(stage->submissions[0]->outcome, SUBMISSION_COMMITTED);
    assert_int_equal(stage->submissions[1]->outcome, SUBMISSION_UNAVAILABLE);
    assert_int_equal(stage->submissions[2]->outcome, SUBMISSION_UNAVAILABLE);
    assert_int_equal(stage->submissions[3]->outcome, SUBMISSION_COMMITTED);
    assert_int_equal(fake_store_find(&stage->store, "signal-1"), 0);
}

static void *stop_it(void *stage)
{
    stage_stop(stage);
    return NULL;
}

static void a_stop_finishes_what_waits(void **state)
{
    struct stage *stage = *state;
    struct committer *committer;
    pthread_t stopper;
    int taken = 100;
    stage->options.group_max = 10;
    stage_start_ready(stage);
    committer = stage->committer;
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    for (int i = 0; i < taken; i++)
        (void)submit_one(stage, i);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop_it, stage), 0);
    while (taken < SUBMISSIONS_MAX - 1 && committer_submit(committer, make(stage, IDS("late")), false))
        taken++; /* until it knows that it is to stop, it takes what comes */
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(stage->done, taken);
    for (int i = 0; i < taken; i++)
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_COMMITTED);
    assert_in_range(stage->store.stored_count, 100, 101);
    assert_true(stage->store.closes >= 1);
}

/* Where others write too, what comes while the turn is waited for is in the same transaction. */
static void what_comes_before_the_turn_is_in_its_group(void **state)
{
    struct stage *stage = *state;
    stage->store.contended = true;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    for (int i = 1; i <= 20; i++)
        (void)submit_one(stage, i);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 21);
    assert_int_equal(stage->store.turns, 1);
    assert_int_equal(stage->store.inserts, 1);
    assert_int_equal(stage->store.insert_counts[0], 21);
    assert_false(fake_store_get(&stage->store, &stage->store.has_turn));
}

/* Everybody has waited for too long when the turn comes at last. */
static void a_turn_that_comes_too_late_is_left(void **state)
{
    struct stage *stage = *state;
    stage->store.contended = true;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    fake_clock_advance(stage->options.time_limit_ns);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 1);
    assert_int_equal(stage->submissions[0]->outcome, SUBMISSION_UNAVAILABLE);
    assert_int_equal(stage->store.inserts, 0);
    (void)submit_one(stage, 1);
    wait_done(stage, 2);
    assert_int_equal(stage->submissions[1]->outcome, SUBMISSION_COMMITTED);
    assert_int_equal(stage->store.turns, 2);
    assert_false(fake_store_get(&stage->store, &stage->store.has_turn));
}

static void a_turn_that_does_not_come_is_unavailable(void **state)
{
    struct stage *stage = *state;
    stage->store.contended = true;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.failing, true);
    (void)submit_one(stage, 0);
    wait_done(stage, 1);
    assert_int_equal(stage->submissions[0]->outcome, SUBMISSION_UNAVAILABLE);
    wait_ready(stage, false);
    fake_store_set(&stage->store, &stage->store.failing, false);
    (void)submit_one(stage, 1);
    wait_done(stage, 2);
    assert_int_equal(stage->submissions[1]->outcome, SUBMISSION_COMMITTED);
}

static void nobody_waits_for_a_timer(void **state)
{
    struct stage *stage = *state;
    enum { TIMES = 8 };
    stage_start_ready(stage);
    int probes = fake_store_get(&stage->store, &stage->store.probes);
    for (int i = 0; i < TIMES; i++) {
        (void)submit_one(stage, i);
        wait_done(stage, i + 1);
    }
    /* The probe is once a second; if each submission had waited for it, there were as many. */
    assert_in_range(fake_store_get(&stage->store, &stage->store.probes) - probes, 0, TIMES - 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_prepare, stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(told_after_the_store_said_done),
        TEST(everything_that_waits_is_one_transaction),
        TEST(a_transaction_has_a_limit),
        TEST(faulty_entries_are_not_stored),
        TEST(a_dry_run_stores_nothing),
        TEST(a_failure_is_unavailable_for_all),
        TEST(one_bad_row_is_found),
        TEST(a_full_queue_refuses),
        TEST(one_larger_than_the_queue_goes_when_it_is_empty),
        TEST(who_waited_too_long_is_told),
        TEST(a_stop_finishes_what_waits),
        TEST(what_comes_before_the_turn_is_in_its_group),
        TEST(a_turn_that_comes_too_late_is_left),
        TEST(a_turn_that_does_not_come_is_unavailable),
        TEST(nobody_waits_for_a_timer),
    };
    return cmocka_run_group_tests_name("committer", tests, NULL, NULL);
}
