/* answer: reads JSON strictly and believes nothing else. */
#include "engine/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/json_doc.h"
#include "engine/policy.h"

static const char *text_of(const struct json_value *object, const char *name, size_t *len)
{
    const struct json_value *value = json_value_member(object, name);
    if (!value || json_value_kind(value) != JSON_KIND_STRING)
        return NULL;
    return json_value_text(value, len);
}

static bool member_is(const struct json_value *object, const char *name, const char *expected)
{
    size_t len;
    const char *text = text_of(object, name, &len);
    return text && len == strlen(expected) && !memcmp(text, expected, len);
}

/* Newer receivers name the signal by external_signal_id; an older one may only say which row it became. */
static bool names_signal(const struct json_value *object, const char *signal_id)
{
    if (json_value_member(object, "external_signal_id"))
        return member_is(object, "external_signal_id", signal_id);
    const struct json_value *row = json_value_member(object, "signal_id");
    return row && (json_value_kind(row) == JSON_KIND_INTEGER || member_is(object, "signal_id", signal_id));
}

static void copy_text(char *to, size_t size, const struct json_value *object, const char *name,
                      const char *otherwise)
{
    size_t len;
    const char *text = text_of(object, name, &len);
    (void)snprintf(to, size, "%.*s", text ? (int)len : (int)strlen(otherwise), text ? text : otherwise);
}

static void read_object(const struct json_value *object, const char *signal_id, struct verdict *verdict)
{
    verdict->outcome = OUTCOME_AGAIN;
    verdict->duplicate = member_is(object, "status", "duplicate");
    if (member_is(object, "status", "success") || verdict->duplicate) {
        if (names_signal(object, signal_id))
            verdict->outcome = OUTCOME_DONE;
        return;
    }
    if (!member_is(object, "status", "conflict") && !member_is(object, "status", "rejected"))
        return;
    if (json_value_member(object, "external_signal_id") && !names_signal(object, signal_id))
        return;
    verdict->outcome = OUTCOME_NEVER;
    copy_text(verdict->reason, sizeof verdict->reason, object, "code",
              member_is(object, "status", "conflict") ? "conflict" : "rejected");
    copy_text(verdict->detail, sizeof verdict->detail, object, "detail", "");
    if (!strcmp(verdict->reason, "unavailable") || !strcmp(verdict->reason, "rate_limited"))
        verdict->outcome = OUTCOME_AGAIN;
}

/* Reasons of older receivers have no code; what their status means does. */
static const char *reason_of(int status)
{
    return status == 413 ? "too_large" : status == 400 ? "hash_mismatch" : "invalid_field";
}

/* An older receiver's detail is a text, or a list of texts or of objects with a msg. The first one is enough. */
static const struct json_value *refusal_text(const struct json_value *detail)
{
    if (detail && json_value_kind(detail) == JSON_KIND_ARRAY)
        detail = json_value_element(detail, 0);
    if (detail && json_value_kind(detail) == JSON_KIND_OBJECT)
        detail = json_value_member(detail, "msg");
    return detail && json_value_kind(detail) == JSON_KIND_STRING ? detail : NULL;
}

static void read_refusal(const struct json_value *object, int status, struct verdict *verdict)
{
    const struct json_value *detail = json_value_member(object, "detail");
    if (!detail && !json_value_member(object, "code"))
        return;
    verdict->outcome = OUTCOME_NEVER;
    copy_text(verdict->reason, sizeof verdict->reason, object, "code", reason_of(status));
    size_t len = 0;
    const struct json_value *text = refusal_text(detail);
    const char *words = text ? json_value_text(text, &len) : "refused by the receiver";
    (void)snprintf(verdict->detail, sizeof verdict->detail, "%.*s", text ? (int)len : (int)strlen(words), words);
}

void answer_read_single(const struct transport_answer *answer, const struct batch_item *item,
                        struct verdict *verdict)
{
    struct err ignored;
    enum outcome outcome = policy_outcome(answer);
    *verdict = (struct verdict){.outcome = outcome == OUTCOME_HOLD ? OUTCOME_HOLD : OUTCOME_AGAIN};
    if (outcome == OUTCOME_AGAIN || outcome == OUTCOME_HOLD)
        return;
    if (answer->status == 413) {
        /* Whatever stands in front of the receiver may say this; smaller it will not become. */
        *verdict = (struct verdict){
            .outcome = OUTCOME_NEVER, .reason = "too_large", .detail = "larger than the receiver allows"};
        return;
    }
    struct json_doc *doc = json_doc_parse(answer->body, answer->len, &ignored);
    if (!doc)
        return;
    const struct json_value *object = json_doc_root(doc);
    bool conflict = member_is(object, "status", "conflict");
    if (outcome == OUTCOME_DONE || conflict)
        read_object(object, item->signal_id, verdict);
    else
        read_refusal(object, answer->status, verdict);
    json_doc_free(doc);
}

int answer_read_batch(const struct transport_answer *answer, const struct batch *batch, struct verdict *verdicts)
{
    struct err ignored;
    struct json_doc *doc = json_doc_parse(answer->body, answer->len, &ignored);
    const struct json_value *results = doc ? json_value_member(json_doc_root(doc), "results") : NULL;
    int status = results && json_value_length(results) == batch->count ? 0 : -1;
    for (size_t i = 0; !status && i < batch->count; i++) {
        const struct json_value *result = json_value_element(results, i);
        verdicts[i] = (struct verdict){.outcome = OUTCOME_AGAIN};
        read_object(result, batch->items[i].signal_id, &verdicts[i]);
        verdicts[i].unnamed =
            verdicts[i].outcome == OUTCOME_NEVER && !json_value_member(result, "external_signal_id");
        if (verdicts[i].unnamed)
            verdicts[i].outcome = OUTCOME_AGAIN;
    }
    json_doc_free(doc);
    return status;
}

bool answer_is_healthy(const struct transport_answer *answer, bool *dry_run)
{
    struct err ignored;
    *dry_run = false;
    if (answer->failure != TRANSPORT_OK || answer->status != 200)
        return false;
    struct json_doc *doc = json_doc_parse(answer->body, answer->len, &ignored);
    if (!doc)
        return false;
    const struct json_value *knows = json_value_member(json_doc_root(doc), "dry_run");
    bool healthy = member_is(json_doc_root(doc), "status", "healthy");
    *dry_run = knows && json_value_kind(knows) == JSON_KIND_BOOL && json_value_bool(knows);
    json_doc_free(doc);
    return healthy;
}
