/* api: posts of signals, from the body to the answer, with everything that can become of them. */
#include "api_stage.h"

#include <string.h>

#include "base/json_doc.h"
#include "signals.h"

#define LINES "application/x-ndjson"

/* The reply has this status and its JSON these texts in it. */
static void says(const struct reply *reply, int status, const char *first, const char *second)
{
    struct json_doc *doc = json_doc_parse(reply->body, strlen(reply->body), NULL);
    if (reply->status != status || !doc || !strstr(reply->body, first) || !strstr(reply->body, second))
        fail_msg("%d %s", reply->status, reply->body);
    json_doc_free(doc);
}

static struct reply post(struct api_stage *stage, const char *path, const char *body, const char *dry_run)
{
    return PERFORM(stage, .path = path, .body = body, .dry_run = dry_run);
}

static void stored_then_duplicate_then_conflict(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    struct buf other = {0};
    valid_signal(&json, "one");
    valid_variant(&other, "one", 1);
    struct reply reply = post(stage, "/signal", json.data, NULL);
    says(&reply, 201, "{\"status\":\"success\",\"message\":\"Signal stored successfully\",\"signal_id\":1,",
         "\"alpine_signal_id\":1,\"external_signal_id\":\"one\"}");
    assert_int_equal(fake_store_find(&stage->stage.store, "one"), 1);
    reply = post(stage, "/signal", json.data, NULL);
    says(&reply, 409, "{\"status\":\"duplicate\"", "\"signal_id\":1,");
    reply = post(stage, "/signal", other.data, NULL);
    says(&reply, 422, "{\"status\":\"conflict\"", "\"signal_id\":1,");
    assert_int_equal(stage->stage.store.stored_count, 1);
    assert_int_equal(logged(&stage->stage, "Signal synced from external provider: AAPL BUY (one)"), 1);
    assert_int_equal(logged(&stage->stage, "Conflict: signal one is stored with another hash"), 1);
    buf_clear(&json);
    buf_clear(&other);
}

static void bad_ones(void **state)
{
    struct api_stage *stage = *state;
    struct reply reply = post(stage, "/signal", "{", NULL);
    says(&reply, 400, "\"code\":\"malformed\"", "");
    reply = post(stage, "/signal", "[]", NULL);
    says(&reply, 400, "\"code\":\"malformed\"", "");
    reply = post(stage, "/signal", signal_json("confidence", "101"), NULL);
    says(&reply, 422, "\"code\":\"invalid_field\"", "\"field\":\"confidence\"");
    reply = post(stage, "/signal", signal_json("entry_price", "1"), NULL);
    says(&reply, 400, "\"code\":\"hash_mismatch\"", "\"detail\":\"Signal hash verification failed\"");
    assert_int_equal(logged(&stage->stage, "Hash verification failed for signal 68a40f327ea78805"), 1);
    assert_int_equal(stage->stage.store.inserts, 0);
}

static void a_dry_run(void **state)
{
    struct api_stage *stage = *state;
    static const char *const yes[] = {"true", "1", "TRUE", "True"};
    static const char *const no[] = {"false", "0", "False"};
    static const char *const neither[] = {"", "yes", "2", "true ", "truee"};
    struct buf json = {0};
    valid_signal(&json, "one");
    for (size_t i = 0; i < COUNT(yes); i++) {
        struct reply reply = post(stage, "/signal", json.data, yes[i]);
        says(&reply, 200, "{\"status\":\"valid\"", "\"external_signal_id\":\"one\"");
    }
    struct reply reply = post(stage, "/signal", signal_json("entry_price", "1"), "true");
    says(&reply, 400, "hash_mismatch", "");
    reply = post(stage, "/signal", "{}", "true");
    says(&reply, 422, "invalid_field", "");
    for (size_t i = 0; i < COUNT(neither); i++) {
        reply = post(stage, "/signal", json.data, neither[i]);
        says(&reply, 422, "\"code\":\"invalid_field\"", "\"field\":\"dry_run\"");
    }
    reply = post(stage, "/batch", "[]", "perhaps");
    says(&reply, 422, "\"field\":\"dry_run\"", "");
    assert_int_equal(stage->stage.store.inserts, 0);
    for (size_t i = 0; i < COUNT(no); i++)
        assert_int_equal(post(stage, "/signal", json.data, no[i]).status, i ? 409 : 201);
    reply = post(stage, "/signal", json.data, "true");
    says(&reply, 409, "{\"status\":\"duplicate\"", "\"signal_id\":1,");
    buf_reset(&json);
    valid_variant(&json, "one", 1);
    reply = post(stage, "/signal", json.data, "true");
    says(&reply, 422, "{\"status\":\"conflict\"", "");
    assert_int_equal(stage->stage.store.stored_count, 1);
    buf_clear(&json);
}

static void a_dry_batch(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    valid_signal(&json, "one");
    buf_add_text(&json, "\n{}\n");
    struct reply reply =
        PERFORM(stage, .path = "/batch", .content_type = LINES, .body = json.data, .dry_run = "true");
    says(&reply, 200, "{\"results\":[{\"status\":\"valid\",", "\"stored\":0,\"duplicates\":0,\"rejected\":1}");
    assert_int_equal(stage->stage.store.stored_count, 0);
    buf_clear(&json);
}

static void a_batch_of_good_and_bad(void **state)
{
    struct api_stage *stage = *state;
    struct buf body = {0};
    struct buf first = {0};
    struct buf last = {0};
    valid_signal(&first, "first");
    valid_signal(&last, "last");
    buf_add_format(&body, "%s\nnonsense\n{}\n%s\n", first.data, last.data);
    struct reply reply = PERFORM(stage, .path = "/batch", .content_type = LINES, .body = body.data);
    says(&reply, 200,
         "{\"results\":[{\"status\":\"success\",\"signal_id\":1,\"alpine_signal_id\":1,"
         "\"external_signal_id\":\"first\"}",
         "],\"stored\":2,\"duplicates\":0,\"rejected\":2}");
    buf_reset(&body);
    buf_add_format(&body, "[%s,%s]", last.data, first.data);
    reply = PERFORM(stage, .path = "/batch", .body = body.data);
    says(&reply, 200, "{\"results\":[{\"status\":\"duplicate\",\"signal_id\":2,",
         "],\"stored\":0,\"duplicates\":2,\"rejected\":0}");
    reply = PERFORM(stage, .path = "/batch", .body = "[{}");
    says(&reply, 400, "\"code\":\"malformed\"", "");
    buf_clear(&body);
    buf_clear(&first);
    buf_clear(&last);
}

/* A batch in which nothing can be stored needs no database. */
static void only_bad_ones(void **state)
{
    struct api_stage *stage = *state;
    fake_store_set(&stage->stage.store, &stage->stage.store.gate_closed, true);
    struct reply reply = post(stage, "/batch", "[{},{}]", NULL);
    says(&reply, 200, "\"rejected\"", "\"stored\":0,\"duplicates\":0,\"rejected\":2}");
    fake_store_set(&stage->stage.store, &stage->stage.store.gate_closed, false);
}

static void refused_by_the_database(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    stage->stage.store.bad[0] = "bad";
    valid_signal(&json, "bad");
    struct reply reply = PERFORM(stage, .path = "/signal", .body = json.data, .caller_id = "try-7");
    says(&reply, 422, "\"code\":\"invalid_field\"", "the database refuses this signal");
    assert_null(strstr(reply.body, "a rule is broken")); /* that is the database's own text */
    assert_int_equal(
        logged(&stage->stage, "The database refused a signal: a rule is broken signal_id=bad request_id=try-7"), 1);
    buf_clear(&json);
}

/* Every line about a request has its id, whatever became of it. */
static void lines_have_the_requests_id(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    struct buf other = {0};
    valid_signal(&json, "one");
    valid_variant(&other, "one", 1);
    static const char *const lines[] = {
        "Signal synced from external provider: AAPL BUY (one) alpine_signal_id=1 request_id=id-0",
        "Duplicate signal one alpine_signal_id=1 request_id=id-1",
        "Conflict: signal one is stored with another hash alpine_signal_id=1 request_id=id-2",
        "Hash verification failed for signal 68a40f327ea78805 request_id=id-3",
        "field=action request_id=id-4",
        "Request refused: the body is larger than this receiver allows status=413 request_id=id-5",
        "Request without a valid API key request_id=id-6",
        "Request refused: there is nothing here status=404 request_id=id-7",
    };
    (void)PERFORM(stage, .path = "/signal", .body = json.data, .caller_id = "id-0");
    (void)PERFORM(stage, .path = "/signal", .body = json.data, .caller_id = "id-1");
    (void)PERFORM(stage, .path = "/signal", .body = other.data, .caller_id = "id-2");
    (void)PERFORM(stage, .path = "/signal", .body = signal_json("entry_price", "1"), .caller_id = "id-3");
    (void)PERFORM(stage, .path = "/signal", .body = signal_json("action", "1"), .caller_id = "id-4");
    (void)PERFORM(stage, .path = "/signal", .content_length = 100000, .caller_id = "id-5");
    (void)PERFORM(stage, .path = "/signal", .key = "", .caller_id = "id-6");
    (void)PERFORM(stage, .path = "/nowhere", .caller_id = "id-7");
    for (size_t i = 0; i < COUNT(lines); i++)
        if (logged(&stage->stage, lines[i]) != 1)
            fail_msg("%s", lines[i]);
    assert_int_equal(logged(&stage->stage, "debug Request: POST " SYNC "/signal status="), 7);
    buf_clear(&json);
    buf_clear(&other);
}

static void the_answer_waits_for_the_store(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    valid_signal(&json, "one");
    fake_store_set(&stage->stage.store, &stage->stage.store.gate_closed, true);
    struct request *request = begin_pending(stage, &(struct ask){.path = "/signal", .body = json.data});
    fake_store_wait(&stage->stage.store, &stage->stage.store.waiting, 1);
    assert_int_equal(request->response.status, 0);
    fake_store_set(&stage->stage.store, &stage->stage.store.gate_closed, false);
    assert_int_equal(end_pending(stage, request).status, 201);
    buf_clear(&json);
}

static void the_database_fails(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    valid_signal(&json, "one");
    fake_store_set(&stage->stage.store, &stage->stage.store.failing, true);
    struct reply reply = post(stage, "/signal", json.data, NULL);
    says(&reply, 503, "\"code\":\"unavailable\"", "send them again");
    assert_true(reply.retry_after_s >= 1);
    assert_null(strstr(reply.body, "the store fails"));
    fake_store_set(&stage->stage.store, &stage->stage.store.away, true);
    fake_store_set(&stage->stage.store, &stage->stage.store.losing, true);
    assert_int_equal(post(stage, "/signal", json.data, NULL).status, 503);
    fake_store_wait(&stage->stage.store, &stage->stage.store.opens, 2);
    int inserts = fake_store_get(&stage->stage.store, &stage->stage.store.inserts);
    reply = post(stage, "/batch", "[]", NULL);
    says(&reply, 200, "\"results\":[]", "");
    reply = PERFORM(stage, .path = "/batch", .content_type = LINES, .body = json.data);
    says(&reply, 503, "\"code\":\"unavailable\"", "");
    assert_int_equal(fake_store_get(&stage->stage.store, &stage->stage.store.inserts), inserts);
    assert_int_equal(logged(&stage->stage, "Signal synced from external provider"), 0);
    buf_clear(&json);
}

static void the_queue_is_full(void **state)
{
    struct api_stage *stage = *state;
    struct request *pending[101];
    struct buf json = {0};
    fake_store_set(&stage->stage.store, &stage->stage.store.gate_closed, true);
    for (size_t i = 0; i < COUNT(pending); i++) {
        char id[] = {'n', (char)('a' + i % 26), (char)('a' + i / 26), '\0'};
        buf_reset(&json);
        valid_signal(&json, id);
        pending[i] = begin_pending(stage, &(struct ask){.path = "/signal", .body = json.data});
        if (!i)
            fake_store_wait(&stage->stage.store, &stage->stage.store.waiting, 1);
    }
    struct reply reply = post(stage, "/signal", json.data, NULL);
    says(&reply, 503, "\"code\":\"unavailable\"", "");
    assert_int_equal(reply.retry_after_s, 1);
    fake_store_set(&stage->stage.store, &stage->stage.store.gate_closed, false);
    for (size_t i = 0; i < COUNT(pending); i++)
        assert_int_equal(end_pending(stage, pending[i]).status, 201);
    buf_clear(&json);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_stage_start, api_stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(stored_then_duplicate_then_conflict),
        TEST(bad_ones),
        TEST(a_dry_run),
        TEST(a_dry_batch),
        TEST(a_batch_of_good_and_bad),
        TEST(only_bad_ones),
        TEST(refused_by_the_database),
        TEST(lines_have_the_requests_id),
        TEST(the_answer_waits_for_the_store),
        TEST(the_database_fails),
        TEST(the_queue_is_full),
    };
    return cmocka_run_group_tests_name("api_signals", tests, NULL, NULL);
}
