/* committer: who may wait stores his submission himself, while nobody else stores. */
#include "committer_stage.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"

/* A thread of its own that hands in one submission, and may wait. */
struct bringer {
    struct stage *stage;
    int index;
    pthread_t thread;
};

static void *bring(void *self)
{
    struct bringer *bringer = self;
    struct stage *stage = bringer->stage;
    assert_true(committer_submit(stage->committer, stage->submissions[bringer->index], true));
    return NULL;
}

static void start_bringing(struct bringer *bringer, struct stage *stage, const char *const *ids)
{
    *bringer = (struct bringer){.stage = stage, .index = stage->count};
    (void)make(stage, ids);
    assert_int_equal(pthread_create(&bringer->thread, NULL, bring, bringer), 0);
}

static bool told_by(struct stage *stage, int index, pthread_t thread)
{
    fake_store_wait(&stage->store, &stage->told[index], 1);
    return pthread_equal(stage->told_by[index], thread);
}

/* Hands in the signal "<name>-<number>"; its index. */
static int hand_in(struct stage *stage, const char *name, int number, bool may_wait)
{
    char id[32];
    int index = stage->count;
    (void)snprintf(id, sizeof id, "%s-%d", name, number);
    (void)make(stage, IDS(id));
    assert_true(committer_submit(stage->committer, stage->submissions[index], may_wait));
    return index;
}

/* Hands in one after the other, until the committer's thread rests and this one has stored its own. */
static bool stores_here(struct stage *stage)
{
    for (int i = 0; i < 1000; i++) {
        if (told_by(stage, hand_in(stage, "try", i, true), pthread_self()))
            return true;
        (void)poll(NULL, 0, 1);
    }
    return false;
}

static void who_may_wait_stores_himself(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    assert_true(stores_here(stage));
    assert_int_equal(stage->done, stage->count); /* all of them were told by the time they were handed over */
    assert_int_equal(stage->released, stage->count);
    for (int i = 0; i < stage->count; i++) {
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_COMMITTED);
        assert_true(stage->was_durable[i]);
    }
    assert_int_equal(stage->store.stored_count, stage->count);
}

static void who_may_not_wait_never_does(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    assert_true(stores_here(stage));
    int before = stage->count;
    for (int i = 0; i < 50; i++)
        (void)submit_one(stage, i);
    for (int i = before; i < stage->count; i++)
        assert_false(told_by(stage, i, pthread_self()));
}

/* The others leave what they bring and go, and he has no more to do than his own group. */
static void nobody_waits_for_who_stores(void **state)
{
    struct stage *stage = *state;
    struct bringer bringer;
    stage_start_ready(stage);
    assert_true(stores_here(stage));
    int before = stage->count;
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    start_bringing(&bringer, stage, IDS("first"));
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    for (int i = 0; i < 20; i++)
        (void)hand_in(stage, "behind", i, i % 2);
    assert_int_equal(fake_store_get(&stage->store, &stage->done), before);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    wait_done(stage, stage->count);
    for (int i = before; i < stage->count; i++) {
        assert_int_equal(stage->submissions[i]->outcome, SUBMISSION_COMMITTED);
        assert_int_equal(told_by(stage, i, bringer.thread), i == before);
    }
    assert_int_equal(pthread_join(bringer.thread, NULL), 0);
}

/* He takes a group, not the whole queue: the rest is the committer's thread's. */
static void what_he_leaves_is_not_forgotten(void **state)
{
    struct stage *stage = *state;
    stage->options.group_max = 2;
    stage_start_ready(stage);
    for (int round = 0; round < 100; round++) {
        struct bringer bringers[3];
        char ids[3][32];
        for (int i = 0; i < 3; i++) {
            (void)snprintf(ids[i], sizeof ids[i], "round-%d-%d", round, i);
            start_bringing(&bringers[i], stage, IDS(ids[i]));
        }
        wait_done(stage, stage->count);
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_join(bringers[i].thread, NULL), 0);
    }
    assert_int_equal(stage->store.stored_count, stage->count);
}

static void a_failure_here_is_unavailable(void **state)
{
    struct stage *stage = *state;
    stage_start_ready(stage);
    assert_true(stores_here(stage));
    int before = stage->count;
    fake_store_set(&stage->store, &stage->store.losing, true);
    (void)make(stage, IDS("lost"));
    assert_true(committer_submit(stage->committer, stage->submissions[before], true));
    wait_done(stage, before + 1);
    assert_int_equal(stage->submissions[before]->outcome, SUBMISSION_UNAVAILABLE);
    assert_false(stage->was_durable[before]);
}

static int64_t loses_and_reconnects_ns(struct stage *stage)
{
    int opens = fake_store_get(&stage->store, &stage->store.opens);
    assert_true(stores_here(stage));
    fake_store_set(&stage->store, &stage->store.losing, true);
    (void)make(stage, IDS("lost"));
    int64_t lost_ns = clock_monotonic_ns();
    assert_true(committer_submit(stage->committer, stage->submissions[stage->count - 1], true));
    wait_done(stage, stage->count);
    fake_store_set(&stage->store, &stage->store.losing, false);
    fake_store_wait(&stage->store, &stage->store.opens, opens + 1);
    int64_t took_ns = clock_monotonic_ns() - lost_ns;
    wait_ready(stage, true);
    return took_ns;
}

/* Which is the committer's thread's business, and at that moment it sleeps until the next probe, a second later. */
static void a_connection_that_is_lost_here_is_opened_again_at_once(void **state)
{
    struct stage *stage = *state;
    int64_t least_ns = INT64_MAX;
    stage_start_ready(stage);
    for (int i = 0; i < 5; i++) {
        int64_t took_ns = loses_and_reconnects_ns(stage);
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    assert_in_range(least_ns, 0, NS_PER_S / 2);
}

static void *stop_it(void *stage)
{
    stage_stop(stage);
    return NULL;
}

static void a_stop_waits_for_who_stores(void **state)
{
    struct stage *stage = *state;
    struct bringer bringer;
    pthread_t stopper;
    stage_start_ready(stage);
    assert_true(stores_here(stage));
    fake_store_set(&stage->store, &stage->store.gate_closed, true);
    start_bringing(&bringer, stage, IDS("last"));
    fake_store_wait(&stage->store, &stage->store.waiting, 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop_it, stage), 0);
    (void)poll(NULL, 0, 20); /* for the stop to go wrong in */
    assert_int_equal(fake_store_get(&stage->store, &stage->store.closes), 0);
    fake_store_set(&stage->store, &stage->store.gate_closed, false);
    assert_int_equal(pthread_join(bringer.thread, NULL), 0);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(stage->submissions[bringer.index]->outcome, SUBMISSION_COMMITTED);
    assert_int_equal(stage->done, stage->count);
    assert_true(stage->store.closes >= 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_prepare, stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(who_may_wait_stores_himself),
        TEST(who_may_not_wait_never_does),
        TEST(nobody_waits_for_who_stores),
        TEST(what_he_leaves_is_not_forgotten),
        TEST(a_failure_here_is_unavailable),
        TEST(a_stop_waits_for_who_stores),
        TEST(a_connection_that_is_lost_here_is_opened_again_at_once),
    };
    return cmocka_run_group_tests_name("committer_role", tests, NULL, NULL);
}
