/* answer: the bodies and statuses that other people's programs depend on, byte for byte. */
#include "support.h"

#include <string.h>

#include "base/json_doc.h"
#include "engine/answer.h"

static struct response response;
static struct submission *submission;

static int start(void **state)
{
    (void)state;
    response = (struct response){0};
    submission = submission_new();
    return submission ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    buf_clear(&response.body);
    submission_free(submission);
    return 0;
}

static struct submission_entry *add(const char *id, enum store_verdict verdict, int64_t row)
{
    struct submission_entry *entry = submission_add(submission);
    assert_non_null(entry);
    if (id)
        assert_int_equal(signal_set_text(&entry->signal, &entry->signal.given[FIELD_SIGNAL_ID], id, strlen(id)), 0);
    entry->row.verdict = verdict;
    entry->row.id = row;
    return entry;
}

static void add_fault(const char *id, enum fault fault, const char *field, const char *detail)
{
    struct submission_entry *entry = add(id, STORE_UNKNOWN, 0);
    entry->fault = fault;
    entry->field = field;
    entry->detail = detail;
}

/* The response is this, with ' for ", and is valid JSON. */
static void check(int status, const char *body)
{
    assert_int_equal(response.status, status);
    assert_string_equal(response.body.data, quoted(body));
    struct json_doc *doc = json_doc_parse(response.body.data, response.body.len, NULL);
    assert_non_null(doc);
    json_doc_free(doc);
}

static void every_error(void **state)
{
    (void)state;
    static const struct {
        enum answer_error error;
        int status;
        const char *body;
    } errors[] = {
        {ERROR_MALFORMED, 400, "{'status':'error','code':'malformed','detail':'d'}"},
        {ERROR_HASH_MISMATCH, 400, "{'status':'error','code':'hash_mismatch','detail':'d'}"},
        {ERROR_UNAUTHORIZED, 401, "{'status':'error','code':'unauthorized','detail':'d'}"},
        {ERROR_NOT_FOUND, 404, "{'status':'error','code':'not_found','detail':'d'}"},
        {ERROR_METHOD_NOT_ALLOWED, 405, "{'status':'error','code':'method_not_allowed','detail':'d'}"},
        {ERROR_TIMEOUT, 408, "{'status':'error','code':'timeout','detail':'d'}"},
        {ERROR_TOO_LARGE, 413, "{'status':'error','code':'too_large','detail':'d'}"},
        {ERROR_UNSUPPORTED_MEDIA_TYPE, 415, "{'status':'error','code':'unsupported_media_type','detail':'d'}"},
        {ERROR_INVALID_FIELD, 422, "{'status':'error','code':'invalid_field','detail':'d'}"},
        {ERROR_RATE_LIMITED, 429, "{'status':'error','code':'rate_limited','detail':'d'}"},
        {ERROR_UNAVAILABLE, 503, "{'status':'error','code':'unavailable','detail':'d'}"},
    };
    for (size_t i = 0; i < COUNT(errors); i++) {
        answer_error(&response, errors[i].error, NULL, "d");
        check(errors[i].status, errors[i].body);
        assert_int_equal(response.authenticate, errors[i].status == 401);
    }
}

static void an_error_names_the_field(void **state)
{
    (void)state;
    answer_error(&response, ERROR_INVALID_FIELD, "symbol", "say \"what\"\n\xff");
    assert_int_equal(response.status, 422);
    assert_string_equal(response.body.data, "{\"status\":\"error\",\"code\":\"invalid_field\","
                                            "\"detail\":\"say \\\"what\\\"\\n\\ufffd\",\"field\":\"symbol\"}");
}

static void come_again_later(void **state)
{
    (void)state;
    answer_retry(&response, ERROR_UNAVAILABLE, "d", 7);
    check(503, "{'status':'error','code':'unavailable','detail':'d'}");
    assert_int_equal(response.retry_after_s, 7);
    answer_retry(&response, ERROR_RATE_LIMITED, "d", 0);
    assert_int_equal(response.status, 429);
    assert_int_equal(response.retry_after_s, 1); /* 0 would leave the header out */
    answer_retry(&response, ERROR_RATE_LIMITED, "d", -5);
    assert_int_equal(response.retry_after_s, 1);
}

static void each_verdict_alone(void **state)
{
    (void)state;
    static const struct {
        int64_t row;
        const char *body;
        enum store_verdict verdict;
        int status;
    } cases[] = {
        {7,
         "{'status':'success','message':'Signal stored successfully','signal_id':7,'alpine_signal_id':7,"
         "'external_signal_id':'abc'}",
         STORE_STORED, 201},
        {5000000000,
         "{'status':'duplicate','message':'Signal already exists','signal_id':5000000000,"
         "'alpine_signal_id':5000000000,'external_signal_id':'abc'}",
         STORE_DUPLICATE, 409},
        {7,
         "{'status':'conflict','message':'Signal conflicts with a stored one','signal_id':7,'alpine_signal_id':7,"
         "'external_signal_id':'abc','code':'conflict',"
         "'detail':'this signal_id is stored with another hash; the stored signal stays'}",
         STORE_CONFLICT, 422},
        {0, "{'status':'valid','message':'Signal is valid; nothing was stored','external_signal_id':'abc'}",
         STORE_UNKNOWN, 200},
    };
    struct submission_entry *entry = add("abc", STORE_UNKNOWN, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        entry->row.verdict = cases[i].verdict;
        entry->row.id = cases[i].row;
        answer_single(&response, submission);
        check(cases[i].status, cases[i].body);
    }
    entry->row.verdict = STORE_REFUSED;
    answer_single(&response, submission);
    assert_int_equal(response.status, 422);
    assert_non_null(
        strstr(response.body.data, "{\"status\":\"error\",\"code\":\"invalid_field\",\"detail\":\"the "));
}

static void each_fault_alone(void **state)
{
    (void)state;
    static const struct {
        enum fault fault;
        int status;
        const char *field;
        const char *body;
    } cases[] = {
        {FAULT_MALFORMED, 400, NULL, "{'status':'error','code':'malformed','detail':'d'}"},
        {FAULT_HASH_MISMATCH, 400, NULL, "{'status':'error','code':'hash_mismatch','detail':'d'}"},
        {FAULT_TOO_LARGE, 413, NULL, "{'status':'error','code':'too_large','detail':'d'}"},
        {FAULT_INVALID_FIELD, 422, "symbol",
         "{'status':'error','code':'invalid_field','detail':'d','field':'symbol'}"},
    };
    add_fault("abc", FAULT_MALFORMED, NULL, "d");
    for (size_t i = 0; i < COUNT(cases); i++) {
        submission->entries[0].fault = cases[i].fault;
        submission->entries[0].field = cases[i].field;
        answer_single(&response, submission);
        check(cases[i].status, cases[i].body);
    }
}

static void an_id_is_escaped(void **state)
{
    (void)state;
    (void)add("a\"\\\xc3\xa9\n", STORE_STORED, 1);
    answer_single(&response, submission);
    assert_non_null(strstr(response.body.data, "\"external_signal_id\":\"a\\\"\\\\\\u00e9\\n\"}"));
}

static void a_batch_in_order(void **state)
{
    (void)state;
    (void)add("a", STORE_STORED, 1);
    (void)add("b", STORE_DUPLICATE, 2);
    (void)add("c", STORE_CONFLICT, 3);
    add_fault("d", FAULT_HASH_MISMATCH, NULL, "Signal hash verification failed");
    add_fault(NULL, FAULT_INVALID_FIELD, "signal_id", "signal_id is missing");
    (void)add("f", STORE_STORED, 4);
    answer_batch(&response, submission);
    check(200, "{'results':["
               "{'status':'success','signal_id':1,'alpine_signal_id':1,'external_signal_id':'a'},\n"
               "{'status':'duplicate','signal_id':2,'alpine_signal_id':2,'external_signal_id':'b'},\n"
               "{'status':'conflict','signal_id':3,'alpine_signal_id':3,'external_signal_id':'c','code':'conflict',"
               "'detail':'this signal_id is stored with another hash; the stored signal stays'},\n"
               "{'status':'rejected','code':'hash_mismatch','detail':'Signal hash verification failed',"
               "'external_signal_id':'d'},\n"
               "{'status':'rejected','code':'invalid_field','detail':'signal_id is missing','field':'signal_id'},\n"
               "{'status':'success','signal_id':4,'alpine_signal_id':4,'external_signal_id':'f'}],"
               "'stored':2,'duplicates':1,'rejected':3}");
}

static void a_batch_with_refused_and_valid_ones(void **state)
{
    (void)state;
    (void)add("a", STORE_REFUSED, 0);
    (void)add("b", STORE_UNKNOWN, 0);
    answer_batch(&response, submission);
    assert_non_null(strstr(response.body.data, "{\"status\":\"rejected\",\"code\":\"invalid_field\",\"detail\":"));
    assert_non_null(strstr(response.body.data, "{\"status\":\"valid\",\"external_signal_id\":\"b\"}"));
    assert_non_null(strstr(response.body.data, "],\"stored\":0,\"duplicates\":0,\"rejected\":1}"));
}

static void an_empty_batch(void **state)
{
    (void)state;
    answer_batch(&response, submission);
    check(200, "{'results':[],'stored':0,'duplicates':0,'rejected':0}");
}

static void the_answer_before_is_forgotten(void **state)
{
    (void)state;
    answer_error(&response, ERROR_UNAUTHORIZED, NULL, "d");
    (void)add("a", STORE_STORED, 1);
    answer_single(&response, submission);
    assert_int_equal(response.body.data[0], '{');
    assert_null(strstr(response.body.data, "unauthorized"));
}

static void health(void **state)
{
    (void)state;
    answer_health(&response, true, 3);
    check(200, "{'status':'healthy','service':'Alpine Analytics - External Signal Sync',"
               "'endpoint':'/api/v1/external-signals/sync/signal',"
               "'batch_endpoint':'/api/v1/external-signals/sync/batch','dry_run':true,"
               "'version':'" ALPINE_VERSION "'}");
    assert_int_equal(response.retry_after_s, 0);
    answer_health(&response, false, 3);
    assert_int_equal(response.status, 503);
    assert_int_equal(response.retry_after_s, 3);
    assert_non_null(strstr(response.body.data, "{\"status\":\"unhealthy\",\"service\":"));
    answer_state(&response, "ready", true, 3);
    check(200, "{'status':'ready'}");
    assert_int_equal(response.retry_after_s, 0);
    answer_state(&response, "draining", false, 3);
    check(503, "{'status':'draining'}");
    assert_int_equal(response.retry_after_s, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(every_error),      TEST(an_error_names_the_field),
        TEST(come_again_later), TEST(each_verdict_alone),
        TEST(each_fault_alone), TEST(an_id_is_escaped),
        TEST(a_batch_in_order), TEST(a_batch_with_refused_and_valid_ones),
        TEST(an_empty_batch),   TEST(the_answer_before_is_forgotten),
        TEST(health),
    };
    return cmocka_run_group_tests_name("answer_json", tests, NULL, NULL);
}
