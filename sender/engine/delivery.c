/* delivery: what to send next, and what an answer does to it. */
#include "engine/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "engine/answer.h"
#include "engine/batch.h"
#include "engine/outgoing.h"
#include "engine/outstanding.h"
#include "engine/policy.h"

#define SAVE_INTERVAL_NS  (50 * NS_PER_MS)
#define BATCH_RECHECK_NS  (600 * NS_PER_S) /* an older receiver may have been replaced meanwhile */

struct delivery {
    struct delivery_options options;
    const struct source *source;
    const struct transport *transport;
    const struct state *state;
    struct log *log;

    struct outstanding table;   /* from the source */
    struct outstanding retries; /* dead letters that are sent again */
    struct place read;          /* up to where the source was read */
    bool source_at_end;
    bool source_away;           /* said so already */
    unsigned in_flight;
    bool stopping;

    enum link_state link;
    const char *advice;
    int64_t retry_ns;           /* not UP: when the next attempt is due */
    int64_t floor_ns;           /* the receiver's Retry-After */
    struct backoff backoff;
    bool single;                /* the receiver has no batch call */
    int64_t batch_again_ns;     /* when to try one all the same */

    struct state_progress progress;
    struct delivery_stats stats;
    bool unsaved;
    bool state_failing;         /* said so already */
    int64_t save_ns;

    struct buf json;
    struct buf scratch;
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

/* --- the position ------------------------------------------------------------------------------------------ */

static void state_failed(struct delivery *delivery, const struct err *err)
{
    if (!delivery->state_failing)
        log_write(delivery->log, LOG_ERROR, LOG_PLAIN, "The state directory cannot be written: %s", err->message);
    delivery->state_failing = true;
}

static void state_worked(struct delivery *delivery)
{
    if (delivery->state_failing)
        log_write(delivery->log, LOG_INFO, LOG_PLAIN, "The state directory can be written again");
    delivery->state_failing = false;
}

static void save(struct delivery *delivery)
{
    struct err err = {0};
    delivery->progress.place = *outstanding_safe(&delivery->table, &delivery->read);
    delivery->save_ns = clock_monotonic_ns() + SAVE_INTERVAL_NS;
    if (delivery->state->ops->save(delivery->state->self, &delivery->progress, &err)) {
        state_failed(delivery, &err);
        return;
    }
    state_worked(delivery);
    delivery->unsaved = false;
}

static void progress_made(struct delivery *delivery)
{
    delivery->unsaved = true;
    if (clock_monotonic_ns() >= delivery->save_ns)
        save(delivery);
}

/* Returns -1 if the letter could not be kept: then the signal must not be passed. */
static int bury(struct delivery *delivery, struct dead_letter *letter)
{
    struct err err = {0};
    letter->created_us = clock_wall_us();
    if (delivery->state->ops->bury(delivery->state->self, letter, &err)) {
        state_failed(delivery, &err);
        return -1;
    }
    delivery->stats.dead++;
    delivery->unsaved = true;
    log_write(delivery->log, LOG_ERROR,
              LOG_WITH(LOG_STR("signal_id", letter->signal_id), LOG_STR("reason", letter->reason)),
              "Dead letter: signal %s was not delivered: %s", letter->signal_id, letter->detail);
    return 0;
}

/* --- reading ----------------------------------------------------------------------------------------------- */

struct reading {
    struct delivery *delivery;
    struct batch *batch;
    bool full;
};

static const char *field_text(const struct signal *signal, enum signal_field field)
{
    return signal_text(signal, field, NULL);
}

static bool bury_unsendable(struct delivery *delivery, const struct source_item *item, enum fault fault,
                            const struct err *err)
{
    struct dead_letter letter = {
        .position = item->position,
        .signal_id = field_text(item->signal, FIELD_SIGNAL_ID),
        .symbol = field_text(item->signal, FIELD_SYMBOL),
        .action = field_text(item->signal, FIELD_ACTION),
        .reason = fault_code(fault),
        .detail = err->message,
        .json = item->text ? item->text : delivery->json.data,
    };
    return bury(delivery, &letter) == 0;
}

static void move_on(struct delivery *delivery, const struct source_item *item)
{
    size_t len;
    const char *id = signal_text(item->signal, FIELD_SIGNAL_ID, &len);
    delivery->read.position = item->position;
    if (len > SIGNAL_ID_MAX)
        len = 0;
    memcpy(delivery->read.signal_id, id, len);
    delivery->read.signal_id[len] = '\0';
}

static bool add_to_batch(struct reading *reading, const struct source_item *item)
{
    struct delivery *delivery = reading->delivery;
    struct batch_item added = {
        .position = item->position,
        .signal_id = field_text(item->signal, FIELD_SIGNAL_ID),
        .symbol = item->signal->symbol.as.text.data,
        .action = field_text(item->signal, FIELD_ACTION),
    };
    if (!reading->batch)
        reading->batch = batch_new(&delivery->read);
    return reading->batch && !batch_add(reading->batch, &added, delivery->json.data, delivery->json.len);
}

static bool has_room(const struct reading *reading)
{
    const struct delivery_options *options = &reading->delivery->options;
    const struct batch *batch = reading->batch;
    size_t most = reading->delivery->single ? 1 : options->batch_max;
    if (!batch)
        return true;
    return batch->count < most && batch->body.len + reading->delivery->json.len + 1 <= options->batch_bytes_max;
}

static bool take_item(void *self, const struct source_item *item)
{
    struct reading *reading = self;
    struct delivery *delivery = reading->delivery;
    struct err err = {0};
    enum fault fault = item->fault;
    if (fault)
        err = *item->err;
    else
        fault = outgoing_prepare(item->signal, &delivery->json, &delivery->scratch, &err);
    if (fault) {
        if (!bury_unsendable(delivery, item, fault, &err))
            return false;
    } else if (!has_room(reading) || !add_to_batch(reading, item)) {
        reading->full = true;
        return false;
    }
    move_on(delivery, item);
    return true;
}

static void source_away(struct delivery *delivery, const struct err *err)
{
    if (!delivery->source_away)
        log_write(delivery->log, LOG_WARN, LOG_PLAIN, "The source cannot be read now: %s", err->message);
    delivery->source_away = true;
    delivery->source_at_end = true; /* nothing to wait for but the next look */
}

static void source_back(struct delivery *delivery)
{
    if (delivery->source_away)
        log_write(delivery->log, LOG_INFO, LOG_PLAIN, "The source can be read again");
    delivery->source_away = false;
}

/* The receiver knows what it already has, so beginning again costs time and no signal. */
static void source_replaced(struct delivery *delivery)
{
    log_write(delivery->log, LOG_ERROR,
              LOG_WITH(LOG_INT("position", delivery->read.position),
                       LOG_STR("signal_id", delivery->read.signal_id)),
              "The source was replaced or restored: the signal at the position is not there; "
              "starting again from the beginning");
    delivery->read = (struct place){0};
    delivery->source_at_end = false;
    delivery->unsaved = true;
}

/* Reads the next batch, and buries on the way what cannot be sent. NULL if there is nothing to send now. */
static struct batch *read_batch(struct delivery *delivery)
{
    struct reading reading = {.delivery = delivery};
    struct err err = {0};
    enum source_status status =
        delivery->source->ops->read(delivery->source->self, &delivery->read, take_item, &reading, &err);
    if (status == SOURCE_AWAY) {
        source_away(delivery, &err);
    } else if (status == SOURCE_REPLACED) {
        /* What is outstanding came from the old one; it is still delivered, and its positions mean nothing. */
        if (!delivery->table.first)
            source_replaced(delivery);
    } else {
        source_back(delivery);
        delivery->source_at_end = status == SOURCE_END;
    }
    if (reading.batch && !reading.batch->count) {
        batch_free(reading.batch);
        reading.batch = NULL;
    }
    if (delivery->unsaved)
        progress_made(delivery);
    return reading.batch;
}

static struct batch *next_from_source(struct delivery *delivery)
{
    if (delivery->source_at_end)
        return NULL;
    struct place before = delivery->read;
    struct batch *batch = read_batch(delivery);
    if (!batch && before.position && !delivery->read.position && !delivery->source_at_end)
        batch = read_batch(delivery); /* it was replaced: from the beginning */
    if (batch)
        outstanding_append(&delivery->table, batch);
    return batch;
}

/* --- the link ---------------------------------------------------------------------------------------------- */

static uint32_t random_bits(void)
{
    uint32_t bits = 0;
    struct err ignored;
    (void)!digest_random((unsigned char *)&bits, sizeof bits, &ignored);
    return bits;
}

static void link_up(struct delivery *delivery)
{
    if (delivery->link != LINK_UP)
        log_write(delivery->log, LOG_INFO, LOG_PLAIN, "Alpine backend is back: %s", delivery->options.url);
    delivery->link = LINK_UP;
    delivery->advice = NULL;
    backoff_reset(&delivery->backoff);
}

static void say_retrying(struct delivery *delivery, const struct transport_answer *answer)
{
    if (delivery->link == LINK_RETRYING)
        return;
    if (answer->failure != TRANSPORT_OK)
        log_write(delivery->log, LOG_WARN, LOG_WITH(LOG_STR("error", answer->error)),
                  "Connection error - Alpine backend unreachable: %s", delivery->options.url);
    else
        log_write(delivery->log, LOG_WARN, LOG_WITH(LOG_INT("status", answer->status)),
                  "Alpine backend cannot take signals now; trying again until it does: %s",
                  delivery->options.url);
}

/* Several requests may fail at once; only the first of them, or a probe, counts as an attempt. */
static void link_retry(struct delivery *delivery, const struct transport_answer *answer)
{
    say_retrying(delivery, answer);
    if (delivery->link == LINK_UP || clock_monotonic_ns() >= delivery->retry_ns) {
        int64_t pause = backoff_next(&delivery->backoff, random_bits(), answer->retry_after_ns);
        delivery->retry_ns = clock_monotonic_ns() + pause;
    }
    delivery->link = LINK_RETRYING;
    delivery->advice = NULL;
}

static void link_hold(struct delivery *delivery, const struct transport_answer *answer)
{
    const char *advice = policy_advice(answer);
    if (delivery->link != LINK_HOLDING || delivery->advice != advice)
        log_write(delivery->log, LOG_ERROR,
                  LOG_WITH(LOG_STR("url", delivery->options.url), LOG_INT("status", answer->status),
                           LOG_STR("error", *answer->error ? answer->error : NULL)),
                  "%s", advice);
    delivery->link = LINK_HOLDING;
    delivery->advice = advice;
    delivery->retry_ns = clock_monotonic_ns() + delivery->options.probe_interval_ns;
}

/* --- answers ----------------------------------------------------------------------------------------------- */

static void item_delivered(struct delivery *delivery, const struct flight *flight,
                           const struct batch_item *item, bool duplicate)
{
    struct err err = {0};
    delivery->stats.delivered++;
    delivery->stats.duplicates += duplicate;
    delivery->progress.delivered++;
    delivery->progress.last_success_us = clock_wall_us();
    log_write(delivery->log, LOG_INFO,
              LOG_WITH(LOG_STR("result", duplicate ? "duplicate" : "stored"), LOG_STR("request_id", flight->id)),
              "Signal synced to Alpine: %s (%s %s)", item->signal_id, item->symbol, item->action);
    if (item->dead_id && delivery->state->ops->remove(delivery->state->self, item->dead_id, &err))
        state_failed(delivery, &err);
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
    bool buried = json && bury(delivery, &letter) == 0;
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
        link_retry(delivery, answer);
        return;
    }
    size_t kept = apply(delivery, flight, verdicts, keep);
    if (kept < total)
        link_up(delivery);
    if (kept)
        link_retry(delivery, answer);
    if (!kept)
        outstanding_remove(flight->list, flight->batch);
    else if (kept < total && !batch_keep(flight->batch, keep))
        flight->list->signals -= total - kept;
    free(keep);
    progress_made(delivery);
}

static bool split(struct delivery *delivery, const struct flight *flight, size_t at)
{
    struct batch *rest = batch_split(flight->batch, at);
    (void)delivery;
    if (!rest)
        return false;
    outstanding_insert_after(flight->list, flight->batch, rest);
    return true;
}

/* No batch call there: an older receiver takes single signals. If it takes none either, the single post says so. */
static void go_single(struct delivery *delivery)
{
    if (!delivery->single)
        log_write(delivery->log, LOG_INFO, LOG_PLAIN,
                  "The receiver has no batch call: sending single signals, %u at a time",
                  delivery->options.single_max);
    delivery->single = true;
    delivery->batch_again_ns = clock_monotonic_ns() + BATCH_RECHECK_NS;
}

static void on_batch_answer(struct delivery *delivery, struct flight *flight,
                            const struct transport_answer *answer)
{
    struct batch *batch = flight->batch;
    enum outcome outcome = policy_outcome(answer);
    if (answer->failure == TRANSPORT_OK && (answer->status == 404 || answer->status == 405)) {
        go_single(delivery);
        return;
    }
    if (outcome == OUTCOME_NEVER && split(delivery, flight, batch->count / 2))
        return; /* too large, or one of them spoils it: halves find out */
    struct verdict *verdicts = outcome == OUTCOME_DONE ? calloc(batch->count, sizeof *verdicts) : NULL;
    if (verdicts && answer->status == 200 && !answer_read_batch(answer, batch, verdicts))
        settle(delivery, flight, verdicts, answer);
    else if (outcome == OUTCOME_HOLD)
        link_hold(delivery, answer);
    else
        link_retry(delivery, answer);
    free(verdicts);
}

static void on_single_answer(struct delivery *delivery, struct flight *flight,
                             const struct transport_answer *answer)
{
    struct verdict verdict;
    answer_read_single(answer, &flight->batch->items[0], &verdict);
    if (verdict.outcome == OUTCOME_HOLD)
        link_hold(delivery, answer);
    else if (verdict.outcome == OUTCOME_AGAIN)
        link_retry(delivery, answer);
    else
        settle(delivery, flight, &verdict, answer);
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
    link_retry(delivery, &failed);
    return false;
}

static bool want_one_signal(const struct delivery *delivery)
{
    return delivery->single || delivery->link == LINK_HOLDING;
}

static bool launch_next(struct delivery *delivery)
{
    struct outstanding *list = &delivery->retries;
    struct batch *batch = outstanding_next(list);
    if (!batch) {
        list = &delivery->table;
        batch = outstanding_next(list);
    }
    if (!batch)
        batch = next_from_source(delivery);
    if (!batch)
        return false;
    if (batch->count > 1 && want_one_signal(delivery)) {
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
    if (delivery->stopping)
        return 0;
    if (delivery->single && now >= delivery->batch_again_ns)
        delivery->single = false;
    if (delivery->link != LINK_UP)
        return now >= delivery->retry_ns ? 1 : 0; /* one probe at a time */
    return delivery->single ? delivery->options.single_max : delivery->options.in_flight_max;
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
    if (delivery->source_at_end && delivery->source->ops->changed(delivery->source->self))
        delivery->source_at_end = false;
    pump(delivery);
}

static bool add_retry(void *self, const struct dead_letter *letter)
{
    struct delivery *delivery = self;
    for (const struct batch *batch = delivery->retries.first; batch; batch = batch->next)
        if (batch->items[0].dead_id == letter->id)
            return true; /* on its way already */
    struct batch_item item = {.dead_id = letter->id,
                              .signal_id = letter->signal_id,
                              .symbol = letter->symbol,
                              .action = letter->action};
    struct batch *batch = batch_new(&(struct place){0});
    if (!batch || batch_add(batch, &item, letter->json, strlen(letter->json))) {
        batch_free(batch);
        return false;
    }
    outstanding_append(&delivery->retries, batch);
    return delivery->retries.batches < delivery->options.batch_max;
}

void delivery_look_at_retries(struct delivery *delivery)
{
    struct err err = {0};
    if (delivery->state->ops->each_retry(delivery->state->self, add_retry, delivery, &err))
        state_failed(delivery, &err);
    pump(delivery);
}

/* --- time -------------------------------------------------------------------------------------------------- */

static int64_t retry_due(const struct delivery *delivery)
{
    bool something = delivery->table.first || delivery->retries.first;
    bool waiting = delivery->link != LINK_UP && something && !delivery->in_flight && !delivery->stopping;
    return waiting ? delivery->retry_ns : INT64_MAX;
}

int64_t delivery_due(const struct delivery *delivery)
{
    int64_t retry = retry_due(delivery);
    int64_t saving = delivery->unsaved ? delivery->save_ns : INT64_MAX;
    return retry < saving ? retry : saving;
}

void delivery_tick(struct delivery *delivery, int64_t now_ns)
{
    if (delivery->unsaved && now_ns >= delivery->save_ns)
        save(delivery);
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
    delivery->source = source;
    delivery->transport = transport;
    delivery->state = state;
    delivery->log = log;
    delivery->backoff =
        (struct backoff){.first_ns = options->retry_first_ns, .cap_ns = options->probe_interval_ns};
    if (state->ops->load(state->self, &delivery->progress, err)) {
        free(delivery);
        return NULL;
    }
    delivery->read = delivery->progress.place;
    return delivery;
}

void delivery_close(struct delivery *delivery)
{
    if (!delivery)
        return;
    if (delivery->unsaved)
        save(delivery);
    outstanding_clear(&delivery->table);
    outstanding_clear(&delivery->retries);
    buf_clear(&delivery->json);
    buf_clear(&delivery->scratch);
    free(delivery);
}

void delivery_stop(struct delivery *delivery)
{
    delivery->stopping = true;
}

void delivery_stats(const struct delivery *delivery, struct delivery_stats *stats)
{
    *stats = delivery->stats;
    stats->link = delivery->link;
    stats->last_success_us = delivery->progress.last_success_us;
    stats->outstanding = delivery->table.signals + delivery->retries.signals;
    stats->source_away = delivery->source_away;
    stats->source_at_end = delivery->source_at_end;
    stats->in_flight = delivery->in_flight > 0;
    stats->hold_advice = delivery->advice;
}
