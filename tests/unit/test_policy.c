/* policy: every kind of failure belongs to one of three classes, and nothing else counts as an answer. */
#include "support.h"

#include <string.h>

#include "engine/policy.h"

static enum outcome outcome_of(enum transport_failure failure, int status)
{
    return policy_outcome(
        &(struct transport_answer){.failure = failure, .error = "", .status = status, .body = ""});
}

static const char *advice_for(enum transport_failure failure, int status)
{
    return policy_advice(&(struct transport_answer){.failure = failure, .error = "", .status = status, .body = ""});
}

static void check_statuses(const int *statuses, size_t count, enum outcome expected)
{
    for (size_t i = 0; i < count; i++)
        if (outcome_of(TRANSPORT_OK, statuses[i]) != expected)
            fail_msg("%d is outcome %d instead of %d", statuses[i], (int)outcome_of(TRANSPORT_OK, statuses[i]),
                     (int)expected);
}

static void answers_are_looked_into(void **state)
{
    (void)state;
    static const int statuses[] = {200, 201, 409};
    check_statuses(statuses, COUNT(statuses), OUTCOME_DONE);
}

static void what_passes_by_itself_is_tried_again(void **state)
{
    (void)state;
    static const int statuses[] = {408, 425, 429, 500, 502, 503, 504};
    check_statuses(statuses, COUNT(statuses), OUTCOME_AGAIN);
    assert_int_equal(outcome_of(TRANSPORT_UNREACHABLE, 0), OUTCOME_AGAIN);
    assert_int_equal(outcome_of(TRANSPORT_NONSENSE, 0), OUTCOME_AGAIN);
}

static void what_a_person_must_mend_is_held(void **state)
{
    (void)state;
    static const int statuses[] = {300, 301, 302, 303, 304, 307, 308, 399, 401, 403, 404, 405, 501};
    check_statuses(statuses, COUNT(statuses), OUTCOME_HOLD);
    assert_int_equal(outcome_of(TRANSPORT_UNTRUSTED, 0), OUTCOME_HOLD);
}

static void what_never_will_is_given_up(void **state)
{
    (void)state;
    static const int statuses[] = {400, 413, 422};
    check_statuses(statuses, COUNT(statuses), OUTCOME_NEVER);
}

/* A status that nobody has thought of must cost no signal. */
static void what_nobody_has_heard_of_is_tried_again(void **state)
{
    (void)state;
    static const int statuses[] = {0,   100, 101, 199, 202, 203, 204, 206, 226, 299, 402, 406, 407, 410, 411,
                                   412, 414, 415, 417, 418, 426, 431, 451, 499, 505, 507, 511, 520, 599, 999};
    check_statuses(statuses, COUNT(statuses), OUTCOME_AGAIN);
}

/* However an answer looks that did not come: its status is not one. */
static void a_failure_beats_the_status(void **state)
{
    (void)state;
    for (int status = 0; status < 600; status++) {
        assert_int_equal(outcome_of(TRANSPORT_UNREACHABLE, status), OUTCOME_AGAIN);
        assert_int_equal(outcome_of(TRANSPORT_NONSENSE, status), OUTCOME_AGAIN);
        assert_int_equal(outcome_of(TRANSPORT_UNTRUSTED, status), OUTCOME_HOLD);
    }
}

static void every_hold_says_what_to_do(void **state)
{
    (void)state;
    for (int status = 0; status < 600; status++)
        if (outcome_of(TRANSPORT_OK, status) == OUTCOME_HOLD)
            assert_non_null(strstr(advice_for(TRANSPORT_OK, status), "check "));
    assert_string_equal(advice_for(TRANSPORT_OK, 401), "Authentication failed - check ARGO_API_KEY");
    assert_non_null(strstr(advice_for(TRANSPORT_OK, 403), "ARGO_API_KEY"));
    assert_non_null(strstr(advice_for(TRANSPORT_OK, 404), "ALPINE_API_URL"));
    assert_non_null(strstr(advice_for(TRANSPORT_OK, 301), "redirect"));
    assert_non_null(strstr(advice_for(TRANSPORT_UNTRUSTED, 0), "certificate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_looked_into),
        cmocka_unit_test(what_passes_by_itself_is_tried_again),
        cmocka_unit_test(what_a_person_must_mend_is_held),
        cmocka_unit_test(what_never_will_is_given_up),
        cmocka_unit_test(what_nobody_has_heard_of_is_tried_again),
        cmocka_unit_test(a_failure_beats_the_status),
        cmocka_unit_test(every_hold_says_what_to_do),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
