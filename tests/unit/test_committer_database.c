/* committer: what it makes of a database that goes away, fails and comes back, and how it stops. */
#include "committer_stage.h"

#include <stdio.h>

static void away_everything_is_refused_at_once(void **state)
{
    struct stage *stage = *state;
    stage->store.away = true;
    stage_start(stage);
    fake_store_wait(&stage->store, &stage->store.opens, 1);
    assert_in_range(refused(stage, IDS("a"))->retry_after_s, 1, 2);
    wait_ready(stage, false);
    assert_int_equal(stage->store.inserts, 0);
}

static void it_connects_until_it_can(void **state)
{
    struct stage *stage = *state;
    stage->store.away = true;
    stage_start(stage);
    fake_store_wait(&stage->store, &stage->store.opens, 4);
    assert_int_equal(logged(stage, "Database unavailable: nobody is there"), 1);
    fake_store_set(&stage->store, &stage->store.away, false);
    wait_ready(stage, true);
    (void)submit(stage, IDS("a"));
    wait_done(stage, 1);
    assert_int_equal(stage->submissions[0]->outcome, SUBMISSION_COMMITTED);
}

static void a_lost_connection_is_opened_again(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    for (int i = 0; i < 3; i++) {
        fake_store_set(&stage->store, &stage->store.losing, true);
        struct submission *lost = submit(stage, IDS("a"));
        wait_done(stage, 2 * i + 1);
        assert_int_equal(lost->outcome, SUBMISSION_UNAVAILABLE);
        fake_store_set(&stage->store, &stage->store.losing, false);
        fake_store_wait(&stage->store, &stage->store.opens, i + 2);
        wait_ready(stage, true);
        struct submission *again = submit(stage, IDS("a"));
        wait_done(stage, 2 * i + 2);
        assert_int_equal(again->outcome, SUBMISSION_COMMITTED);
        assert_int_equal(logged(stage, "Database unavailable: the store fails"), i + 1); /* each time anew */
    }
    assert_true(stage->store.closes >= 3);
}

/* Two transactions, the second one on its way while the first one is committed. */
static void submit_two(struct stage *stage)
{
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    (void)submit_one(stage, 1);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
}

/* The store remembers nothing of it, so it may be sent again; what came behind it is not concerned. */
static void a_commit_in_doubt_is_unavailable(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.fail_confirms, 1);
    submit_two(stage);
    wait_done(stage, 2);
    assert_int_equal(stage->submissions[0]->outcome, SUBMISSION_UNAVAILABLE);
    assert_false(stage->was_durable[0]);
    assert_int_equal(stage->submissions[1]->outcome, SUBMISSION_COMMITTED);
    assert_true(stage->was_durable[1]);
    assert_int_equal(logged(stage, "Could not store signals: the commit is in doubt"), 1);
}

static void a_commit_that_loses_the_connection_takes_the_next_one_along(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.fail_confirms, 1);
    fake_store_set(&stage->store, &stage->store.confirm_loses, true);
    submit_two(stage);
    wait_done(stage, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_UNAVAILABLE);
    assert_int_equal(stage->store.stored_count, 0);
    fake_store_wait(&stage->store, &stage->store.opens, 2);
    wait_ready(stage, true);
    (void)submit_one(stage, 2);
    wait_done(stage, 3);
    assert_int_equal(stage->submissions[2]->outcome, SUBMISSION_COMMITTED);
}

/* A look cannot be taken while something is committed. */
static void a_dry_run_waits_for_the_transaction_before_it(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    struct submission *dry = make(stage, IDS("signal-0"));
    dry->dry_run = true;
    assert_true(committer_submit(stage->committer, dry, false));
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 2);
    assert_int_equal(dry->entries[0].row.verdict, STORE_DUPLICATE);
}

/* What waits behind the transaction that lost the connection is told at once, and not tried on nothing. */
static void what_waits_when_it_goes_is_told(void **state)
{
    struct stage *stage = *state;
    stage->options.group_max = 1;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    for (int i = 1; i < 10; i++)
        (void)submit_one(stage, i);
    fake_store_set(&stage->store, &stage->store.losing, true);
    fake_store_set(&stage->store, &stage->store.away, true);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_UNAVAILABLE);
        assert_true(stage->submissions[i]->retry_after_s >= 1);
    }
    assert_int_equal(stage->store.inserts, 1);
    wait_ready(stage, false);
}

static void a_dry_run_fails_too(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.failing, true);
    struct submission *dry = make(stage, IDS("a"));
    dry->dry_run = true;
    assert_true(committer_submit(stage->committer, dry, false));
    wait_done(stage, 1);
    assert_int_equal(dry->outcome, SUBMISSION_UNAVAILABLE);
    fake_store_set(&stage->store, &stage->store.losing, true);
    dry = make(stage, IDS("b"));
    dry->dry_run = true;
    assert_true(committer_submit(stage->committer, dry, false));
    wait_done(stage, 2);
    assert_int_equal(dry->outcome, SUBMISSION_UNAVAILABLE);
    fake_store_wait(&stage->store, &stage->store.opens, 2);
}

/* Connected is not ready: ready is when a write would work. */
static void readiness_follows_the_probe(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.probe_fails, true);
    fake_store_wait(&stage->store, &stage->store.probes, 1);
    wait_ready(stage, false);
    int probes = fake_store_get(&stage->store, &stage->store.probes);
    fake_store_set(&stage->store, &stage->store.probe_fails, false);
    fake_store_wait(&stage->store, &stage->store.probes, probes + 1);
    wait_ready(stage, true);
    assert_int_equal(stage->store.opens, 1);
}

static void a_stop_while_away_tells_everybody(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    (void)submit_one(stage, 0);
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    for (int i = 1; i < 10; i++)
        (void)submit_one(stage, i);
    fake_store_set(&stage->store, &stage->store.losing, true);
    fake_store_set(&stage->store, &stage->store.away, true);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    stage_stop(stage);
    assert_int_equal(stage->done, 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_UNAVAILABLE);
}

static void a_stop_right_after_the_start(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < 20; i++) {
        stage_start(stage);
        stage_stop(stage);
    }
    committer_stop(NULL);
    committer_free(NULL);
}

enum { THREADS = 4, EACH = 250 };

struct worker {
    struct stage *stage;
    pthread_t thread;
    int first;
    int taken;
    bool may_wait;
};

static void *work(void *self)
{
    struct worker *worker = self;
    for (int i = 0; i < EACH; i++)
        worker->taken += committer_submit(worker->stage->committer, worker->stage->submissions[worker->first + i],
                                          worker->may_wait);
    return NULL;
}

static void many_threads(void **state)
{
    struct stage *stage = *state;
    struct worker workers[THREADS];
    int taken = 0;
    for (int i = 0; i < THREADS * EACH; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "signal-%d", i);
        (void)make(stage, IDS(id));
    }
    stage_start_ready(stage);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.stage = stage, .first = i * EACH, .may_wait = i % 2};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        taken += workers[i].taken;
    }
    stage_stop(stage);
    assert_int_equal(taken, THREADS * EACH);
    assert_int_equal(stage->done, taken);
    assert_int_equal(stage->store.stored_count, taken);
    for (int i = 0; i < taken; i++) {
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_COMMITTED);
        assert_true(stage->was_durable[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_prepare, stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(away_everything_is_refused_at_once),
        TEST(it_connects_until_it_can),
        TEST(a_lost_connection_is_opened_again),
        TEST(a_commit_in_doubt_is_unavailable),
        TEST(a_commit_that_loses_the_connection_takes_the_next_one_along),
        TEST(a_dry_run_waits_for_the_transaction_before_it),
        TEST(what_waits_when_it_goes_is_told),
        TEST(a_dry_run_fails_too),
        TEST(readiness_follows_the_probe),
        TEST(a_stop_while_away_tells_everybody),
        TEST(a_stop_right_after_the_start),
        TEST(many_threads),
    };
    return cmocka_run_group_tests_name("committer_database", tests, NULL, NULL);
}
