/* secrets: GetSecretValue, and what was got within the last minutes. */
#include "aws/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/answer.h"
#include "aws/credentials.h"
#include "aws/http.h"
#include "aws/secret_text.h"
#include "aws/setup.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json_text.h"

#define READ_LIMIT_NS (3 * NS_PER_S)
#define KEPT_NS       (300 * NS_PER_S)

/* A secret has up to 65,536 bytes; JSON may write each of them with six. */
enum { ANSWER_MAX = 524288 };

struct kept {
    struct kept *next;
    char *name;
    struct buf text;
    int64_t at_ns;
};

struct aws_secrets {
    struct secret_source source;
    struct kept *kept;
    /* of one read: */
    int64_t deadline_ns;
    struct arena arena;
    struct aws_http *http;
    bool looked; /* setup, credentials, outcome and err are known */
    struct aws_setup setup;
    struct aws_credentials credentials;
    enum outcome outcome;
    struct err err;
};

/* --- what is kept ------------------------------------------------------------------------------------------ */

static struct kept *find_kept(const struct aws_secrets *secrets, const char *name)
{
    struct kept *kept = secrets->kept;
    while (kept && strcmp(kept->name, name) != 0)
        kept = kept->next;
    return kept;
}

static void free_kept(struct kept *kept)
{
    aws_http_wipe(&kept->text);
    free(kept->name);
    free(kept);
}

/* NULL is fine. */
static void forget(struct aws_secrets *secrets, struct kept *kept)
{
    struct kept **at = &secrets->kept;
    while (*at && *at != kept)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = kept->next;
    free_kept(kept);
}

/* Takes the text over in every case. */
static struct kept *keep(struct aws_secrets *secrets, const char *name, struct buf *text)
{
    struct kept *kept = find_kept(secrets, name);
    if (kept) {
        aws_http_wipe(&kept->text);
    } else {
        kept = calloc(1, sizeof *kept);
        char *copy = kept ? strdup(name) : NULL;
        if (!copy) {
            free(kept);
            aws_http_wipe(text);
            return NULL;
        }
        kept->name = copy;
        kept->next = secrets->kept;
        secrets->kept = kept;
    }
    kept->text = *text;
    kept->at_ns = clock_monotonic_ns();
    *text = (struct buf){0};
    return kept;
}

/* --- asking ------------------------------------------------------------------------------------------------ */

/* Once a read: the files and the metadata may have changed since the last one. */
static void look(struct aws_secrets *secrets)
{
    secrets->looked = true;
    secrets->outcome = OUTCOME_HOLD;
    if (aws_setup_read(&secrets->setup, AWS_MACHINE_DIRECTORY, &secrets->arena, &secrets->err))
        return;
    secrets->outcome = OUTCOME_DONE;
    if (!secrets->setup.configured)
        return;
    secrets->http = aws_http_new();
    if (!secrets->http) {
        err_set(&secrets->err, "out of memory");
        secrets->outcome = OUTCOME_AGAIN;
        return;
    }
    struct aws_metadata metadata = {secrets->http, &secrets->setup, secrets->deadline_ns, &secrets->arena};
    secrets->outcome = aws_credentials_find(&metadata, &secrets->credentials, &secrets->err);
}

static enum outcome ask(struct aws_secrets *secrets, const char *name, struct buf *text, struct err *err)
{
    const struct aws_credentials *credentials = &secrets->credentials;
    struct aws_signing signing = {credentials->keys.access_key, credentials->keys.secret_key,
                                  credentials->keys.session_token, credentials->region, "secretsmanager"};
    struct buf body = {0}, answer = {0};
    struct err reason = {0};
    int status = 0;
    buf_add_char(&body, '{');
    json_text_member_cstring(&body, "SecretId", name);
    buf_add_char(&body, '}');
    struct aws_http_request request = {
        .method = "POST",
        .url = credentials->endpoint,
        .headers = {"Content-Type: application/x-amz-json-1.1", "X-Amz-Target: secretsmanager.GetSecretValue"},
        .body = body.failed ? "" : body.data,
        .signing = &signing,
        .ca_file = secrets->setup.ca_file,
        .deadline_ns = secrets->deadline_ns,
        .answer_max = ANSWER_MAX,
    };
    enum outcome outcome = aws_http_call(secrets->http, &request, &status, &answer, &reason);
    if (outcome != OUTCOME_DONE)
        err_set(err, "%.100s does not answer: %s", credentials->endpoint, reason.message);
    else
        outcome = aws_answer_secret(status, answer.data ? answer.data : "", answer.len, text, err);
    aws_http_wipe(&answer);
    buf_clear(&body);
    return outcome;
}

/* Fills *kept if there is such a secret. */
static enum outcome fetch(struct aws_secrets *secrets, const char *name, struct kept **kept, struct err *err)
{
    struct buf text = {0};
    if (!secrets->looked)
        look(secrets);
    if (secrets->outcome != OUTCOME_DONE || !secrets->credentials.keys.access_key) {
        *err = secrets->err;
        return secrets->outcome;
    }
    enum outcome outcome = ask(secrets, name, &text, err);
    if (outcome != OUTCOME_DONE || !text.data) {
        aws_http_wipe(&text);
        return outcome;
    }
    *kept = keep(secrets, name, &text);
    if (*kept)
        return OUTCOME_DONE;
    err_set(err, "out of memory");
    return OUTCOME_AGAIN;
}

/* A process that has its value from here does not change over to another place because AWS is away just now. */
static enum outcome worse(const struct kept *before, enum outcome outcome)
{
    return before && (outcome == OUTCOME_AGAIN || outcome == OUTCOME_HOLD) ? OUTCOME_NEVER : outcome;
}

static enum outcome get(void *self, const struct secret_query *query, struct secret_found *found, struct err *err)
{
    struct aws_secrets *secrets = self;
    struct kept *before = find_kept(secrets, query->secret_name);
    struct kept *kept = before;
    *found = (struct secret_found){0};
    if (kept && clock_monotonic_ns() - kept->at_ns < KEPT_NS) {
        found->cached = true;
    } else {
        kept = NULL;
        enum outcome outcome = fetch(secrets, query->secret_name, &kept, err);
        if (outcome != OUTCOME_DONE)
            return worse(before, outcome);
    }
    if (!kept) { /* there is none, or none any more */
        forget(secrets, before);
        return OUTCOME_DONE;
    }
    if (aws_secret_text_value(kept->text.data, kept->text.len, query->setting_name, query->secret_name,
                              query->arena, &found->value, err)) {
        forget(secrets, kept); /* somebody will mend it, and ask again */
        return OUTCOME_NEVER;
    }
    return OUTCOME_DONE;
}

/* --- a read ------------------------------------------------------------------------------------------------ */

static void end(void *self)
{
    struct aws_secrets *secrets = self;
    aws_http_free(secrets->http);
    secrets->http = NULL;
    secrets->looked = false;
    secrets->setup = (struct aws_setup){0};
    secrets->credentials = (struct aws_credentials){0};
    err_clear(&secrets->err);
    arena_wipe(&secrets->arena);
}

static void begin(void *self)
{
    struct aws_secrets *secrets = self;
    end(secrets);
    secrets->deadline_ns = clock_monotonic_ns() + READ_LIMIT_NS;
}

static const struct secret_source_ops ops = {.begin = begin, .get = get, .end = end};

struct aws_secrets *aws_secrets_new(void)
{
    struct aws_secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets)
        secrets->source = (struct secret_source){&ops, secrets, "AWS Secrets Manager"};
    return secrets;
}

void aws_secrets_free(struct aws_secrets *secrets)
{
    if (!secrets)
        return;
    end(secrets);
    while (secrets->kept) {
        struct kept *kept = secrets->kept;
        secrets->kept = kept->next;
        free_kept(kept);
    }
    free(secrets);
}

const struct secret_source *aws_secrets_source(const struct aws_secrets *secrets)
{
    return &secrets->source;
}
