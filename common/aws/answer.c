/* answer: a table of AWS's errors. Their messages are not repeated: those about signatures quote the request. */
#include "aws/answer.h"

#include <stdbool.h>
#include <string.h>

#include "base/json_doc.h"

static const struct {
    const char *name;
    enum outcome outcome;
    const char *advice;
} errors[] = {
    {"ResourceNotFoundException", OUTCOME_DONE, "there is no such secret in this account and region"},
    {"AccessDeniedException", OUTCOME_HOLD,
     "allow this identity secretsmanager:GetSecretValue for it, and kms:Decrypt for its key"},
    {"UnrecognizedClientException", OUTCOME_HOLD, "the access key or the session token is not valid"},
    {"InvalidSignatureException", OUTCOME_HOLD, "the secret access key or this host's clock is wrong"},
    {"SignatureDoesNotMatch", OUTCOME_HOLD, "the secret access key or this host's clock is wrong"},
    {"RequestExpired", OUTCOME_HOLD, "this host's clock is wrong"},
    {"ExpiredTokenException", OUTCOME_HOLD, "the session token has expired"},
    {"ExpiredToken", OUTCOME_HOLD, "the session token has expired"},
    {"DecryptionFailure", OUTCOME_HOLD, "its key cannot be used: look at the key in KMS"},
    {"InvalidRequestException", OUTCOME_HOLD, "it may be marked for deletion: look at it in the console"},
    {"ThrottlingException", OUTCOME_AGAIN, "too many requests"},
    {"RequestLimitExceeded", OUTCOME_AGAIN, "too many requests"},
    {"InternalServiceError", OUTCOME_AGAIN, "an error at Amazon's end"},
    {"InternalServiceErrorException", OUTCOME_AGAIN, "an error at Amazon's end"},
};

static const char *text_of(const struct json_value *object, const char *name, size_t *len)
{
    const struct json_value *value = json_value_member(object, name);
    return value && json_value_kind(value) == JSON_KIND_STRING ? json_value_text(value, len) : NULL;
}

/* "com.amazonaws.secretsmanager#AccessDeniedException" is the same as without the part before the '#'. */
static const char *error_name(const struct json_value *object)
{
    size_t len;
    const char *type = text_of(object, "__type", &len);
    const char *hash = type ? strrchr(type, '#') : NULL;
    const char *name = hash ? hash + 1 : type;
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    return name && *name && strlen(name) <= 64 && !name[strspn(name, letters)] ? name : NULL;
}

static enum outcome refused(int status, const struct json_value *object, struct err *err)
{
    const char *name = error_name(object);
    for (size_t i = 0; name && i < sizeof errors / sizeof *errors; i++)
        if (!strcmp(errors[i].name, name)) {
            err_set(err, "%s: %s", name, errors[i].advice);
            return errors[i].outcome;
        }
    err_set(err, "the answer was %d%s%s", status, name ? " " : "", name ? name : "");
    return status >= 500 || status == 429 || status == 408 ? OUTCOME_AGAIN : OUTCOME_HOLD;
}

static enum outcome taken(const struct json_value *object, struct buf *secret, struct err *err)
{
    size_t len;
    const char *text = text_of(object, "SecretString", &len);
    if (!text) {
        err_set(err, "%s",
                json_value_member(object, "SecretBinary")
                    ? "the secret is binary: store it as text"
                    : "the answer has no SecretString: is this AWS Secrets Manager?");
        return json_value_member(object, "SecretBinary") ? OUTCOME_NEVER : OUTCOME_HOLD;
    }
    buf_add(secret, text, len);
    if (!secret->failed)
        return OUTCOME_DONE;
    err_set(err, "out of memory");
    return OUTCOME_AGAIN;
}

enum outcome aws_answer_secret(int status, const char *text, size_t len, struct buf *secret, struct err *err)
{
    struct json_doc *doc = json_doc_parse(text, len, NULL);
    const struct json_value *root = doc ? json_doc_root(doc) : NULL;
    bool object = root && json_value_kind(root) == JSON_KIND_OBJECT;
    enum outcome outcome;
    if (!object) {
        err_set(err, "the answer was %d, and is no JSON object", status);
        outcome = status >= 500 || status == 429 ? OUTCOME_AGAIN : OUTCOME_HOLD;
    } else if (status == 200) {
        outcome = taken(root, secret, err);
    } else {
        outcome = refused(status, root, err);
    }
    json_doc_wipe(doc);
    json_doc_free(doc);
    return outcome;
}
