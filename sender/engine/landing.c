/* landing: what an answer does to the signals that it is about.
 *
 * The promise of the sender is kept here and in intake.c: an item leaves what is outstanding only when the receiver
 * has answered that it is stored, or when its dead letter is durable; and the position stands before the first item
 * that has not left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/answer.h"
#include "engine/delivery_parts.h"
#include "engine/measure.h"
#include "engine/policy.h"

/* A signal that the receiver stumbles over so often, and for so long, while it takes others, needs a person. */
enum { STUCK_TRIES = 20, CROWDED_TRIES = 3 };
#define STUCK_NS (3600 * NS_PER_S)
/* A failure that took so long, twice: the receiver's database may be too slow for so many signals at once. */
#define SLOW_NS (1 * NS_PER_S)

void landing_note_progress(struct delivery *delivery)
{
    const struct feed *rows = &delivery->feeds[FEED_TABLE];
    const struct feed *lines = &delivery->feeds[FEED_LOG];
    if (rows->reads)
        journal_move(&delivery->journal, ORIGIN_TABLE, outstanding_safe(&rows->list, &rows->intake.read));
    if (lines->reads)
        journal_move(&delivery->journal, ORIGIN_LOG, outstanding_safe(&lines->list, &lines->intake.read));
    journal_tick(&delivery->journal, clock_monotonic_ns());
}

/* --- one item ---------------------------------------------------------------------------------------------- */

static void row_settled(struct delivery *delivery, const struct feed *feed, const struct batch_item *item)
{
    struct table_row row = {item->position, item->signal_id, item->sha256};
    if (feed->kind == FEED_TABLE)
        journal_row_settled(&delivery->journal, &row);
}

static void item_delivered(const struct flight *flight, const struct batch_item *item, bool duplicate)
{
    struct delivery *delivery = flight->delivery;
    delivery->delivered++;
    delivery->duplicates += duplicate;
    measure_delivered(flight, item);
    log_write(delivery->log, LOG_INFO,
              LOG_WITH(LOG_STR("result", duplicate ? "duplicate" : "stored"), LOG_STR("request_id", flight->id)),
              "Signal synced to Alpine: %s (%s %s)", item->signal_id, item->symbol, item->action);
    journal_delivered(&delivery->journal, item->signal_id, item->sha256);
    if (item->dead_id)
        journal_remove(&delivery->journal, item->dead_id);
    if (flight->feed->kind == FEED_LOG)
        journal_note_sent(&delivery->journal, item->signal_id, item->sha256);
    row_settled(delivery, flight->feed, item);
}

static bool item_dead(struct delivery *delivery, const struct feed *feed, const struct batch *batch,
                      const struct batch_item *item, const char *reason, const char *detail, const char *request_id)
{
    char *json = strndup(batch->body.data + item->offset, item->len);
    struct dead_letter letter = {
        .id = item->dead_id,
        .origin = feed->kind == FEED_LOG ? ORIGIN_LOG : ORIGIN_TABLE,
        .position = item->position,
        .signal_id = item->signal_id,
        .sha256 = item->sha256,
        .symbol = item->symbol,
        .action = item->action,
        .reason = reason,
        .detail = detail,
        .json = json,
        .request_id = request_id,
    };
    bool buried = json && journal_bury(&delivery->journal, &letter) == 0;
    free(json);
    if (buried)
        row_settled(delivery, feed, item);
    return buried;
}

static void raise_alarm(const struct flight *flight, const struct batch_item *item, const struct verdict *verdict)
{
    if (!strcmp(verdict->reason, "conflict"))
        log_write_limited(flight->delivery->log, LOG_ERROR,
                          LOG_WITH(LOG_STR("signal_id", item->signal_id), LOG_STR("sha256", item->sha256),
                                   LOG_STR("request_id", flight->id)),
                          "Alarm: signal %s has another hash than the one that Alpine has stored", item->signal_id);
}

/* --- a flight ---------------------------------------------------------------------------------------------- */

/* What becomes of each item of a batch that has its verdicts. */
struct parting {
    bool *doomed;
    bool *again;
    size_t agains;
};

static void part_dead(const struct flight *flight, size_t index, const struct verdict *verdict,
                      struct parting *parting)
{
    struct batch *batch = flight->batch;
    struct delivery *delivery = flight->delivery;
    const struct batch_item *item = &batch->items[index];
    raise_alarm(flight, item, verdict);
    if (item_dead(delivery, flight->feed, batch, item, verdict->reason, verdict->detail, flight->id))
        return;
    parting->doomed[index] = !batch_doom(batch, index, verdict->reason, verdict->detail);
    parting->again[index] = !parting->doomed[index];
}

/* The dead ones first: a letter is durable at once, what is delivered only with the place that passes it. The other
 * way round a crash between the two would count what is delivered, and send it again. */
static void part_all(const struct flight *flight, const struct verdict *verdicts, struct parting *parting)
{
    size_t count = flight->batch->count;
    for (size_t i = 0; i < count; i++)
        if (verdicts[i].outcome == OUTCOME_NEVER)
            part_dead(flight, i, &verdicts[i], parting);
    for (size_t i = 0; i < count; i++) {
        if (verdicts[i].outcome == OUTCOME_DONE)
            item_delivered(flight, &flight->batch->items[i], verdicts[i].duplicate);
        else if (verdicts[i].outcome != OUTCOME_NEVER)
            parting->again[i] = true;
        parting->agains += parting->again[i];
    }
}

/* Every item has its verdict: the answered ones leave, the others wait for the next attempt. */
static void settle(const struct flight *flight, const struct verdict *verdicts,
                   const struct transport_answer *answer)
{
    struct delivery *delivery = flight->delivery;
    size_t count = flight->batch->count;
    bool *flags = calloc(2 * count, sizeof *flags);
    if (!flags) {
        backend_retry(&delivery->backend, answer);
        return;
    }
    struct parting parting = {.doomed = flags, .again = flags + count};
    log_gather(delivery->log); /* a line for each signal */
    part_all(flight, verdicts, &parting);
    log_flush(delivery->log);
    if (parting.agains < count)
        backend_up(&delivery->backend);
    if (outstanding_part(&flight->feed->list, flight->batch, parting.doomed, parting.again) || parting.agains)
        backend_retry(&delivery->backend, answer);
    free(flags);
    landing_note_progress(delivery);
}

static bool halve(const struct flight *flight)
{
    struct batch *rest = batch_split(flight->batch, flight->batch->count / 2);
    if (!rest)
        return false;
    outstanding_insert_after(&flight->feed->list, flight->batch, rest);
    return true;
}

/* The receiver stumbled over something. If it took others since it did so last, the link works; but a receiver that
 * asks for a pause gets one. */
static void blame_link_or_not(struct delivery *delivery, const struct transport_answer *answer)
{
    if (delivery->delivered == delivery->delivered_at_stumble || answer->retry_after_ns)
        backend_retry(&delivery->backend, answer);
    delivery->delivered_at_stumble = delivery->delivered;
}

/* One of them may be the trouble, whatever the answer looks like. A receiver that stumbles gets them one by one;
 * otherwise halves find out, and for what may as well be chance a second failure is waited for. */
static void batch_failed(const struct flight *flight, const struct transport_answer *answer, enum outcome outcome)
{
    struct backend *backend = &flight->delivery->backend;
    bool blamed = policy_blames_signal(answer);
    bool once_more = backend->state == LINK_RETRYING || outcome == OUTCOME_HOLD;
    bool too_slow =
        answer->failure == TRANSPORT_TIMED_OUT || (once_more && clock_monotonic_ns() - flight->sent_ns > SLOW_NS);
    if (too_slow)
        backend_shrink_batch(backend, flight->batch->count);
    if (blamed)
        flight->batch->careful = true;
    else if (too_slow || (once_more && policy_may_blame_signal(answer)))
        (void)halve(flight);
    if (outcome == OUTCOME_HOLD)
        backend_hold(backend, answer);
    else if (blamed)
        blame_link_or_not(flight->delivery, answer);
    else
        backend_retry(backend, answer);
}

/* Something on the way, or another receiver than the one that offered it, may not know what compressed bodies are.
 */
static bool was_understood(const struct transport_answer *answer, const struct verdict *verdicts, size_t count)
{
    if (!verdicts)
        return answer->failure == TRANSPORT_OK && !policy_may_blame_signal(answer);
    for (size_t i = 0; i < count; i++)
        if (verdicts[i].unnamed)
            return false;
    return true;
}

static enum outcome batch_landed(const struct flight *flight, const struct transport_answer *answer)
{
    struct batch *batch = flight->batch;
    struct backend *backend = &flight->delivery->backend;
    enum outcome outcome = policy_outcome(answer);
    if (answer->failure == TRANSPORT_OK && (answer->status == 404 || answer->status == 405)) {
        /* If it takes no single signal either, the next answer says so. */
        backend_go_single(backend, flight->delivery->options.single_max);
        return OUTCOME_AGAIN;
    }
    struct verdict *verdicts = outcome == OUTCOME_DONE ? calloc(batch->count, sizeof *verdicts) : NULL;
    bool read = verdicts && answer->status == 200 && !answer_read_batch(answer, batch, verdicts);
    bool understood = was_understood(answer, read ? verdicts : NULL, batch->count);
    if (answer->compressed && !understood)
        backend_distrust_compression(backend);
    if (read) {
        batch->careful |=
            !understood; /* what was refused without a name goes alone, and then the answer is about it */
        backend_grow_batch(backend, batch->count);
        settle(flight, verdicts, answer);
    } else if (outcome != OUTCOME_NEVER || !halve(flight)) { /* halves find what is too large, or spoils the rest */
        batch_failed(flight, answer, outcome);
    }
    free(verdicts);
    return outcome == OUTCOME_DONE && !read ? OUTCOME_AGAIN : outcome;
}

/* Notes a failure. Returns whether it is this signal that fails, and not the link: others went since it failed
 * last, or they did once, and the answer is one that a receiver gives to a single signal. */
static bool is_its_own_fault(const struct delivery *delivery, struct stumble *stumble,
                             const struct transport_answer *answer)
{
    bool others_went = stumble->failures && delivery->delivered > stumble->delivered;
    if (others_went && !stumble->times++)
        stumble->first_ns = clock_monotonic_ns();
    stumble->failures++;
    stumble->alone |= others_went;
    stumble->delivered = delivery->delivered;
    return (others_went && policy_may_blame_signal(answer)) || (stumble->alone && policy_blames_signal(answer));
}

/* Long enough; or so many are stuck that nothing else can be read any more. */
static bool is_stuck(const struct delivery *delivery, const struct stumble *stumble, int64_t now)
{
    if (stumble->times >= STUCK_TRIES && now - stumble->first_ns >= STUCK_NS)
        return true;
    return stumble->failures >= CROWDED_TRIES && feeds_postponed(delivery->feeds, false) >= DELIVERY_HELD_MAX / 2;
}

/* It rests by a clock of its own, and in the end it becomes a dead letter. */
static void rest(const struct flight *flight, const struct transport_answer *answer)
{
    struct delivery *delivery = flight->delivery;
    struct stumble *stumble = &flight->batch->stumble;
    int64_t now = clock_monotonic_ns();
    struct verdict verdict = {.outcome = OUTCOME_NEVER, .reason = "stuck"};
    if (flight->feed->kind == FEED_SWEEP) {
        sweep_give_up(&delivery->sweep);
        outstanding_remove(&flight->feed->list, flight->batch);
    } else if (is_stuck(delivery, stumble, now)) {
        (void)snprintf(verdict.detail, sizeof verdict.detail, "it failed %u times while others went: status %d %s",
                       stumble->times, answer->status, answer->error);
        settle(flight, &verdict, answer);
    } else {
        stumble->again_ns = now + backend_rest_ns(&delivery->backend, stumble->failures);
    }
}

/* A single signal failed. If it may be the reason, the next probe is another one: if that gets through, the link is
 * not what fails. */
static void single_failed(const struct flight *flight, const struct transport_answer *answer, enum outcome outcome)
{
    struct delivery *delivery = flight->delivery;
    flight->batch->postponed = policy_may_blame_signal(answer);
    if (is_its_own_fault(delivery, &flight->batch->stumble, answer))
        rest(flight, answer);
    else if (outcome == OUTCOME_HOLD)
        backend_hold(&delivery->backend, answer);
    else if (policy_blames_signal(answer))
        blame_link_or_not(delivery, answer);
    else
        backend_retry(&delivery->backend, answer);
}

static enum outcome single_landed(const struct flight *flight, const struct transport_answer *answer)
{
    struct backend *backend = &flight->delivery->backend;
    struct verdict verdict;
    answer_read_single(answer, &flight->batch->items[0], &verdict);
    if (verdict.outcome == OUTCOME_DONE || verdict.outcome == OUTCOME_NEVER) {
        settle(flight, &verdict, answer);
        return verdict.outcome;
    }
    /* There is no single call either, so what was missing was a receiver, not its batch call. */
    if (answer->failure == TRANSPORT_OK && (answer->status == 404 || answer->status == 405))
        backend->single = false;
    single_failed(flight, answer, verdict.outcome);
    return verdict.outcome;
}

/* The receiver gives back the id of the request that it answers. If something on the way puts in its own, the
 * receiver's log has that one; the signals are not concerned, for an answer names them. */
static void note_answered_id(const struct flight *flight, const struct transport_answer *answer)
{
    struct delivery *delivery = flight->delivery;
    if (!answer->answered_id || !strcmp(answer->answered_id, flight->id))
        return;
    log_write(delivery->log, delivery->said_other_id ? LOG_DEBUG : LOG_WARN,
              LOG_WITH(LOG_STR("request_id", flight->id), LOG_STR("answered_id", answer->answered_id)),
              "An answer has the id of another request");
    delivery->said_other_id = true;
}

enum outcome landing_handle(const struct flight *flight, const struct transport_answer *answer)
{
    note_answered_id(flight, answer);
    if (flight->delivery->stopping && answer->failure != TRANSPORT_OK)
        return OUTCOME_AGAIN; /* cut off by the end of the program: it is as if it had not been sent */
    return flight->single ? single_landed(flight, answer) : batch_landed(flight, answer);
}

/* --- letters that could not be kept ------------------------------------------------------------------------ */

static bool bury_batch(struct delivery *delivery, struct feed *feed, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        if (!item_dead(delivery, feed, batch, item, item->reason, item->detail, NULL))
            return false;
    }
    outstanding_remove(&feed->list, batch);
    return true;
}

void landing_bury_doomed(struct delivery *delivery)
{
    for (size_t kind = 0; kind < FEED_COUNT; kind++) {
        struct feed *feed = &delivery->feeds[kind];
        struct batch *next;
        for (struct batch *batch = feed->list.first; batch; batch = next) {
            next = batch->next;
            if (batch->doomed && !bury_batch(delivery, feed, batch))
                return;
        }
    }
    landing_note_progress(delivery);
}
