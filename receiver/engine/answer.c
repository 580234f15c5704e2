/* answer: writes what the caller gets to see; never a secret, an SQL text or a trace. */
#include "engine/answer.h"

#include "base/json_text.h"

static const struct {
    int status;
    const char *code;
} errors[] = {
    [ERROR_MALFORMED] = {400, "malformed"},
    [ERROR_HASH_MISMATCH] = {400, "hash_mismatch"},
    [ERROR_UNAUTHORIZED] = {401, "unauthorized"},
    [ERROR_NOT_FOUND] = {404, "not_found"},
    [ERROR_METHOD_NOT_ALLOWED] = {405, "method_not_allowed"},
    [ERROR_TIMEOUT] = {408, "timeout"},
    [ERROR_TOO_LARGE] = {413, "too_large"},
    [ERROR_UNSUPPORTED_MEDIA_TYPE] = {415, "unsupported_media_type"},
    [ERROR_INVALID_FIELD] = {422, "invalid_field"},
    [ERROR_RATE_LIMITED] = {429, "rate_limited"},
    [ERROR_UNAVAILABLE] = {503, "unavailable"},
};

static const char conflict_detail[] = "this signal_id is stored with another hash; the stored signal stays";
static const char refused_detail[] = "the database refuses this signal: a value breaks a rule of Alpine's table";

void answer_error(struct response *response, enum answer_error error, const char *field, const char *detail)
{
    struct buf *body = &response->body;
    buf_reset(body);
    response->status = errors[error].status;
    response->authenticate = error == ERROR_UNAUTHORIZED;
    buf_add_char(body, '{');
    json_text_member_cstring(body, "status", "error");
    json_text_member_cstring(body, "code", errors[error].code);
    json_text_member_cstring(body, "detail", detail);
    if (field)
        json_text_member_cstring(body, "field", field);
    buf_add_char(body, '}');
}

void answer_retry(struct response *response, enum answer_error error, const char *detail, int retry_after_s)
{
    answer_error(response, error, NULL, detail);
    response->retry_after_s = retry_after_s > 0 ? retry_after_s : 1;
}

static void add_external_id(struct buf *body, const struct submission_entry *entry)
{
    size_t len;
    const char *id = signal_text(&entry->signal, FIELD_SIGNAL_ID, &len);
    if (len)
        json_text_member_string(body, "external_signal_id", id, len);
}

static void add_stored(struct buf *body, const struct submission_entry *entry, const char *status,
                       const char *message)
{
    json_text_member_cstring(body, "status", status);
    if (message)
        json_text_member_cstring(body, "message", message);
    if (entry->row.id) {
        json_text_member_integer(body, "signal_id", entry->row.id);
        json_text_member_integer(body, "alpine_signal_id", entry->row.id);
    }
    add_external_id(body, entry);
}

static enum answer_error error_of(enum fault fault)
{
    static const enum answer_error of_fault[] = {
        [FAULT_NONE] = ERROR_INVALID_FIELD,          [FAULT_MALFORMED] = ERROR_MALFORMED,
        [FAULT_INVALID_FIELD] = ERROR_INVALID_FIELD, [FAULT_TOO_LARGE] = ERROR_TOO_LARGE,
        [FAULT_HASH_MISMATCH] = ERROR_HASH_MISMATCH,
    };
    return of_fault[fault];
}

static void answer_stored(struct response *response, const struct submission_entry *entry)
{
    static const struct {
        int status;
        const char *name;
        const char *message;
    } verdicts[] = {
        [STORE_UNKNOWN] = {200, "valid", "Signal is valid; nothing was stored"},
        [STORE_STORED] = {201, "success", "Signal stored successfully"},
        [STORE_DUPLICATE] = {409, "duplicate", "Signal already exists"},
        [STORE_CONFLICT] = {422, "conflict", "Signal conflicts with a stored one"},
    };
    struct buf *body = &response->body;
    buf_reset(body);
    response->status = verdicts[entry->row.verdict].status;
    buf_add_char(body, '{');
    add_stored(body, entry, verdicts[entry->row.verdict].name, verdicts[entry->row.verdict].message);
    if (entry->row.verdict == STORE_CONFLICT) {
        json_text_member_cstring(body, "code", "conflict");
        json_text_member_cstring(body, "detail", conflict_detail);
    }
    buf_add_char(body, '}');
}

void answer_single(struct response *response, const struct submission *submission)
{
    const struct submission_entry *entry = &submission->entries[0];
    if (entry->fault)
        answer_error(response, error_of(entry->fault), entry->field, entry->detail);
    else if (entry->row.verdict == STORE_REFUSED)
        answer_error(response, ERROR_INVALID_FIELD, NULL, refused_detail);
    else
        answer_stored(response, entry);
}

struct totals {
    int64_t stored;
    int64_t duplicates;
    int64_t rejected;
};

static void add_rejected(struct buf *body, const char *code, const char *detail, const char *field)
{
    json_text_member_cstring(body, "status", "rejected");
    json_text_member_cstring(body, "code", code);
    json_text_member_cstring(body, "detail", detail);
    if (field)
        json_text_member_cstring(body, "field", field);
}

static void add_result(struct buf *body, const struct submission_entry *entry, struct totals *totals)
{
    if (entry->fault) {
        totals->rejected++;
        add_rejected(body, fault_code(entry->fault), entry->detail, entry->field);
        add_external_id(body, entry);
        return;
    }
    switch (entry->row.verdict) {
    case STORE_UNKNOWN:
        add_stored(body, entry, "valid", NULL);
        break;
    case STORE_STORED:
        totals->stored++;
        add_stored(body, entry, "success", NULL);
        break;
    case STORE_DUPLICATE:
        totals->duplicates++;
        add_stored(body, entry, "duplicate", NULL);
        break;
    case STORE_CONFLICT:
        totals->rejected++;
        add_stored(body, entry, "conflict", NULL);
        json_text_member_cstring(body, "code", "conflict");
        json_text_member_cstring(body, "detail", conflict_detail);
        break;
    case STORE_REFUSED:
        totals->rejected++;
        add_rejected(body, errors[ERROR_INVALID_FIELD].code, refused_detail, NULL);
        add_external_id(body, entry);
        break;
    }
}

void answer_batch(struct response *response, const struct submission *submission)
{
    struct totals totals = {0};
    struct buf *body = &response->body;
    buf_reset(body);
    response->status = 200;
    buf_add_text(body, "{\"results\":[");
    for (size_t i = 0; i < submission->count; i++) {
        buf_add_text(body, i ? ",\n{" : "{");
        add_result(body, &submission->entries[i], &totals);
        buf_add_char(body, '}');
    }
    buf_add_char(body, ']');
    json_text_member_integer(body, "stored", totals.stored);
    json_text_member_integer(body, "duplicates", totals.duplicates);
    json_text_member_integer(body, "rejected", totals.rejected);
    buf_add_char(body, '}');
}

void answer_health(struct response *response, bool healthy, int retry_after_s)
{
    struct buf *body = &response->body;
    buf_reset(body);
    response->status = healthy ? 200 : 503;
    response->retry_after_s = healthy ? 0 : retry_after_s;
    buf_add_char(body, '{');
    json_text_member_cstring(body, "status", healthy ? "healthy" : "unhealthy");
    json_text_member_cstring(body, "service", "Alpine Analytics - External Signal Sync");
    json_text_member_cstring(body, "endpoint", "/api/v1/external-signals/sync/signal");
    json_text_member_cstring(body, "batch_endpoint", "/api/v1/external-signals/sync/batch");
    json_text_member_bool(body, "dry_run", true);
    json_text_member_cstring(body, "version", ALPINE_VERSION);
    buf_add_char(body, '}');
}

void answer_state(struct response *response, const char *state, bool good, int retry_after_s)
{
    struct buf *body = &response->body;
    buf_reset(body);
    response->status = good ? 200 : 503;
    response->retry_after_s = good ? 0 : retry_after_s;
    buf_add_char(body, '{');
    json_text_member_cstring(body, "status", state);
    buf_add_char(body, '}');
}
