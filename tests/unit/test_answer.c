/* answer: delivered is what a receiver's body names, and nothing else. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "engine/answer.h"

static const char id[] = "68a40f327ea78805";
static struct verdict verdict;

static enum outcome read_status(int status, const char *body)
{
    const struct batch_item item = {.position = 1, .signal_id = id, .symbol = "AAPL", .action = "BUY"};
    memset(&verdict, 0x7f, sizeof verdict);
    answer_read_single(&(struct transport_answer){.error = "", .status = status, .body = body, .len = strlen(body)},
                       &item, &verdict);
    return verdict.outcome;
}

static void stored(void **state)
{
    (void)state;
    assert_int_equal(read_status(201, quoted("{'status':'success','message':'Signal stored successfully',"
                                             "'signal_id':7,'alpine_signal_id':7,"
                                             "'external_signal_id':'68a40f327ea78805'}")),
                     OUTCOME_DONE);
    assert_false(verdict.duplicate);
    assert_int_equal(read_status(200, quoted("{'status':'success','external_signal_id':'68a40f327ea78805'}")),
                     OUTCOME_DONE);
}

static void duplicates_are_delivered(void **state)
{
    (void)state;
    const char *body = "{'status':'duplicate','message':'Signal already exists','signal_id':7,"
                       "'external_signal_id':'68a40f327ea78805'}";
    assert_int_equal(read_status(409, quoted(body)), OUTCOME_DONE);
    assert_true(verdict.duplicate);
    assert_int_equal(read_status(201, quoted(body)), OUTCOME_DONE);
    assert_true(verdict.duplicate);
    assert_int_equal(read_status(200, quoted(body)), OUTCOME_DONE);
}

/* An older receiver may name only the row, or the signal in place of the row. */
static void older_receivers(void **state)
{
    (void)state;
    assert_int_equal(read_status(201, quoted("{'status':'success','signal_id':7}")), OUTCOME_DONE);
    assert_int_equal(read_status(201, quoted("{'status':'duplicate','signal_id':7}")), OUTCOME_DONE);
    assert_true(verdict.duplicate);
    assert_int_equal(read_status(201, quoted("{'status':'success','signal_id':'68a40f327ea78805'}")), OUTCOME_DONE);
    assert_int_equal(read_status(201, quoted("{'status':'success','signal_id':'another'}")), OUTCOME_AGAIN);
}

static void what_is_no_answer_moves_nothing(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        " ",
        "OK",
        "null",
        "true",
        "[]",
        "{}",
        "\"success\"",
        "<html><body>Welcome</body></html>",
        "{'status':'success'}",
        "{'status':'success','external_signal_id':'another'}",
        "{'status':'success','signal_id':7,'external_signal_id':'another'}",
        "{'status':'success','signal_id':7,'external_signal_id':null}",
        "{'status':'success','signal_id':7,'external_signal_id':'68a40f327ea7880'}",
        "{'status':'success','signal_id':7,'external_signal_id':'68a40f327ea788055'}",
        "{'status':'success','signal_id':7,'external_signal_id':'68a40f327ea78805'",
        "{'status':'success','signal_id':7,'external_signal_id':'68a40f327ea78805'}x",
        "{'status':'success','signal_id':null}",
        "{'status':'success','signal_id':true}",
        "{'status':'successful','external_signal_id':'68a40f327ea78805'}",
        "{'status':'SUCCESS','external_signal_id':'68a40f327ea78805'}",
        "{'status':201,'external_signal_id':'68a40f327ea78805'}",
        "{'status':'valid','external_signal_id':'68a40f327ea78805'}",
        "{'status':'error','code':'unavailable','external_signal_id':'68a40f327ea78805'}",
        "{'status':'healthy'}",
        "{'status':'success','status':'success','external_signal_id':'68a40f327ea78805'}",
        "[{'status':'success','external_signal_id':'68a40f327ea78805'}]",
        "{'results':[{'status':'success','external_signal_id':'68a40f327ea78805'}]}",
    };
    static const int statuses[] = {200, 201, 409, 422, 400};
    for (size_t i = 0; i < COUNT(bodies); i++)
        for (size_t k = 0; k < COUNT(statuses); k++)
            if ((statuses[k] < 400 || !strstr(bodies[i], "code")) &&
                read_status(statuses[k], quoted(bodies[i])) != OUTCOME_AGAIN)
                fail_msg("%d %s is outcome %d", statuses[k], bodies[i], (int)verdict.outcome);
}

static void no_body_at_all(void **state)
{
    (void)state;
    const struct batch_item item = {.signal_id = id, .symbol = "", .action = ""};
    answer_read_single(&(struct transport_answer){.error = "", .status = 200, .body = NULL}, &item, &verdict);
    assert_int_equal(verdict.outcome, OUTCOME_AGAIN);
}

static void a_conflict_is_never_a_duplicate(void **state)
{
    (void)state;
    const char *body = "{'status':'conflict','signal_id':7,'external_signal_id':'68a40f327ea78805',"
                       "'code':'conflict','detail':'stored with another hash'}";
    static const int statuses[] = {422, 409, 200};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        assert_int_equal(read_status(statuses[i], quoted(body)), OUTCOME_NEVER);
        assert_false(verdict.duplicate);
        assert_string_equal(verdict.reason, "conflict");
        assert_string_equal(verdict.detail, "stored with another hash");
    }
    assert_int_equal(read_status(422, quoted("{'status':'conflict','external_signal_id':'another'}")),
                     OUTCOME_AGAIN);
}

static void refusals_have_a_reason(void **state)
{
    (void)state;
    assert_int_equal(read_status(422, quoted("{'status':'error','code':'invalid_field','field':'symbol',"
                                             "'detail':'symbol is missing'}")),
                     OUTCOME_NEVER);
    assert_string_equal(verdict.reason, "invalid_field");
    assert_string_equal(verdict.detail, "symbol is missing");
    assert_int_equal(read_status(400, quoted("{'status':'error','code':'malformed','detail':'not JSON'}")),
                     OUTCOME_NEVER);
    assert_string_equal(verdict.reason, "malformed");
}

static void older_refusals(void **state)
{
    (void)state;
    assert_int_equal(read_status(400, quoted("{'detail':'Signal hash verification failed'}")), OUTCOME_NEVER);
    assert_string_equal(verdict.reason, "hash_mismatch");
    assert_string_equal(verdict.detail, "Signal hash verification failed");
    assert_int_equal(read_status(422, quoted("{'detail':'confidence out of range'}")), OUTCOME_NEVER);
    assert_string_equal(verdict.reason, "invalid_field");
    assert_string_equal(verdict.detail, "confidence out of range");
    assert_int_equal(read_status(422, quoted("{'detail':[{'loc':['body','symbol'],'msg':'field required'}]}")),
                     OUTCOME_NEVER);
    assert_string_equal(verdict.reason, "invalid_field");
    assert_true(verdict.detail[0] != '\0');
}

static void too_large_whoever_says_it(void **state)
{
    (void)state;
    assert_int_equal(read_status(413, "<html>Request Entity Too Large</html>"), OUTCOME_NEVER);
    assert_string_equal(verdict.reason, "too_large");
    assert_true(verdict.detail[0] != '\0');
    assert_int_equal(read_status(413, ""), OUTCOME_NEVER);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char body[1200];
    (void)snprintf(body, sizeof body, "{\"code\":\"%0500d\",\"detail\":\"%0500d\"}", 1, 2);
    assert_int_equal(read_status(422, body), OUTCOME_NEVER);
    assert_int_equal(strlen(verdict.reason), sizeof verdict.reason - 1);
    assert_int_equal(strlen(verdict.detail), sizeof verdict.detail - 1);
}

static void the_status_alone_decides_for_the_rest(void **state)
{
    (void)state;
    const char *body = "{'status':'success','external_signal_id':'68a40f327ea78805','detail':'x','code':'y'}";
    static const int again[] = {202, 204, 408, 429, 500, 503};
    static const int hold[] = {302, 401, 403, 404, 405, 501};
    for (size_t i = 0; i < COUNT(again); i++)
        assert_int_equal(read_status(again[i], quoted(body)), OUTCOME_AGAIN);
    for (size_t i = 0; i < COUNT(hold); i++)
        assert_int_equal(read_status(hold[i], quoted(body)), OUTCOME_HOLD);
}

static bool healthy(enum transport_failure failure, int status, const char *body, bool *dry_run)
{
    return answer_is_healthy(
        &(struct transport_answer){
            .failure = failure, .error = "", .status = status, .body = body, .len = strlen(body)},
        dry_run);
}

static void health(void **state)
{
    (void)state;
    bool dry_run = true;
    assert_true(healthy(TRANSPORT_OK, 200, "{\"status\":\"healthy\",\"service\":\"x\"}", &dry_run));
    assert_false(dry_run);
    assert_true(healthy(TRANSPORT_OK, 200, "{\"status\":\"healthy\",\"dry_run\":true}", &dry_run));
    assert_true(dry_run);
    assert_true(healthy(TRANSPORT_OK, 200, "{\"status\":\"healthy\",\"dry_run\":\"true\"}", &dry_run));
    assert_false(dry_run);
    assert_false(healthy(TRANSPORT_OK, 503, "{\"status\":\"healthy\",\"dry_run\":true}", &dry_run));
    assert_false(dry_run);
    assert_false(healthy(TRANSPORT_OK, 200, "{\"status\":\"unhealthy\"}", &dry_run));
    assert_false(healthy(TRANSPORT_OK, 200, "healthy", &dry_run));
    assert_false(healthy(TRANSPORT_OK, 200, "", &dry_run));
    assert_false(healthy(TRANSPORT_UNREACHABLE, 200, "{\"status\":\"healthy\"}", &dry_run));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored),
        cmocka_unit_test(duplicates_are_delivered),
        cmocka_unit_test(older_receivers),
        cmocka_unit_test(what_is_no_answer_moves_nothing),
        cmocka_unit_test(no_body_at_all),
        cmocka_unit_test(a_conflict_is_never_a_duplicate),
        cmocka_unit_test(refusals_have_a_reason),
        cmocka_unit_test(older_refusals),
        cmocka_unit_test(too_large_whoever_says_it),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(the_status_alone_decides_for_the_rest),
        cmocka_unit_test(health),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
