/* aws/secret_text: plain values and JSON ones. */
#include "support.h"

#include <string.h>

#include "aws/secret_text.h"

#define SETTING "ARGO_API_KEY"
#define SECRET  "argo-alpine/argo/argo-api-key"

/* The value of a text, with ' for "; NULL and the error if there is none. */
static const char *value_of(const char *text, struct err *err)
{
    static char kept[256];
    struct arena arena = {0};
    const char *value;
    const char *json = quoted(text);
    int failed = aws_secret_text_value(json, strlen(json), SETTING, SECRET, &arena, &value, err);
    if (!failed)
        (void)strcpy(kept, value);
    arena_clear(&arena);
    return failed ? NULL : kept;
}

static void is(const char *text, const char *expected)
{
    struct err err = {0};
    const char *value = value_of(text, &err);
    if (!value)
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(value, expected);
}

static void is_refused(const char *text, const char *reason)
{
    struct err err = {0};
    assert_null(value_of(text, &err));
    if (!strstr(err.message, reason))
        fail_msg("%s: %s", text, err.message);
    assert_null(strstr(err.message, "s3cret"));
}

static void a_plain_text_is_the_value(void **state)
{
    (void)state;
    is("s3cret", "s3cret");
    is("s3cret\n", "s3cret");
    is("s3cret\r\n", "s3cret");
    is(" s3cret ", " s3cret ");
    is("['s3cret']", "[\"s3cret\"]");
    is_refused("", "empty");
    is_refused("\n", "empty");
}

static void the_member_of_the_settings_name_comes_first(void **state)
{
    (void)state;
    is("{'argo-api-key': 'b', 'ARGO_API_KEY': 'a', 'x': 'c'}", "a");
    is("{'x': 'c', 'argo_api_key': 'a'}", "a");
    is("{'Argo-Api-Key': 'a', 'number': 5}", "a");
}

static void then_the_only_string(void **state)
{
    (void)state;
    is("{'value': 'a'}", "a");
    is("{'value': 'a', 'rotated': true, 'count': 3, 'more': {'b': 'c'}}", "a");
}

static void what_is_ambiguous_is_refused(void **state)
{
    (void)state;
    is_refused("{'user': 's3cret', 'password': 's3cret'}", "without a member " SETTING);
    is_refused("{}", "without a member " SETTING);
    is_refused("{'ARGO_API_KEY': 5, 'value': 's3cret'}", "must be a string");
    is_refused("{'ARGO_API_KEY': '', 'value': 's3cret'}", "empty");
}

static void json_that_is_broken_is_refused(void **state)
{
    (void)state;
    is_refused("{'ARGO_API_KEY': 's3cret'", "not valid JSON");
    is_refused("{s3cret}", "not valid JSON");
    is_refused("{'ARGO_API_KEY': 's3cret', 'ARGO_API_KEY': 's3cret'}", "not valid JSON");
    is_refused("{'a': 's3cret'} {", "not valid JSON");
}

static void the_last_part_of_the_secrets_name_is_a_name_too(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct err err = {0};
    const char *value;
    const char *text = quoted("{'user': 'b', 'argo_api_key': 'a'}");
    assert_int_equal(aws_secret_text_value(text, strlen(text), "EXTERNAL_SIGNAL_API_KEY",
                                           "argo-alpine/alpine-backend/argo-api-key", &arena, &value, &err),
                     0);
    assert_string_equal(value, "a");
    arena_clear(&arena);
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct err err = {0};
    const char *value;
    assert_int_equal(aws_secret_text_value("a\0b", 3, SETTING, SECRET, &arena, &value, &err), -1);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_text_is_the_value),
        cmocka_unit_test(the_member_of_the_settings_name_comes_first),
        cmocka_unit_test(then_the_only_string),
        cmocka_unit_test(what_is_ambiguous_is_refused),
        cmocka_unit_test(json_that_is_broken_is_refused),
        cmocka_unit_test(the_last_part_of_the_secrets_name_is_a_name_too),
        cmocka_unit_test(a_nul_byte_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
