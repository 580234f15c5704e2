/* metrics of the receiver: each request and each signal is counted once, under what became of it. */
#include "api_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "signals.h"

#define LINES "application/x-ndjson"

/* What /metrics says of this series; -1: nothing. */
static double told(struct api_stage *stage, const char *series)
{
    struct reply reply = PERFORM(stage, .method = "GET", .path = "//metrics", .key = "");
    char line[256];
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
    (void)snprintf(line, sizeof line, "\n%s ", series);
    const char *at = strstr(reply.body, line);
    return at ? strtod(at + strlen(line), NULL) : -1;
}

static void tells(struct api_stage *stage, const char *series, double wanted)
{
    double value = told(stage, series);
    if (value != wanted)
        fail_msg("%s is %g, not %g", series, value, wanted);
}

static void signals(struct api_stage *stage, double stored, double duplicate, double conflict, double rejected,
                    double unavailable)
{
    tells(stage, "alpine_receiver_signals_total{result=\"stored\"}", stored);
    tells(stage, "alpine_receiver_signals_total{result=\"duplicate\"}", duplicate);
    tells(stage, "alpine_receiver_signals_total{result=\"conflict\"}", conflict);
    tells(stage, "alpine_receiver_signals_total{result=\"rejected\"}", rejected);
    tells(stage, "alpine_receiver_signals_total{result=\"unavailable\"}", unavailable);
}

static void rejected(struct api_stage *stage, double malformed, double mismatch, double field, double large)
{
    tells(stage, "alpine_receiver_rejected_signals_total{code=\"malformed\"}", malformed);
    tells(stage, "alpine_receiver_rejected_signals_total{code=\"hash_mismatch\"}", mismatch);
    tells(stage, "alpine_receiver_rejected_signals_total{code=\"invalid_field\"}", field);
    tells(stage, "alpine_receiver_rejected_signals_total{code=\"too_large\"}", large);
}

static int post(struct api_stage *stage, const char *body, const char *dry_run)
{
    return PERFORM(stage, .path = "/signal", .body = body, .dry_run = dry_run).status;
}

static void single_signals(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    struct buf other = {0};
    struct buf bad = {0};
    valid_signal(&json, "one");
    valid_variant(&other, "one", 1);
    valid_signal(&bad, "bad");
    stage->stage.store.bad[0] = "bad";
    assert_int_equal(post(stage, json.data, NULL), 201);
    assert_int_equal(post(stage, json.data, NULL), 409);
    assert_int_equal(post(stage, json.data, NULL), 409);
    assert_int_equal(post(stage, other.data, NULL), 422);
    assert_int_equal(post(stage, bad.data, NULL), 422);
    assert_int_equal(post(stage, "{", NULL), 400);
    assert_int_equal(post(stage, signal_json("entry_price", "1"), NULL), 400);
    signals(stage, 1, 2, 1, 3, 0);
    rejected(stage, 1, 1, 1, 0);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"201\"}", 1);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"409\"}", 2);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"422\"}", 2);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"400\"}", 2);
    tells(stage, "alpine_receiver_request_duration_seconds_count{route=\"" SYNC "/signal\"}", 7);
    buf_clear(&json);
    buf_clear(&other);
    buf_clear(&bad);
}

static void dry_runs_are_no_signals(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    valid_signal(&json, "one");
    assert_int_equal(post(stage, json.data, "true"), 200);
    assert_int_equal(post(stage, "{", "true"), 400);
    signals(stage, 0, 0, 0, 0, 0);
    rejected(stage, 0, 0, 0, 0);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"200\"}", 1);
    tells(stage, "alpine_receiver_last_stored_timestamp_seconds", -1);
    buf_clear(&json);
}

static void a_batch_counts_each_of_its_signals(void **state)
{
    struct api_stage *stage = *state;
    struct buf body = {0};
    struct buf json = {0};
    valid_signal(&json, "one");
    double before_s = (double)clock_wall_us() / 1e6;
    buf_add_format(&body, "%s\n{}\nno\n%02100d\n", json.data, 1);
    assert_int_equal(PERFORM(stage, .path = "/batch", .content_type = LINES, .body = body.data).status, 200);
    signals(stage, 1, 0, 0, 3, 0);
    rejected(stage, 1, 0, 1, 1);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/batch\",status=\"200\"}", 1);
    tells(stage, "alpine_receiver_commit_signals_sum", 1);
    tells(stage, "alpine_receiver_commit_signals_count", 1);
    tells(stage, "alpine_receiver_commit_duration_seconds_count", 1);
    tells(stage, "alpine_receiver_delivery_latency_seconds_count", 1);
    assert_true(told(stage, "alpine_receiver_last_stored_timestamp_seconds") >= before_s);
    buf_clear(&body);
    buf_clear(&json);
}

static void what_cannot_be_stored_is_unavailable(void **state)
{
    struct api_stage *stage = *state;
    struct buf json = {0};
    valid_signal(&json, "one");
    buf_add_text(&json, "\n{}\n");
    fake_store_set(&stage->stage.store, &stage->stage.store.failing, true);
    assert_int_equal(PERFORM(stage, .path = "/batch", .content_type = LINES, .body = json.data).status, 503);
    signals(stage, 0, 0, 0, 0, 2);
    rejected(stage, 0, 0, 0, 0);
    tells(stage, "alpine_receiver_ready", 0);
    tells(stage, "alpine_receiver_database_ready", 0);
    tells(stage, "alpine_receiver_commit_signals_count", 0);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/batch\",status=\"503\"}", 1);
    buf_clear(&json);
}

static void every_route_has_its_own_label(void **state)
{
    struct api_stage *stage = *state;
    static const char *const paths[] = {"/health", "/livez", "/readyz", "/metrics",
                                        "/api/v1/external-signals/sync/health"};
    char series[256];
    for (size_t i = 0; i < COUNT(paths); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "/%s", paths[i]);
        (void)snprintf(series, sizeof series, "alpine_receiver_http_requests_total{route=\"%s\",status=\"405\"}",
                       paths[i]);
        tells(stage, series, -1);
        assert_int_equal(PERFORM(stage, .method = "PUT", .path = path).status, 405);
        tells(stage, series, 1);
    }
    assert_int_equal(PERFORM(stage, .method = "GET", .path = "//some/id-4711").status, 404);
    tells(stage, "alpine_receiver_http_requests_total{route=\"other\",status=\"404\"}", 1);
}

static void refusals_are_counted_by_status(void **state)
{
    struct api_stage *stage = *state;
    struct request cut_off = {0};
    tells(stage, "alpine_receiver_unauthorized_requests_total", 0);
    assert_int_equal(PERFORM(stage, .path = "/signal", .key = "wrong").status, 401);
    assert_int_equal(PERFORM(stage, .path = "/batch", .key = "").status, 401);
    assert_int_equal(PERFORM(stage, .path = "/signal", .content_type = "text/plain").status, 415);
    assert_int_equal(PERFORM(stage, .path = "/signal", .content_length = 1000000).status, 413);
    stage->service.refuse(stage->service.self, &cut_off, 408); /* its headers never came in */
    buf_clear(&cut_off.response.body);
    tells(stage, "alpine_receiver_unauthorized_requests_total", 2);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"401\"}", 1);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"415\"}", 1);
    tells(stage, "alpine_receiver_http_requests_total{route=\"" SYNC "/signal\",status=\"413\"}", 1);
    tells(stage, "alpine_receiver_http_requests_total{route=\"other\",status=\"408\"}", 1);
    tells(stage, "alpine_receiver_request_duration_seconds_count{route=\"other\"}", 0);
}

static void a_signal_from_the_future_has_no_negative_latency(void **state)
{
    struct api_stage *stage = *state;
    struct submission_entry entries[3] = {
        {.row.verdict = STORE_STORED}, {.row.verdict = STORE_STORED}, {.row.verdict = STORE_STORED}};
    const struct submission submission = {.entries = entries, .count = 3, .outcome = SUBMISSION_COMMITTED};
    entries[0].signal.timestamp_us = clock_wall_us() + 3600 * 1000000LL;
    entries[1].signal.timestamp_us = clock_wall_us() - 200 * 1000000LL;
    entries[2].signal.timestamp_us = clock_wall_us() - 20 * 1000000LL;
    receiver_metrics_submission(stage->metrics, &submission);
    tells(stage, "alpine_receiver_signals_from_the_future_total", 1);
    tells(stage, "alpine_receiver_delivery_latency_seconds_bucket{le=\"0.005\"}", 1);
    tells(stage, "alpine_receiver_delivery_latency_seconds_bucket{le=\"60\"}", 2);
    tells(stage, "alpine_receiver_delivery_latency_seconds_bucket{le=\"300\"}", 3);
    double sum = told(stage, "alpine_receiver_delivery_latency_seconds_sum");
    assert_true(sum >= 220 && sum < 280);
}

static void errors_of_the_database_go_by_their_class(void **state)
{
    struct api_stage *stage = *state;
    static const struct {
        const char *sqlstate;
        const char *series;
    } cases[] = {
        {"", "alpine_receiver_database_errors_total{class=\"connection\"}"},
        {"23514", "alpine_receiver_database_errors_total{class=\"23\"}"},
        {"40P01", "alpine_receiver_database_errors_total{class=\"40\"}"},
        {"XX000", "alpine_receiver_database_errors_total{class=\"XX\"}"},
        {"0A000", "alpine_receiver_database_errors_total{class=\"0A\"}"},
        {"ZZ123", "alpine_receiver_database_errors_total{class=\"other\"}"},
        {"co", "alpine_receiver_database_errors_total{class=\"other\"}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double before = told(stage, cases[i].series);
        receiver_metrics_database_error(stage->metrics, cases[i].sqlstate);
        tells(stage, cases[i].series, before + 1);
    }
}

static void the_state_is_that_of_the_moment(void **state)
{
    struct api_stage *stage = *state;
    tells(stage, "alpine_receiver_ready", 1);
    tells(stage, "alpine_receiver_database_ready", 1);
    tells(stage, "alpine_receiver_database_connects_total", 1);
    tells(stage, "alpine_receiver_queue_signals", 0);
    tells(stage, "alpine_receiver_http_connections", 0);
    stage->service.connection(stage->service.self, 1);
    stage->service.connection(stage->service.self, 1);
    stage->service.connection(stage->service.self, -1);
    tells(stage, "alpine_receiver_http_connections", 1);
    api_drain(stage->api);
    tells(stage, "alpine_receiver_ready", 0);
    tells(stage, "alpine_receiver_database_ready", 1);
}

static void what_waits_is_in_the_queue(void **state)
{
    struct api_stage *stage = *state;
    struct fake_store *store = &stage->stage.store;
    struct request *requests[2];
    struct buf bodies[2] = {{0}, {0}};
    fake_store_set(store, &store->gate_closed, true);
    for (int i = 0; i < 2; i++) {
        valid_signal(&bodies[i], i ? "second" : "first");
        requests[i] = begin_pending(stage, &(struct ask){.path = "/signal", .body = bodies[i].data});
        if (!i)
            fake_store_wait(store, &store->waiting, 1); /* the first one is on its way */
    }
    tells(stage, "alpine_receiver_queue_signals", 1);
    fake_store_set(store, &store->gate_closed, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(end_pending(stage, requests[i]).status, 201);
        buf_clear(&bodies[i]);
    }
    tells(stage, "alpine_receiver_queue_signals", 0);
    tells(stage, "alpine_receiver_commit_signals_count", 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_stage_start, api_stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(single_signals),
        TEST(dry_runs_are_no_signals),
        TEST(a_batch_counts_each_of_its_signals),
        TEST(what_cannot_be_stored_is_unavailable),
        TEST(every_route_has_its_own_label),
        TEST(refusals_are_counted_by_status),
        TEST(a_signal_from_the_future_has_no_negative_latency),
        TEST(errors_of_the_database_go_by_their_class),
        TEST(the_state_is_that_of_the_moment),
        TEST(what_waits_is_in_the_queue),
    };
    return cmocka_run_group_tests_name("receiver_metrics", tests, NULL, NULL);
}
