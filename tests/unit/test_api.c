/* api: which answer a request gets: routes, keys, media types, sizes, ids. */
#include "api_stage.h"

#include <string.h>

#include "base/json_doc.h"
#include "engine/rate_limit.h"
#include "signals.h"

static void has_code(const struct reply *reply, int status, const char *code)
{
    struct json_doc *doc = json_doc_parse(reply->body, strlen(reply->body), NULL);
    size_t len;
    assert_int_equal(reply->status, status);
    assert_non_null(doc);
    assert_string_equal(json_value_text(json_value_member(json_doc_root(doc), "status"), &len), "error");
    assert_string_equal(json_value_text(json_value_member(json_doc_root(doc), "code"), &len), code);
    assert_non_null(json_value_member(json_doc_root(doc), "detail"));
    json_doc_free(doc);
}

static void unknown_paths(void **state)
{
    struct api_stage *stage = *state;
    static const char *const paths[] = {"",   "/",        "/signal/",      "/signals", "/Signal", "/batch/x",
                                        "//", "//signal", "//sync/signal", "//livez/", "//metric"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct reply reply = PERFORM(stage, .path = paths[i], .key = "");
        has_code(&reply, 404, "not_found");
        assert_false(reply.body_read);
    }
}

static void wrong_methods(void **state)
{
    struct api_stage *stage = *state;
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "post", "PROPFIND"};
    static const char *const posts[] = {"/signal", "/batch"};
    static const char *const gets[] = {"/health", "//health", "//livez", "//readyz", "//metrics"};
    for (size_t i = 0; i < COUNT(methods); i++)
        for (size_t k = 0; k < COUNT(posts); k++) {
            struct reply reply = PERFORM(stage, .method = methods[i], .path = posts[k], .key = "");
            has_code(&reply, 405, "method_not_allowed");
            assert_string_equal(reply.allow, "POST");
        }
    for (size_t k = 0; k < COUNT(gets); k++) {
        struct reply reply = PERFORM(stage, .path = gets[k]);
        has_code(&reply, 405, "method_not_allowed");
        assert_string_equal(reply.allow, "GET, HEAD");
    }
}

static void keys(void **state)
{
    struct api_stage *stage = *state;
    static const char *const wrong[] = {"", "wrong", "the-key ", "The-Key"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct reply reply = PERFORM(stage, .path = "/signal", .key = wrong[i]);
        has_code(&reply, 401, "unauthorized");
        assert_true(reply.authenticate);
        assert_false(reply.body_read); /* the key is looked at before the body */
        reply = PERFORM(stage, .path = "/batch", .key = wrong[i]);
        has_code(&reply, 401, "unauthorized");
    }
    assert_int_equal(PERFORM(stage, .path = "/signal", .body = "").status, 400);
    assert_int_equal(PERFORM(stage, .path = "/signal", .key = "next-key", .body = "").status, 400);
    keyring_set(stage->keyring, "rotated", NULL);
    assert_int_equal(PERFORM(stage, .path = "/signal", .body = "").status, 401);
    assert_int_equal(logged(&stage->stage, "the-key"), 0);
    assert_int_equal(logged(&stage->stage, "wrong"), 0);
}

static void media_types(void **state)
{
    struct api_stage *stage = *state;
    static const char *const json[] = {"application/json",
                                       "APPLICATION/JSON",
                                       "application/json; charset=utf-8",
                                       "application/json;charset=UTF-8",
                                       "application/json ;  charset=\"utf-8\"",
                                       "application/json;"};
    static const char *const lines[] = {"application/x-ndjson", "Application/X-NDJSON;charset=utf-8"};
    static const char *const others[] = {"",
                                         "text/plain",
                                         "application/jsonx",
                                         "application/json/x",
                                         "application",
                                         "application/json; charset=latin1",
                                         "application/x-www-form-urlencoded",
                                         "application/json, text/plain",
                                         "multipart/form-data; boundary=x"};
    for (size_t i = 0; i < COUNT(json); i++) {
        assert_int_equal(PERFORM(stage, .path = "/signal", .content_type = json[i], .body = "{}").status, 422);
        assert_int_equal(PERFORM(stage, .path = "/batch", .content_type = json[i], .body = "[]").status, 200);
    }
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct reply reply = PERFORM(stage, .path = "/signal", .content_type = lines[i], .body = "{}");
        has_code(&reply, 415, "unsupported_media_type");
        assert_int_equal(PERFORM(stage, .path = "/batch", .content_type = lines[i], .body = "x\n").status, 200);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        struct reply reply = PERFORM(stage, .path = "/signal", .content_type = others[i]);
        has_code(&reply, 415, "unsupported_media_type");
        assert_false(reply.body_read);
        reply = PERFORM(stage, .path = "/batch", .content_type = others[i]);
        has_code(&reply, 415, "unsupported_media_type");
    }
}

static void sizes(void **state)
{
    struct api_stage *stage = *state;
    struct reply reply = PERFORM(stage, .path = "/signal", .content_length = 2001);
    has_code(&reply, 413, "too_large");
    assert_false(reply.body_read);
    reply = PERFORM(stage, .path = "/batch", .content_length = 5001);
    has_code(&reply, 413, "too_large");
    reply = PERFORM(stage, .path = "/signal", .content_length = 2000, .body = "");
    assert_int_equal(reply.body_limit, 2000);
    assert_int_equal(reply.status, 400);
    reply = PERFORM(stage, .path = "/batch", .content_length = INT64_MAX);
    has_code(&reply, 413, "too_large");
    reply = PERFORM(stage, .path = "/batch", .content_length = 5000, .body = "[]");
    assert_int_equal(reply.body_limit, 5000);
    assert_int_equal(reply.status, 200);
    reply = PERFORM(stage, .path = "/batch", .body = "[{},{},{},{},{}]");
    has_code(&reply, 413, "too_large");
}

static void malformed_headers(void **state)
{
    struct api_stage *stage = *state;
    static const char *const paths[] = {"/signal", "/batch", "/health", "//livez", "/nowhere"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct reply reply = PERFORM(stage, .path = paths[i], .malformed = "two Hosts");
        has_code(&reply, 400, "malformed");
        assert_true(reply.close_connection);
        assert_false(reply.body_read);
        assert_non_null(strstr(reply.body, "two Hosts"));
    }
}

static void the_http_side_refuses(void **state)
{
    struct api_stage *stage = *state;
    static const struct {
        int status;
        const char *code;
    } cases[] = {{408, "timeout"}, {413, "too_large"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct request request = {.method = "POST", .path = SYNC "/signal"};
        stage->service.refuse(stage->service.self, &request, cases[i].status);
        struct reply reply = {.status = request.response.status};
        memcpy(reply.body, request.response.body.data, request.response.body.len);
        has_code(&reply, cases[i].status, cases[i].code);
        assert_true(request.response.close_connection);
        assert_true(request.id[0] != '\0'); /* even before the headers were looked at */
        stage->service.discard(stage->service.self, &request);
        buf_clear(&request.response.body);
    }
}

static void request_ids(void **state)
{
    struct api_stage *stage = *state;
    char longest[REQUEST_ID_MAX + 1];
    char longer[REQUEST_ID_MAX + 2];
    memset(longest, 'x', sizeof longest);
    memset(longer, 'x', sizeof longer);
    longest[sizeof longest - 1] = '\0';
    longer[sizeof longer - 1] = '\0';
    const char *const sane[] = {"a", "0123-AZaz_.9", longest};
    const char *const others[] = {NULL, "", "a b", "a\nb", "a\"b", "<x>", "a/b", "\xc3\xa9", longer};
    char before[REQUEST_ID_MAX + 1] = "";
    for (size_t i = 0; i < COUNT(sane); i++)
        assert_string_equal(PERFORM(stage, .method = "GET", .path = "//livez", .caller_id = sane[i]).id, sane[i]);
    for (size_t i = 0; i < COUNT(others); i++) {
        struct reply reply = PERFORM(stage, .method = "GET", .path = "//livez", .caller_id = others[i]);
        assert_int_equal(strlen(reply.id), 16);
        assert_int_equal(strspn(reply.id, "0123456789abcdef"), 16);
        assert_string_not_equal(reply.id, before);
        memcpy(before, reply.id, sizeof before);
    }
    assert_string_equal(PERFORM(stage, .path = "/nowhere", .caller_id = "mine").id, "mine");
    assert_string_equal(PERFORM(stage, .path = "/signal", .key = "", .caller_id = "mine").id, "mine");
}

static void too_many_requests(void **state)
{
    struct api_stage *stage = *state;
    struct rate_limit *limit = rate_limit_new(1);
    const struct api_parts parts = {.committer = stage->stage.committer,
                                    .keyring = stage->keyring,
                                    .rate_limit = limit,
                                    .log = stage->stage.log,
                                    .rules = {.provider = "argo", .signal_bytes_max = 2000, .batch_signals_max = 4},
                                    .single_bytes_max = 2000,
                                    .batch_bytes_max = 5000};
    struct api *api = api_new(&parts);
    struct service before = stage->service;
    stage->service = api_service(api);
    struct reply reply = {0};
    for (int i = 0; i < 1000 && reply.status != 429; i++)
        reply = PERFORM(stage, .path = "/signal", .body = "{}");
    has_code(&reply, 429, "rate_limited");
    assert_int_equal(reply.retry_after_s, 1);
    assert_false(reply.body_read);
    assert_int_equal(PERFORM(stage, .method = "GET", .path = "/health").status, 200);
    stage->service = before;
    api_free(api);
    rate_limit_free(limit);
}

static void health(void **state)
{
    struct api_stage *stage = *state;
    static const char *const methods[] = {"GET", "HEAD"};
    static const char *const paths[] = {"/health", "//health"};
    for (size_t i = 0; i < COUNT(methods); i++)
        for (size_t k = 0; k < COUNT(paths); k++) {
            struct reply reply = PERFORM(stage, .method = methods[i], .path = paths[k], .key = "");
            assert_int_equal(reply.status, 200);
            assert_non_null(strstr(reply.body, "{\"status\":\"healthy\","));
        }
    struct reply reply = PERFORM(stage, .method = "GET", .path = "//readyz", .key = "");
    assert_string_equal(reply.body, "{\"status\":\"ready\"}");
    fake_store_set(&stage->stage.store, &stage->stage.store.probe_fails, true);
    wait_ready(&stage->stage, false);
    reply = PERFORM(stage, .method = "GET", .path = "/health", .key = "");
    assert_int_equal(reply.status, 503);
    assert_true(reply.retry_after_s >= 1);
    assert_non_null(strstr(reply.body, "\"unhealthy\""));
    assert_int_equal(PERFORM(stage, .method = "GET", .path = "//readyz", .key = "").status, 503);
    assert_int_equal(PERFORM(stage, .method = "GET", .path = "//livez", .key = "").status, 200);
}

static void draining(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    valid_signal(&json, "one");
    api_drain(stage->api);
    static const char *const paths[] = {"/signal", "/batch"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct reply reply = PERFORM(stage, .path = paths[i], .body = json.data);
        has_code(&reply, 503, "unavailable");
        assert_true(reply.retry_after_s >= 1);
        assert_true(reply.close_connection);
    }
    struct reply reply = PERFORM(stage, .method = "GET", .path = "//readyz", .key = "");
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply.body, "{\"status\":\"draining\"}");
    assert_int_equal(PERFORM(stage, .method = "GET", .path = "//livez", .key = "").status, 200);
    assert_int_equal(fake_store_get(&stage->stage.store, &stage->stage.store.inserts), 0);
    buf_clear(&json);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_stage_start, api_stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(unknown_paths),
        TEST(wrong_methods),
        TEST(keys),
        TEST(media_types),
        TEST(sizes),
        TEST(malformed_headers),
        TEST(the_http_side_refuses),
        TEST(request_ids),
        TEST(too_many_requests),
        TEST(health),
        TEST(draining),
    };
    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
