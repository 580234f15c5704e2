/* delivery: what to send next, and what an answer does to it. */
#include "engine/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "engine/answer.h"
#include "engine/batch.h"
#include "engine/intake.h"
#include "engine/journal.h"
#include "engine/outstanding.h"
#include "engine/policy.h"

struct delivery {
    struct delivery_options options;
    const struct transport *transport;
    struct log *log;
    struct journal journal;
    struct intake intake;
    struct backend backend;
    struct outstanding table;   /* batches from the source */
    struct outstanding letters; /* dead letters that are sent again, one a batch */
    unsigned in_flight;         /* requests */
    bool stopping;
    int64_t delivered;
    int64_t duplicates;
};

/* A request, as the transport gives it back. */
struct flight {
    struct delivery *delivery;
    struct outstanding *list;
    struct batch *batch;
    bool single; /* it went to /signal */
    char id[17];
};

static void pump(struct delivery *delivery);

/* The position moves to where everything before it is answered, and no further. */
static void note_progress(struct delivery *delivery)
{
    journal_move(&delivery->journal, outstanding_safe(&delivery->table, &delivery->intake.read));
    journal_tick(&delivery->journal, clock_monotonic_ns());
}

/* --- answers ----------------------------------------------------------------------------------------------- */

static void item_delivered(struct delivery *delivery, const struct flight *flight, const struct batch_item *item,
                           bool duplicate)
{
    delivery->delivered++;
    delivery->duplicates += duplicate;
    log_write(delivery->log, LOG_INFO,
              LOG_WITH(LOG_STR("result", duplicate ? "duplicate" : "stored"), LOG_STR("request_id", flight->id)),
              "Signal synced to Alpine: %s (%s %s)", item->signal_id, item->symbol, item->action);
    journal_delivered(&delivery->journal, item->dead_id);
}

static bool item_dead(struct delivery *delivery, const struct batch *batch, const struct batch_item *item,
                      const struct verdict *verdict)
{
    char *json = strndup(batch->body.data + item->offset, item->len);
    struct dead_letter letter = {
        .id = item->dead_id,
        .position = item->position,
        .signal_id = item->signal_id,
        .symbol = item->symbol,
        .action = item->action,
        .reason = verdict->reason,
        .detail = verdict->detail,
        .json = json,
    };
    bool buried = json && journal_bury(&delivery->journal, &letter) == 0;
    free(json);
    return buried;
}

/* Does what each verdict says; what is to be sent again stays. Returns how many stay. */
static size_t apply(struct delivery *delivery, const struct flight *flight, const struct verdict *verdicts,
                    bool *keep)
{
    const struct batch *batch = flight->batch;
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        keep[i] = true;
        if (verdicts[i].outcome == OUTCOME_DONE) {
            item_delivered(delivery, flight, &batch->items[i], verdicts[i].duplicate);
            keep[i] = false;
        } else if (verdicts[i].outcome == OUTCOME_NEVER) {
            keep[i] = !item_dead(delivery, batch, &batch->items[i], &verdicts[i]);
        }
        kept += keep[i];
    }
    return kept;
}

/* Every item has its verdict: the answered ones leave, the others wait for the next attempt. */
static void settle(struct delivery *delivery, const struct flight *flight, const struct verdict *verdicts,
                   const struct transport_answer *answer)
{
    bool *keep = calloc(flight->batch->count, sizeof *keep);
    size_t total = flight->batch->count;
    if (!keep) {
        backend_retry(&delivery->backend, answer);
        return;
    }
    size_t kept = apply(delivery, flight, verdicts, keep);
    if (kept < total)
        backend_up(&delivery->backend);
    if (kept)
        backend_retry(&delivery->backend, answer);
    if (!kept)
        outstanding_remove(flight->list, flight->batch);
    else if (kept < total && !batch_keep(flight->batch, keep))
        flight->list->signals -= total - kept;
    free(keep);
    note_progress(delivery);
}

static bool split(const struct flight *flight, size_t at)
{
    struct batch *rest = batch_split(flight->batch, at);
    if (!rest)
        return false;
    outstanding_insert_after(flight->list, flight->batch, rest);
    return true;
}

static void on_batch_answer(struct delivery *delivery, struct flight *flight, const struct transport_answer *answer)
{
    struct batch *batch = flight->batch;
    enum outcome outcome = policy_outcome(answer);
    if (answer->failure == TRANSPORT_OK && (answer->status == 404 || answer->status == 405)) {
        /* If it takes no single signal either, the next answer says so. */
        backend_go_single(&delivery->backend, delivery->options.single_max);
        return;
    }
    if (outcome == OUTCOME_NEVER && split(flight, batch->count / 2))
        return; /* too large, or one of them spoils it: halves find out */
    struct verdict *verdicts = outcome == OUTCOME_DONE ? calloc(batch->count, sizeof *verdicts) : NULL;
    if (verdicts && answer->status == 200 && !answer_read_batch(answer, batch, verdicts))
        settle(delivery, flight, verdicts, answer);
    else if (outcome == OUTCOME_HOLD)
        backend_hold(&delivery->backend, answer);
    else
        backend_retry(&delivery->backend, answer);
    free(verdicts);
}

static void on_single_answer(struct delivery *delivery, struct flight *flight,
                             const struct transport_answer *answer)
{
    struct verdict verdict;
    answer_read_single(answer, &flight->batch->items[0], &verdict);
    if (verdict.outcome == OUTCOME_HOLD) {
        /* There is no single call either, so what was missing was a receiver, not its batch call. */
        if (answer->status == 404 || answer->status == 405)
            delivery->backend.single = false;
        backend_hold(&delivery->backend, answer);
    } else if (verdict.outcome == OUTCOME_AGAIN) {
        /* The next probe is another signal: if this one alone is the trouble, it stops no other. */
        flight->batch->postponed = answer->failure == TRANSPORT_OK;
        backend_retry(&delivery->backend, answer);
    } else {
        settle(delivery, flight, &verdict, answer);
    }
}

static void on_answer(void *context, const struct transport_answer *answer)
{
    struct flight *flight = context;
    struct delivery *delivery = flight->delivery;
    delivery->in_flight--;
    flight->batch->in_flight = false;
    if (delivery->stopping && answer->failure != TRANSPORT_OK)
        ; /* cut off by the end of the program: it is as if it had not been sent */
    else if (flight->single)
        on_single_answer(delivery, flight, answer);
    else
        on_batch_answer(delivery, flight, answer);
    free(flight);
    pump(delivery);
}

/* --- sending ----------------------------------------------------------------------------------------------- */

static void set_request_id(char id[17])
{
    unsigned char bytes[8] = {0};
    struct err ignored;
    (void)!digest_random(bytes, sizeof bytes, &ignored);
    hex_encode(bytes, sizeof bytes, id);
}

static bool launch(struct delivery *delivery, struct outstanding *list, struct batch *batch)
{
    struct err err = {0};
    struct flight *flight = calloc(1, sizeof *flight);
    if (!flight)
        return false;
    *flight = (struct flight){delivery, list, batch, batch->count == 1, ""};
    set_request_id(flight->id);
    struct transport_request request = {
        .method = "POST",
        .path = flight->single ? "/signal" : "/batch",
        .content_type = flight->single ? "application/json" : "application/x-ndjson",
        .body = batch->body.data,
        .len = flight->single ? batch->items[0].len : batch->body.len,
        .done = on_answer,
        .context = flight,
    };
    memcpy(request.id, flight->id, sizeof request.id);
    batch->in_flight = true;
    if (!delivery->transport->ops->send(delivery->transport->self, &request, &err)) {
        delivery->in_flight++;
        return true;
    }
    batch->in_flight = false;
    free(flight);
    struct transport_answer failed = {.failure = TRANSPORT_UNREACHABLE, .error = err.message};
    backend_retry(&delivery->backend, &failed);
    return false;
}

static struct batch *read_next(struct delivery *delivery)
{
    size_t most = delivery->backend.single ? 1 : delivery->options.batch_max;
    struct batch *batch =
        intake_read(&delivery->intake, most, delivery->options.batch_bytes_max, !delivery->table.first);
    if (batch)
        outstanding_append(&delivery->table, batch);
    note_progress(delivery); /* it may have buried some */
    return batch;
}

static bool launch_next(struct delivery *delivery)
{
    bool one_signal = delivery->backend.single || delivery->backend.state == LINK_HOLDING;
    struct outstanding *list = &delivery->letters;
    struct batch *batch = outstanding_next(list);
    if (!batch) {
        list = &delivery->table;
        batch = outstanding_next(list);
    }
    if (!batch)
        batch = read_next(delivery);
    if (!batch) {
        outstanding_recall(&delivery->letters);
        outstanding_recall(&delivery->table);
        list = outstanding_next(&delivery->letters) ? &delivery->letters : &delivery->table;
        batch = outstanding_next(list);
    }
    if (!batch)
        return false;
    if (batch->count > 1 && one_signal) {
        struct batch *rest = batch_split(batch, 1);
        if (!rest)
            return false;
        outstanding_insert_after(list, batch, rest);
    }
    return launch(delivery, list, batch);
}

static unsigned flights_allowed(struct delivery *delivery)
{
    int64_t now = clock_monotonic_ns();
    bool single = backend_is_single(&delivery->backend, now);
    if (delivery->stopping)
        return 0;
    if (delivery->backend.state != LINK_UP)
        return now >= delivery->backend.retry_ns ? 1 : 0; /* one probe at a time */
    return single ? delivery->options.single_max : delivery->options.in_flight_max;
}

/* The first waiting signal leaves at once; those that arrive while requests are in flight are the next batch. */
static void pump(struct delivery *delivery)
{
    while (delivery->in_flight < flights_allowed(delivery))
        if (!launch_next(delivery))
            break;
}

void delivery_look(struct delivery *delivery)
{
    intake_look(&delivery->intake);
    pump(delivery);
}

static bool add_letter(void *self, const struct dead_letter *letter)
{
    struct delivery *delivery = self;
    for (const struct batch *batch = delivery->letters.first; batch; batch = batch->next)
        if (batch->items[0].dead_id == letter->id)
            return true; /* on its way already */
    struct batch_item item = {
        .dead_id = letter->id, .signal_id = letter->signal_id, .symbol = letter->symbol, .action = letter->action};
    struct batch *batch = batch_new(&(struct place){0});
    const char *json = intake_letter_json(&delivery->intake, letter);
    if (!batch || batch_add(batch, &item, json, strlen(json))) {
        batch_free(batch);
        return false;
    }
    outstanding_append(&delivery->letters, batch);
    return delivery->letters.batches < delivery->options.batch_max;
}

void delivery_look_at_retries(struct delivery *delivery)
{
    journal_each_retry(&delivery->journal, add_letter, delivery);
    pump(delivery);
}

/* --- time -------------------------------------------------------------------------------------------------- */

static int64_t retry_due(const struct delivery *delivery)
{
    bool something = delivery->table.first || delivery->letters.first;
    bool waiting = delivery->backend.state != LINK_UP && something && !delivery->in_flight && !delivery->stopping;
    return waiting ? delivery->backend.retry_ns : INT64_MAX;
}

int64_t delivery_due(const struct delivery *delivery)
{
    int64_t retry = retry_due(delivery);
    int64_t saving = journal_due(&delivery->journal);
    return retry < saving ? retry : saving;
}

void delivery_tick(struct delivery *delivery, int64_t now_ns)
{
    journal_tick(&delivery->journal, now_ns);
    if (now_ns >= retry_due(delivery))
        pump(delivery);
}

/* --- life -------------------------------------------------------------------------------------------------- */

struct delivery *delivery_open(const struct delivery_options *options, const struct source *source,
                               const struct transport *transport, const struct state *state, struct log *log,
                               struct err *err)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) {
        err_set(err, "out of memory");
        return NULL;
    }
    delivery->options = *options;
    delivery->transport = transport;
    delivery->log = log;
    if (journal_open(&delivery->journal, state, log, err)) {
        free(delivery);
        return NULL;
    }
    intake_init(&delivery->intake, source, &delivery->journal, log);
    delivery->backend = (struct backend){
        .log = log,
        .url = options->url,
        .hold_interval_ns = options->probe_interval_ns,
        .backoff = {.first_ns = options->retry_first_ns, .cap_ns = options->probe_interval_ns},
    };
    return delivery;
}

void delivery_close(struct delivery *delivery)
{
    if (!delivery)
        return;
    journal_tick(&delivery->journal, INT64_MAX);
    intake_clear(&delivery->intake);
    outstanding_clear(&delivery->table);
    outstanding_clear(&delivery->letters);
    free(delivery);
}

void delivery_retry_now(struct delivery *delivery)
{
    delivery->backend.retry_ns = 0;
    pump(delivery);
}

void delivery_stop(struct delivery *delivery)
{
    delivery->stopping = true;
}

void delivery_stats(const struct delivery *delivery, struct delivery_stats *stats)
{
    *stats = (struct delivery_stats){
        .link = delivery->backend.state,
        .delivered = delivery->delivered,
        .duplicates = delivery->duplicates,
        .dead = delivery->journal.buried,
        .skipped = delivery->intake.skipped,
        .last_success_us = delivery->journal.progress.last_success_us,
        .outstanding = delivery->table.signals + delivery->letters.signals,
        .source_away = delivery->intake.away,
        .state_failing = delivery->journal.failing,
        .source_at_end = delivery->intake.at_end,
        .in_flight = delivery->in_flight > 0,
        .hold_advice = delivery->backend.advice,
    };
}
