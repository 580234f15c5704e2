/* health: each rule of readiness at its edge, and what it says. */
#include "support.h"

#include <string.h>

#include "base/clock.h"
#include "engine/health.h"

static struct health_facts fine(void)
{
    return (struct health_facts){
        .stats = {.link = LINK_UP}, .oldest_age_us = -1, .lag_limit_ns = 60 * NS_PER_S, .stopping = false};
}

/* Exactly this is in the way, and these words say so. */
static void assert_only(const struct health_facts *facts, enum health_trouble wanted, const char *words)
{
    struct buf text = {0};
    assert_false(health_is_ready(facts));
    for (unsigned trouble = 0; trouble < HEALTH_TROUBLE_COUNT; trouble++)
        assert_int_equal(health_has(facts, (enum health_trouble)trouble), trouble == wanted);
    health_explain(facts, wanted, &text);
    assert_string_equal(text.data, words);
    buf_clear(&text);
}

static void nothing_in_the_way_is_ready(void **state)
{
    (void)state;
    struct health_facts facts = fine();
    assert_true(health_is_ready(&facts));
    facts.stats.link = LINK_DOWN; /* as long as nothing waits for too long */
    assert_true(health_is_ready(&facts));
    facts.stats.link = LINK_RETRYING;
    facts.oldest_age_us = 60000000; /* the limit itself */
    assert_true(health_is_ready(&facts));
}

static void what_waits_for_too_long_is_unready(void **state)
{
    (void)state;
    struct health_facts facts = fine();
    facts.oldest_age_us = 60000001;
    assert_only(&facts, HEALTH_LAG, "the oldest unsent signal is 60 s old, more than ALPINE_MAX_LAG (60 s)");
    facts.stats.link = LINK_DOWN;
    facts.lag_limit_ns = 1500 * NS_PER_MS;
    assert_only(&facts, HEALTH_LAG,
                "the oldest unsent signal is 60 s old, more than ALPINE_MAX_LAG (1.5 s); Alpine is out of reach");
}

static void on_hold_is_unready_at_once(void **state)
{
    (void)state;
    struct health_facts facts = fine();
    facts.stats.link = LINK_HOLDING;
    facts.stats.hold_advice = "Authentication failed - check ARGO_API_KEY";
    assert_only(&facts, HEALTH_HOLD, "on hold (Authentication failed - check ARGO_API_KEY)");
}

static void without_source_or_state_it_is_unready(void **state)
{
    (void)state;
    struct health_facts facts = fine();
    facts.stats.source_away = true;
    assert_only(&facts, HEALTH_SOURCE, "Argo's table cannot be read");
    facts = fine();
    facts.stats.state_failing = true;
    assert_only(&facts, HEALTH_STATE, "the state directory cannot be written");
    facts = fine();
    facts.stopping = true;
    assert_only(&facts, HEALTH_STOPPING, "it is being stopped");
}

static void every_trouble_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned a = 0; a < HEALTH_TROUBLE_COUNT; a++)
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(health_trouble_name((enum health_trouble)a),
                                    health_trouble_name((enum health_trouble)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_the_way_is_ready),
        cmocka_unit_test(what_waits_for_too_long_is_unready),
        cmocka_unit_test(on_hold_is_unready_at_once),
        cmocka_unit_test(without_source_or_state_it_is_unready),
        cmocka_unit_test(every_trouble_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
