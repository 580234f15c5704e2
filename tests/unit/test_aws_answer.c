/* aws/answer: what Secrets Manager says, and what becomes of it. */
#include "support.h"

#include <string.h>

#include "aws/answer.h"

static enum outcome outcome_of(int status, const char *text, const char **secret, struct err *err)
{
    static char kept[128];
    struct buf buf = {0};
    const char *json = quoted(text);
    *err = (struct err){0};
    enum outcome outcome = aws_answer_secret(status, json, strlen(json), &buf, err);
    *secret = buf.data ? strcpy(kept, buf.data) : NULL;
    buf_clear(&buf);
    return outcome;
}

static void says(int status, const char *text, enum outcome outcome, const char *message)
{
    struct err err;
    const char *secret;
    assert_int_equal(outcome_of(status, text, &secret, &err), outcome);
    assert_null(secret);
    if (!strstr(err.message, message) || strstr(err.message, "hidden"))
        fail_msg("%s: %s", text, err.message);
}

static void a_secret_is_taken(void **state)
{
    (void)state;
    struct err err;
    const char *secret;
    assert_int_equal(outcome_of(200, "{'Name': 'n', 'SecretString': 'the text'}", &secret, &err), OUTCOME_DONE);
    assert_string_equal(secret, "the text");
    assert_int_equal(outcome_of(200, "{'SecretString': ''}", &secret, &err), OUTCOME_DONE);
    assert_string_equal(secret, "");
}

static void one_that_does_not_exist_is_no_failure(void **state)
{
    (void)state;
    says(400, "{'__type': 'ResourceNotFoundException', 'Message': 'hidden'}", OUTCOME_DONE, "no such secret");
    says(400, "{'__type': 'com.amazonaws.x#ResourceNotFoundException'}", OUTCOME_DONE, "no such secret");
}

static void a_refusal_says_what_to_do(void **state)
{
    (void)state;
    says(400, "{'__type': 'AccessDeniedException', 'Message': 'hidden'}", OUTCOME_HOLD, "GetSecretValue");
    says(400, "{'__type': 'InvalidSignatureException', 'message': 'hidden'}", OUTCOME_HOLD, "clock");
    says(403, "{'__type': 'SomethingNewException', 'message': 'hidden'}", OUTCOME_HOLD, "SomethingNewException");
    says(400, "{'__type': 'a name\\nwith hidden things'}", OUTCOME_HOLD, "the answer was 400");
    says(400, "{'__type': 5}", OUTCOME_HOLD, "the answer was 400");
}

static void what_passes_is_told_apart(void **state)
{
    (void)state;
    says(400, "{'__type': 'ThrottlingException'}", OUTCOME_AGAIN, "too many");
    says(500, "{'__type': 'InternalServiceError'}", OUTCOME_AGAIN, "Amazon");
    says(503, "<html>hidden</html>", OUTCOME_AGAIN, "503");
    says(429, "{}", OUTCOME_AGAIN, "429");
}

static void what_is_no_answer_of_aws_is_not_believed(void **state)
{
    (void)state;
    says(200, "<html>hidden</html>", OUTCOME_HOLD, "no JSON");
    says(200, "['hidden']", OUTCOME_HOLD, "no JSON");
    says(200, "{'ok': true}", OUTCOME_HOLD, "SecretString");
    says(200, "{'SecretString': 5}", OUTCOME_HOLD, "SecretString");
    says(200, "{'SecretBinary': 'hidden'}", OUTCOME_NEVER, "binary");
    says(301, "", OUTCOME_HOLD, "301");
    says(201, "{'SecretString': 'hidden'}", OUTCOME_HOLD, "201");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_taken),
        cmocka_unit_test(one_that_does_not_exist_is_no_failure),
        cmocka_unit_test(a_refusal_says_what_to_do),
        cmocka_unit_test(what_passes_is_told_apart),
        cmocka_unit_test(what_is_no_answer_of_aws_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
