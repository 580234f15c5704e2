/* probe: three questions to the receiver. */
#include "commands/probe.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "commands/ask.h"
#include "commands/settings.h"
#include "engine/answer.h"
#include "engine/policy.h"
#include "format/canonical.h"
#include "format/wire.h"

static bool say(struct report *report, bool good, const char *item, const char *detail)
{
    report_add(report, good ? REPORT_PASS : REPORT_FAIL, item, "%s", detail);
    return good;
}

static bool say_answer(struct report *report, const struct invocation *invocation, const char *item,
                       const struct transport_answer *answer)
{
    const struct sender_settings *settings = invocation->values;
    char detail[512];
    if (answer->failure != TRANSPORT_OK)
        (void)snprintf(
            detail, sizeof detail,
            "Connection error - Alpine backend unreachable: %.200s (%.200s): check ALPINE_API_URL, and that "
            "the receiver is running",
            settings->url, answer->error);
    else if (policy_outcome(answer) == OUTCOME_HOLD)
        (void)snprintf(detail, sizeof detail, "HTTP status %d: %s", answer->status, policy_advice(answer));
    else
        (void)snprintf(detail, sizeof detail, "HTTP status %d: %.200s", answer->status,
                       answer->body ? answer->body : "");
    return say(report, false, item, detail);
}

bool probe_health(struct report *report, const struct invocation *invocation, struct probe_facts *facts)
{
    struct ask_answer answer = {0};
    struct err err = {0};
    bool good = false;
    *facts = (struct probe_facts){0};
    if (ask(invocation, "GET", "/health", NULL, &answer, &err))
        (void)say(report, false, "receiver", err.message);
    else if (answer_is_healthy(&answer.answer, &facts->dry_run))
        good = say(report, true, "receiver", "Alpine backend health check passed");
    else
        (void)say_answer(report, invocation, "receiver", &answer.answer);
    facts->date_us = answer.answer.date_us;
    facts->sent_us = answer.sent_us;
    facts->answered_us = answer.answered_us;
    ask_clear(&answer);
    return good;
}

/* An empty object is refused for what it lacks, but only after the key was accepted. */
bool probe_key(struct report *report, const struct invocation *invocation)
{
    struct ask_answer answer = {0};
    struct err err = {0};
    struct buf body = {0};
    bool good = false;
    buf_add_text(&body, "{}");
    if (ask(invocation, "POST", "/signal", &body, &answer, &err))
        (void)say(report, false, "key", err.message);
    else if (answer.answer.status == 422 || answer.answer.status == 400)
        good = say(report, true, "key", "accepted");
    else
        (void)say_answer(report, invocation, "key", &answer.answer);
    buf_clear(&body);
    ask_clear(&answer);
    return good;
}

static void set_text(struct signal *signal, enum signal_field field, const char *text)
{
    signal->given[field] = value_text(text, strlen(text));
}

/* A signal as Argo makes them, with a hash that verifies. */
static void write_test_signal(struct buf *json)
{
    struct signal signal = {0};
    struct buf canonical = {0};
    struct digest digest;
    char now[CLOCK_TEXT_SIZE];
    char id[64];
    char sha256[DIGEST_HEX_LEN + 1];
    int64_t wall_us = clock_wall_us();
    (void)snprintf(id, sizeof id, "alpine-sync-test-%lld", (long long)wall_us);
    set_text(&signal, FIELD_SIGNAL_ID, id);
    set_text(&signal, FIELD_SYMBOL, "TEST");
    set_text(&signal, FIELD_ACTION, "BUY");
    set_text(&signal, FIELD_STRATEGY, "weighted_consensus_v6");
    set_text(&signal, FIELD_TIMESTAMP, clock_format(wall_us, now));
    signal.given[FIELD_ENTRY_PRICE] = value_real(100.25);
    signal.given[FIELD_TARGET_PRICE] = value_real(105.5);
    signal.given[FIELD_STOP_PRICE] = value_real(97.75);
    signal.given[FIELD_CONFIDENCE] = value_integer(75);
    canonical_write(&signal, FORM_PRODUCER, &canonical);
    digest_sha256(canonical.data, canonical.len, &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, sha256);
    set_text(&signal, FIELD_SHA256, sha256);
    wire_write(&signal, json);
    buf_clear(&canonical);
}

bool probe_signal(struct report *report, const struct invocation *invocation)
{
    struct ask_answer answer = {0};
    struct err err = {0};
    struct buf body = {0};
    bool good = false;
    write_test_signal(&body);
    if (ask(invocation, "POST", "/signal?dry_run=true", &body, &answer, &err))
        (void)say(report, false, "signal", err.message);
    else if (answer.answer.status == 200 && strstr(answer.answer.body, "\"valid\""))
        good = say(report, true, "signal", "a test signal would be stored (dry run: nothing was)");
    else
        (void)say_answer(report, invocation, "signal", &answer.answer);
    buf_clear(&body);
    ask_clear(&answer);
    return good;
}
