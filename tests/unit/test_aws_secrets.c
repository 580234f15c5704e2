/* aws/secrets: what is asked, what is kept and for how long. The calls of aws_http_call come here (--wrap). */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "aws/http.h"
#include "aws/secrets.h"
#include "base/clock.h"
#include "fake_clock.h"

#define SETTING "ARGO_API_KEY"
#define SECRET  "argo-alpine/argo/argo-api-key"

/* The next answer, and what came in. */
static struct far_end {
    enum outcome outcome;
    int status;
    const char *text;
    int64_t takes_ns;
    size_t calls;
    bool direct;
    char method[8];
    char url[256];
    char body[256];
    char region[64];
} far_end;

enum outcome __wrap_aws_http_call(struct aws_http *http, const struct aws_http_request *request, int *status,
                                  struct buf *answer, struct err *err);
enum outcome __wrap_aws_http_call(struct aws_http *http, const struct aws_http_request *request, int *status,
                                  struct buf *answer, struct err *err)
{
    (void)http;
    far_end.calls++;
    far_end.direct = request->direct;
    (void)strcpy(far_end.method, request->method);
    (void)strcpy(far_end.url, request->url);
    if (request->body)
        (void)strcpy(far_end.body, request->body);
    if (request->signing)
        (void)strcpy(far_end.region, request->signing->region);
    int64_t left = request->deadline_ns - clock_monotonic_ns();
    int64_t taken = far_end.takes_ns < left ? far_end.takes_ns : left;
    fake_clock_advance(taken > 0 ? taken : 0);
    if (far_end.takes_ns > left) {
        (void)err_set(err, "no time is left");
        return OUTCOME_AGAIN;
    }
    if (far_end.outcome != OUTCOME_DONE) {
        (void)err_set(err, "as the test says");
        return far_end.outcome;
    }
    *status = far_end.status;
    buf_add_text(answer, quoted(far_end.text));
    return OUTCOME_DONE;
}

struct reader {
    struct aws_secrets *secrets;
    const struct secret_source *source;
    struct arena arena;
    struct secret_found found;
    struct err err;
};

static int start(void **state)
{
    struct reader *reader = calloc(1, sizeof *reader);
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "AKID", 1) || setenv("AWS_SECRET_ACCESS_KEY", "s", 1) ||
                         setenv("AWS_REGION", "eu-test-1", 1),
                     0);
    reader->secrets = aws_secrets_new();
    reader->source = aws_secrets_source(reader->secrets);
    far_end = (struct far_end){.outcome = OUTCOME_DONE, .status = 200, .text = "{'SecretString': 'one'}"};
    fake_clock_freeze();
    *state = reader;
    return 0;
}

static int finish(void **state)
{
    struct reader *reader = *state;
    aws_secrets_free(reader->secrets);
    arena_wipe(&reader->arena);
    free(reader);
    return 0;
}

static enum outcome get(struct reader *reader, const char *secret)
{
    const struct secret_query query = {secret, SETTING, &reader->arena};
    reader->err = (struct err){0};
    return reader->source->ops->get(reader->source->self, &query, &reader->found, &reader->err);
}

/* A read of one setting. */
static enum outcome read_once(struct reader *reader)
{
    reader->source->ops->begin(reader->source->self);
    enum outcome outcome = get(reader, SECRET);
    reader->source->ops->end(reader->source->self);
    return outcome;
}

static void has(struct reader *reader, const char *value, bool cached)
{
    assert_int_equal(read_once(reader), OUTCOME_DONE);
    assert_string_equal(reader->found.value, value);
    assert_int_equal(reader->found.cached, cached);
}

static void it_asks_the_regions_endpoint_for_the_name(void **state)
{
    has(*state, "one", false);
    assert_int_equal(far_end.calls, 1);
    assert_string_equal(far_end.body, "{\"SecretId\":\"" SECRET "\"}");
    assert_string_equal(far_end.region, "eu-test-1");
    assert_string_equal(far_end.method, "POST");
    assert_string_equal(far_end.url, "https://secretsmanager.eu-test-1.amazonaws.com/");
    assert_int_equal(setenv("AWS_REGION", "cn-north-1", 1), 0);
    fake_clock_advance(301 * NS_PER_S);
    has(*state, "one", false);
    assert_string_equal(far_end.region, "cn-north-1");
    assert_string_equal(far_end.url, "https://secretsmanager.cn-north-1.amazonaws.com.cn/");
}

static void a_value_is_kept_for_five_minutes(void **state)
{
    has(*state, "one", false);
    far_end.text = "{'SecretString': 'two'}";
    fake_clock_advance(299 * NS_PER_S);
    has(*state, "one", true);
    assert_int_equal(far_end.calls, 1);
    fake_clock_advance(1 * NS_PER_S);
    has(*state, "two", false);
    assert_int_equal(far_end.calls, 2);
    fake_clock_advance(299 * NS_PER_S);
    has(*state, "two", true);
}

static void what_is_not_there_is_asked_for_again(void **state)
{
    struct reader *reader = *state;
    far_end.status = 400;
    far_end.text = "{'__type': 'ResourceNotFoundException'}";
    assert_int_equal(read_once(reader), OUTCOME_DONE);
    assert_null(reader->found.value);
    assert_non_null(strstr(reader->err.message, "no such secret"));
    far_end.status = 200;
    far_end.text = "{'SecretString': 'one'}";
    has(reader, "one", false);
}

static void what_cannot_be_used_is_not_kept(void **state)
{
    far_end.text = "{'SecretString': '{broken'}";
    assert_int_equal(read_once(*state), OUTCOME_NEVER);
    far_end.text = "{'SecretString': 'one'}";
    has(*state, "one", false);
}

/* At the start another place may have the value. Later the process would change over to it by chance. */
static void who_had_a_value_keeps_to_this_place(void **state)
{
    far_end.outcome = OUTCOME_AGAIN;
    assert_int_equal(read_once(*state), OUTCOME_AGAIN);
    far_end.outcome = OUTCOME_DONE;
    has(*state, "one", false);
    fake_clock_advance(300 * NS_PER_S);
    far_end.outcome = OUTCOME_AGAIN;
    assert_int_equal(read_once(*state), OUTCOME_NEVER);
    far_end.outcome = OUTCOME_HOLD;
    assert_int_equal(read_once(*state), OUTCOME_NEVER);
    far_end.outcome = OUTCOME_DONE;
    far_end.status = 400;
    far_end.text = "{'__type': 'ResourceNotFoundException'}";
    assert_int_equal(read_once(*state), OUTCOME_DONE); /* deleted: somebody wants it so */
}

static void all_of_a_read_has_three_seconds(void **state)
{
    struct reader *reader = *state;
    far_end.takes_ns = 3600 * NS_PER_S;
    int64_t before = clock_monotonic_ns();
    reader->source->ops->begin(reader->source->self);
    assert_int_equal(get(reader, SECRET), OUTCOME_AGAIN);
    assert_int_equal(get(reader, "another"), OUTCOME_AGAIN);
    assert_int_equal(get(reader, "a third"), OUTCOME_AGAIN);
    reader->source->ops->end(reader->source->self);
    assert_int_equal(clock_monotonic_ns() - before, 3 * NS_PER_S);
    far_end.takes_ns = 0;
    has(reader, "one", false); /* the next read has its own */
}

static void the_credentials_are_looked_for_once_a_read(void **state)
{
    struct reader *reader = *state;
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("AWS_REGION", "eu-test-1", 1), 0); /* so the instance is asked */
    far_end.outcome = OUTCOME_AGAIN;
    reader->source->ops->begin(reader->source->self);
    assert_int_equal(get(reader, SECRET), OUTCOME_AGAIN);
    assert_int_equal(get(reader, "another"), OUTCOME_AGAIN);
    reader->source->ops->end(reader->source->self);
    assert_int_equal(far_end.calls, 1);
    assert_true(far_end.direct);
}

static void without_aws_nothing_is_asked(void **state)
{
    struct reader *reader = *state;
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    assert_int_equal(read_once(reader), OUTCOME_DONE);
    assert_null(reader->found.value);
    assert_string_equal(reader->err.message, "");
    assert_int_equal(far_end.calls, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_asks_the_regions_endpoint_for_the_name),  TEST(a_value_is_kept_for_five_minutes),
        TEST(what_is_not_there_is_asked_for_again),       TEST(what_cannot_be_used_is_not_kept),
        TEST(who_had_a_value_keeps_to_this_place),        TEST(all_of_a_read_has_three_seconds),
        TEST(the_credentials_are_looked_for_once_a_read), TEST(without_aws_nothing_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
