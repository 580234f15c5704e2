/* metadata: version 2 of the instance metadata only, which wants a token first: whoever can be made to fetch an
 * address, but not to send a PUT, gets nothing there. */
#include "aws/metadata.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json_doc.h"

/* These servers are on this host or one hop away; the rest of the time is for AWS itself. */
#define CALL_LIMIT_NS (1 * NS_PER_S)

enum { ANSWER_MAX = 65536, URL_SIZE = 2048, HEADER_SIZE = 20480 };

static enum outcome call(const struct aws_metadata *metadata, const char *method, const char *url,
                         const char *header, int *status, struct buf *answer, struct err *err)
{
    int64_t limit = clock_monotonic_ns() + CALL_LIMIT_NS;
    struct err reason = {0};
    struct aws_http_request request = {
        .method = method,
        .url = url,
        .headers = {header},
        .ca_file = metadata->setup->ca_file,
        .direct = true,
        .deadline_ns = limit < metadata->deadline_ns ? limit : metadata->deadline_ns,
        .answer_max = ANSWER_MAX,
    };
    enum outcome outcome = aws_http_call(metadata->http, &request, status, answer, &reason);
    if (outcome != OUTCOME_DONE)
        err_set(err, "%.200s: %s", url, reason.message);
    return outcome;
}

static enum outcome bad_status(const char *url, int status, struct err *err)
{
    err_set(err, "%.200s answered %d", url, status);
    return status >= 500 || status == 429 ? OUTCOME_AGAIN : OUTCOME_HOLD;
}

/* --- credentials as JSON ----------------------------------------------------------------------------------- */

static const char *member(const struct json_value *object, const char *name, struct arena *arena)
{
    const struct json_value *value = json_value_member(object, name);
    size_t len;
    if (!value || json_value_kind(value) != JSON_KIND_STRING)
        return NULL;
    const char *text = json_value_text(value, &len);
    return len ? arena_copy(arena, text, len) : NULL;
}

static enum outcome read_keys(const char *url, const struct buf *answer, struct arena *arena, struct aws_keys *keys,
                              struct err *err)
{
    struct json_doc *doc = json_doc_parse(answer->data ? answer->data : "", answer->len, NULL);
    *keys = (struct aws_keys){0};
    if (doc) {
        const struct json_value *root = json_doc_root(doc);
        keys->access_key = member(root, "AccessKeyId", arena);
        keys->secret_key = member(root, "SecretAccessKey", arena);
        keys->session_token = member(root, "Token", arena);
    }
    json_doc_wipe(doc);
    json_doc_free(doc);
    if (keys->access_key && keys->secret_key)
        return OUTCOME_DONE;
    err_set(err, "%.200s answered without AccessKeyId and SecretAccessKey", url);
    return OUTCOME_HOLD;
}

static enum outcome get_keys(const struct aws_metadata *metadata, const char *url, const char *header,
                             struct aws_keys *keys, struct err *err)
{
    struct buf answer = {0};
    int status = 0;
    enum outcome outcome = call(metadata, "GET", url, header, &status, &answer, err);
    if (outcome == OUTCOME_DONE && status != 200)
        outcome = bad_status(url, status, err);
    else if (outcome == OUTCOME_DONE)
        outcome = read_keys(url, &answer, metadata->arena, keys, err);
    aws_http_wipe(&answer);
    return outcome;
}

enum outcome aws_metadata_container(const struct aws_metadata *metadata, struct aws_keys *keys, struct err *err)
{
    char header[HEADER_SIZE];
    const char *token = metadata->setup->container_token;
    int len = snprintf(header, sizeof header, "Authorization: %s", token ? token : "");
    if (len >= (int)sizeof header) {
        err_set(err, "the container's authorization token is too long");
        return OUTCOME_HOLD;
    }
    enum outcome outcome = get_keys(metadata, metadata->setup->container_url, token ? header : NULL, keys, err);
    digest_wipe(header, sizeof header);
    return outcome;
}

/* --- the instance ------------------------------------------------------------------------------------------ */

static int instance_url(const struct aws_metadata *metadata, const char *path, char url[URL_SIZE], struct err *err)
{
    const char *base = metadata->setup->metadata_url;
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    if (snprintf(url, URL_SIZE, "%.*s/latest/%s", (int)len, base, path) >= URL_SIZE)
        return err_set(err, "the address of the instance metadata is too long");
    return 0;
}

/* One line of text, such as a token or a name. */
static enum outcome get_line(const struct aws_metadata *metadata, const char *method, const char *path,
                             const char *header, int *status, char *line, size_t size, struct err *err)
{
    struct buf answer = {0};
    char url[URL_SIZE];
    *status = 0;
    if (instance_url(metadata, path, url, err))
        return OUTCOME_HOLD;
    enum outcome outcome = call(metadata, method, url, header, status, &answer, err);
    if (outcome != OUTCOME_DONE)
        goto out;
    if (*status != 200) {
        outcome = bad_status(url, *status, err);
        goto out;
    }
    const char *text = answer.data ? answer.data : "";
    size_t len = strcspn(text, "\r\n");
    if (!len || len >= size) {
        err_set(err, "%.200s gave no such line as was expected", url);
        outcome = OUTCOME_HOLD;
        goto out;
    }
    memcpy(line, text, len);
    line[len] = '\0';
out:
    aws_http_wipe(&answer);
    return outcome;
}

struct session {
    char header[1024]; /* with the token, which ends by itself after a minute */
};

static enum outcome open_session(const struct aws_metadata *metadata, struct session *session, struct err *err)
{
    static const char name[] = "X-aws-ec2-metadata-token: ";
    const size_t at = sizeof name - 1;
    int status;
    memcpy(session->header, name, sizeof name);
    return get_line(metadata, "PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60", &status,
                    session->header + at, sizeof session->header - at, err);
}

enum outcome aws_metadata_instance(const struct aws_metadata *metadata, struct aws_keys *keys, bool *no_role,
                                   struct err *err)
{
    static const char folder[] = "meta-data/iam/security-credentials/";
    struct session session;
    char role[128], path[sizeof folder + sizeof role], url[URL_SIZE];
    int status;
    *no_role = false;
    enum outcome outcome = open_session(metadata, &session, err);
    if (outcome == OUTCOME_DONE) {
        outcome = get_line(metadata, "GET", folder, session.header, &status, role, sizeof role, err);
        *no_role = outcome == OUTCOME_HOLD && status == 404;
    }
    if (outcome != OUTCOME_DONE)
        goto out;
    (void)snprintf(path, sizeof path, "%s%s", folder, role);
    outcome =
        instance_url(metadata, path, url, err) ? OUTCOME_HOLD : get_keys(metadata, url, session.header, keys, err);
out:
    digest_wipe(&session, sizeof session);
    return outcome;
}

enum outcome aws_metadata_region(const struct aws_metadata *metadata, const char **region, struct err *err)
{
    struct session session;
    char name[48];
    int status;
    enum outcome outcome = open_session(metadata, &session, err);
    if (outcome == OUTCOME_DONE)
        outcome = get_line(metadata, "GET", "meta-data/placement/region", session.header, &status, name,
                           sizeof name, err);
    digest_wipe(&session, sizeof session);
    if (outcome != OUTCOME_DONE)
        return outcome;
    *region = arena_copy(metadata->arena, name, strlen(name));
    if (*region && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return OUTCOME_DONE;
    err_set(err, "the instance metadata gave no name of a region");
    return OUTCOME_HOLD;
}
