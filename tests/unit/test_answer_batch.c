/* answer: a batch is answered by one result for each of its signals, in order, and by nothing else. */
#include "support.h"

#include <string.h>

#include "engine/answer.h"

static struct verdict verdicts[3];

/* Reads the answer to a batch of the signals "a", "b" and "c". */
static int read_body(const char *body)
{
    static const char *const ids[] = {"a", "b", "c"};
    struct batch *batch = batch_new(&(struct place){0});
    for (int i = 0; i < 3; i++) {
        struct batch_item item = {.position = i + 1, .signal_id = ids[i], .symbol = "S", .action = "BUY"};
        assert_int_equal(batch_add(batch, &item, "{}", 2), 0);
    }
    memset(verdicts, 0x7f, sizeof verdicts);
    int status = answer_read_batch(
        &(struct transport_answer){.error = "", .status = 200, .body = body, .len = strlen(body)}, batch, verdicts);
    batch_free(batch);
    return status;
}

static void check(const char *body, enum outcome a, enum outcome b, enum outcome c)
{
    assert_int_equal(read_body(quoted(body)), 0);
    assert_int_equal(verdicts[0].outcome, a);
    assert_int_equal(verdicts[1].outcome, b);
    assert_int_equal(verdicts[2].outcome, c);
}

static void each_gets_its_own(void **state)
{
    (void)state;
    check("{'results':[{'status':'success','signal_id':1,'external_signal_id':'a'},"
          "{'status':'duplicate','signal_id':2,'external_signal_id':'b'},"
          "{'status':'conflict','signal_id':3,'external_signal_id':'c','code':'conflict','detail':'other hash'}],"
          "'stored':1,'duplicates':1,'rejected':1}",
          OUTCOME_DONE, OUTCOME_DONE, OUTCOME_NEVER);
    assert_false(verdicts[0].duplicate);
    assert_true(verdicts[1].duplicate);
    assert_string_equal(verdicts[2].reason, "conflict");
    assert_string_equal(verdicts[2].detail, "other hash");
}

/* Who reads a compressed batch as lines refuses as many as it finds; that must not be the end of any signal. */
static void a_refusal_without_the_id_is_none(void **state)
{
    (void)state;
    check("{'results':[{'status':'success','signal_id':1},"
          "{'status':'rejected','code':'malformed','detail':'not valid JSON'},"
          "{'status':'rejected','external_signal_id':'c','code':'hash_mismatch','detail':'x'}]}",
          OUTCOME_DONE, OUTCOME_AGAIN, OUTCOME_NEVER);
    assert_false(verdicts[0].unnamed);
    assert_true(verdicts[1].unnamed);
    assert_false(verdicts[2].unnamed);
}

static void a_result_for_another_signal_is_none(void **state)
{
    (void)state;
    check("{'results':[{'status':'success','signal_id':1,'external_signal_id':'b'},"
          "{'status':'rejected','external_signal_id':'a','code':'invalid_field','detail':'x'},"
          "{'status':'success','signal_id':3,'external_signal_id':'c'}]}",
          OUTCOME_AGAIN, OUTCOME_AGAIN, OUTCOME_DONE);
}

static void results_that_say_nothing(void **state)
{
    (void)state;
    check("{'results':[null,{},[]]}", OUTCOME_AGAIN, OUTCOME_AGAIN, OUTCOME_AGAIN);
    check("{'results':['success',{'status':'valid','external_signal_id':'b'},{'status':'success'}]}", OUTCOME_AGAIN,
          OUTCOME_AGAIN, OUTCOME_AGAIN);
}

/* The receiver could not: that is not the signal's fault. */
static void a_result_may_say_later(void **state)
{
    (void)state;
    check("{'results':[{'status':'rejected','code':'unavailable','detail':'queue full'},"
          "{'status':'rejected','code':'rate_limited','detail':'slower'},"
          "{'status':'success','signal_id':3,'external_signal_id':'c'}]}",
          OUTCOME_AGAIN, OUTCOME_AGAIN, OUTCOME_DONE);
}

static void what_is_no_answer_to_this_batch(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "OK",
        "null",
        "{}",
        "[]",
        "<html><body>Welcome</body></html>",
        "{'results':null}",
        "{'results':{}}",
        "{'results':3}",
        "{'results':'success'}",
        "{'results':[]}",
        "{'results':[{'status':'success','signal_id':1},{'status':'success','signal_id':2}]}",
        "{'results':[{'status':'success','signal_id':1},{'status':'success','signal_id':2},"
        "{'status':'success','signal_id':3},{'status':'success','signal_id':4}]}",
        "{'results':[{'status':'success','signal_id':1},{'status':'success','signal_id':2},"
        "{'status':'success','signal_id':3}]",
        "{'results':[{'status':'success','signal_id':1},{'status':'success','signal_id':2},"
        "{'status':'success','signal",
        "[{'status':'success','signal_id':1},{'status':'success','signal_id':2},"
        "{'status':'success','signal_id':3}]",
        "{'status':'success','signal_id':1,'external_signal_id':'a'}",
        "{'stored':3,'duplicates':0,'rejected':0}",
    };
    for (size_t i = 0; i < COUNT(bodies); i++)
        if (read_body(quoted(bodies[i])) != -1)
            fail_msg("taken for an answer: %s", bodies[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_own),
        cmocka_unit_test(a_refusal_without_the_id_is_none),
        cmocka_unit_test(a_result_for_another_signal_is_none),
        cmocka_unit_test(results_that_say_nothing),
        cmocka_unit_test(a_result_may_say_later),
        cmocka_unit_test(what_is_no_answer_to_this_batch),
    };
    return cmocka_run_group_tests_name("answer_batch", tests, NULL, NULL);
}
