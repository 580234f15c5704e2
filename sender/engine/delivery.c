/* delivery: what goes next, and when. What an answer does is landing's. */
#include "engine/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/delivery_parts.h"
#include "engine/measure.h"

#define DOOM_INTERVAL_NS (1 * NS_PER_S)

/* So many different signals are tried one after the other while the link is not up, and then these again. */
enum { PROBES_MAX = 16 };

static void advance(struct delivery *delivery);

/* --- launching --------------------------------------------------------------------------------------------- */

static void on_answer(void *context, const struct transport_answer *answer)
{
    struct flight *flight = context;
    struct delivery *delivery = flight->delivery;
    delivery->in_flight--;
    delivery->moved_ns = clock_monotonic_ns();
    flight->batch->in_flight = false;
    measure_answer(flight, answer);
    measure_outcome(delivery, landing_handle(flight, answer));
    free(flight);
    advance(delivery);
}

static bool launch(struct delivery *delivery, struct feed *feed, struct batch *batch)
{
    struct err err = {0};
    size_t len;
    const char *body = batch_body(batch, &len);
    struct flight *flight = calloc(1, sizeof *flight);
    if (!flight)
        return false;
    *flight = (struct flight){.delivery = delivery,
                              .feed = feed,
                              .batch = batch,
                              .single = batch->count == 1,
                              .sent_ns = clock_monotonic_ns()};
    request_id_make(flight->id);
    struct transport_request request = {
        .method = "POST",
        .path = flight->single ? "/signal" : "/batch",
        .content_type = flight->single ? "application/json" : "application/x-ndjson",
        .body = body,
        .len = flight->single ? batch->items[0].len : len,
        .may_compress = backend_may_compress(&delivery->backend, flight->sent_ns),
        .fresh = delivery->backend.state != LINK_UP,
        .done = on_answer,
        .context = flight,
    };
    memcpy(request.id, flight->id, sizeof request.id);
    batch->in_flight = true;
    if (!delivery->transport->ops->send(delivery->transport->self, &request, &err)) {
        delivery->in_flight++;
        delivery->moved_ns = flight->sent_ns;
        log_write(delivery->log, LOG_DEBUG,
                  LOG_WITH(LOG_INT("signals", (int64_t)batch->count), LOG_STR("request_id", flight->id)),
                  "Request: POST %s", request.path);
        return true;
    }
    batch->in_flight = false;
    free(flight);
    struct transport_answer failed = {.failure = TRANSPORT_UNREACHABLE, .error = err.message};
    backend_retry(&delivery->backend, &failed);
    return false;
}

/* --- what goes next ---------------------------------------------------------------------------------------- */

/* What waits in memory for a person, or for its turn after others, is bounded. */
static bool holds_too_much(const struct delivery *delivery)
{
    return feeds_doomed(delivery->feeds) + feeds_postponed(delivery->feeds, false) >= DELIVERY_HELD_MAX;
}

static struct batch *read_feed(struct delivery *delivery, struct feed *feed)
{
    size_t most = delivery->backend.single ? 1 : delivery->backend.batch_size;
    struct batch *batch = NULL;
    while (!holds_too_much(delivery)) {
        batch = intake_read(&feed->intake, most, delivery->options.batch_bytes_max);
        if (!batch)
            break;
        outstanding_append(&feed->list, batch);
        if (!batch->doomed)
            break;
        batch = NULL;
    }
    landing_note_progress(delivery); /* it may have buried some, or passed some */
    return batch;
}

/* A row that the table shows was in the log before; so what the log has by now is read first. */
static struct batch *read_next(struct delivery *delivery, struct feed **feed)
{
    struct feed *lines = &delivery->feeds[FEED_LOG];
    if (lines->reads)
        intake_look(&lines->intake);
    for (size_t kind = 0; kind < FEED_COUNT; kind++) {
        *feed = &delivery->feeds[kind];
        struct batch *batch = (*feed)->reads ? read_feed(delivery, *feed) : NULL;
        if (batch)
            return batch;
    }
    return NULL;
}

static struct batch *find_waiting(struct delivery *delivery, struct feed **feed)
{
    for (size_t kind = 0; kind < FEED_COUNT; kind++) {
        *feed = &delivery->feeds[kind];
        struct batch *batch = outstanding_next(&(*feed)->list);
        if (batch)
            return batch;
    }
    return NULL;
}

/* While the link is not up something has to be the probe, and what fails by itself would prove nothing. */
static void recall(struct delivery *delivery)
{
    bool probes = delivery->backend.state != LINK_UP;
    for (size_t kind = 0; kind < FEED_COUNT; kind++)
        outstanding_recall(&delivery->feeds[kind].list, clock_monotonic_ns(), probes);
}

/* What waits already, then what can be read, then what was put off. */
static struct batch *choose_next(struct delivery *delivery, struct feed **feed)
{
    if (delivery->backend.state != LINK_UP && feeds_postponed(delivery->feeds, true) >= PROBES_MAX)
        recall(delivery);
    struct batch *batch = find_waiting(delivery, feed);
    if (!batch)
        batch = read_next(delivery, feed);
    if (batch)
        return batch;
    recall(delivery);
    return find_waiting(delivery, feed);
}

static bool launch_next(struct delivery *delivery)
{
    struct feed *feed;
    struct batch *batch = choose_next(delivery, &feed);
    if (!batch)
        return false;
    size_t most = batch->careful ? 1 : backend_batch_size(&delivery->backend);
    if (batch->count > most)
        batch = outstanding_take_front(&feed->list, batch, most);
    return batch && launch(delivery, feed, batch);
}

static unsigned flights_allowed(struct delivery *delivery)
{
    int64_t now = clock_monotonic_ns();
    bool single = backend_is_single(&delivery->backend, now);
    if (delivery->stopping)
        return 0;
    if (delivery->backend.state != LINK_UP)
        return now >= delivery->backend.retry_ns ? 1 : 0; /* one probe at a time */
    if (single)
        return delivery->options.single_max;
    return backend_is_shrunk(&delivery->backend) ? 1 : delivery->options.in_flight_max;
}

/* The first waiting signal leaves at once; those that arrive while requests are in flight are the next batch. */
static void pump(struct delivery *delivery)
{
    while (delivery->in_flight < flights_allowed(delivery))
        if (!launch_next(delivery))
            break;
}

/* Nothing is under way, and nothing waits but what is stuck: the tallies are exact but for that, and nobody is kept
 * waiting by a sweep. */
static bool is_calm(const struct delivery *delivery)
{
    for (size_t kind = 0; kind < FEED_COUNT; kind++) {
        const struct feed *feed = &delivery->feeds[kind];
        if (!outstanding_is_quiet(&feed->list) || (feed->reads && !feed->intake.at_end))
            return false;
    }
    bool writable = !delivery->journal.failing || delivery->journal.unkept;
    return delivery->backend.state == LINK_UP && writable && !delivery->stopping;
}

static void advance(struct delivery *delivery)
{
    pump(delivery);
    sweep_tick(&delivery->sweep, clock_monotonic_ns(), is_calm(delivery));
    if (delivery->sweep.state == SWEEP_SENDING) /* it may have found something */
        pump(delivery);
}

void delivery_look(struct delivery *delivery)
{
    for (size_t kind = FEED_LOG; kind <= FEED_TABLE; kind++)
        if (delivery->feeds[kind].reads)
            intake_look(&delivery->feeds[kind].intake);
    advance(delivery);
}

/* --- dead letters that are sent again ---------------------------------------------------------------------- */

/* As Argo's row stands now, if it was mended; else as it was. */
static const char *letter_json(struct delivery *delivery, const struct dead_letter *letter)
{
    const struct table *table = delivery->sweep.table;
    char ignored[DIGEST_HEX_LEN + 1];
    struct place before = {0};
    if (!table || !table->ops->find(table->self, letter->signal_id, &before.position, ignored))
        return letter->json;
    before.position--;
    return intake_letter_json(&delivery->feeds[FEED_TABLE].intake, &before, letter);
}

static bool add_letter(void *self, const struct dead_letter *letter)
{
    struct delivery *delivery = self;
    struct outstanding *letters = &delivery->feeds[FEED_LETTERS].list;
    if (letters->batches >= delivery->options.batch_max)
        return false;
    for (const struct batch *batch = letters->first; batch; batch = batch->next)
        if (batch->items[0].dead_id == letter->id)
            return true; /* on its way already */
    struct batch_item item = {.dead_id = letter->id,
                              .mark = "",
                              .signal_id = letter->signal_id,
                              .sha256 = letter->sha256,
                              .symbol = letter->symbol,
                              .action = letter->action};
    struct batch *batch = batch_new(&(struct place){0});
    const char *json = letter_json(delivery, letter);
    if (!batch || batch_add(batch, &item, json, strlen(json))) {
        batch_free(batch);
        return false;
    }
    batch->read_ns = clock_monotonic_ns();
    outstanding_append(letters, batch);
    return true;
}

void delivery_look_at_retries(struct delivery *delivery)
{
    journal_each_retry(&delivery->journal, add_letter, delivery);
    advance(delivery);
}

/* --- time -------------------------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* When pump would do something that no answer calls it for: the next attempt, or the rest of a long reading. */
static int64_t pump_due(const struct delivery *delivery)
{
    bool up = delivery->backend.state == LINK_UP;
    if (delivery->stopping || delivery->in_flight)
        return INT64_MAX;
    for (size_t kind = 0; kind < FEED_COUNT; kind++)
        if (delivery->feeds[kind].intake.more && !holds_too_much(delivery))
            return up ? 0 : delivery->backend.retry_ns;
    int64_t due = INT64_MAX;
    for (size_t kind = 0; kind < FEED_COUNT; kind++)
        due = earlier(due, outstanding_due(&delivery->feeds[kind].list));
    return up || due == INT64_MAX ? due : later(due, delivery->backend.retry_ns);
}

int64_t delivery_due(const struct delivery *delivery)
{
    int64_t due = earlier(pump_due(delivery), journal_due(&delivery->journal));
    if (feeds_doomed(delivery->feeds))
        due = earlier(due, delivery->doom_ns);
    return delivery->stopping ? due : earlier(due, sweep_due(&delivery->sweep));
}

void delivery_tick(struct delivery *delivery, int64_t now_ns)
{
    journal_tick(&delivery->journal, now_ns);
    if (feeds_doomed(delivery->feeds) && now_ns >= delivery->doom_ns) {
        delivery->doom_ns = now_ns + DOOM_INTERVAL_NS;
        landing_bury_doomed(delivery);
    }
    if (now_ns >= pump_due(delivery) || now_ns >= sweep_due(&delivery->sweep))
        advance(delivery);
}

/* --- life -------------------------------------------------------------------------------------------------- */

static void open_feed(struct delivery *delivery, enum feed_kind kind, const struct intake_options *intake)
{
    struct feed *feed = &delivery->feeds[kind];
    feed->reads = true;
    intake_init(&feed->intake, intake, &delivery->journal.progress.places[intake->origin], &delivery->journal,
                delivery->log);
}

static void open_feeds(struct delivery *delivery, const struct delivery_ends *ends)
{
    struct once *once = &delivery->once;
    intake_decide *decide = ends->lines ? once_for_row : NULL;
    *once = (struct once){.table = ends->table,
                          .journal = &delivery->journal,
                          .log = ends->log,
                          .lines = &delivery->feeds[FEED_LOG],
                          .rows = &delivery->feeds[FEED_TABLE]};
    for (size_t kind = 0; kind < FEED_COUNT; kind++)
        delivery->feeds[kind].kind = (enum feed_kind)kind;
    open_feed(
        delivery, FEED_TABLE,
        &(struct intake_options){
            .source = ends->rows, .origin = ORIGIN_TABLE, .decide = decide, .decider = once, .tallies = true});
    if (ends->lines)
        open_feed(delivery, FEED_LOG,
                  &(struct intake_options){.source = ends->lines,
                                           .origin = ORIGIN_LOG,
                                           .decide = once_for_line,
                                           .decider = once,
                                           .advisory = true});
    if (ends->table) {
        open_feed(delivery, FEED_SWEEP, &(struct intake_options){.source = ends->rows, .origin = ORIGIN_TABLE});
        delivery->feeds[FEED_SWEEP].intake.at_end = true; /* until a sweep finds something */
    }
}

static void open_sweep(struct delivery *delivery, const struct delivery_ends *ends)
{
    delivery->sweep = (struct sweep){.table = ends->table,
                                     .journal = &delivery->journal,
                                     .log = ends->log,
                                     .feed = &delivery->feeds[FEED_SWEEP],
                                     .rows = &delivery->feeds[FEED_TABLE]};
    sweep_init(&delivery->sweep, delivery->options.sweep_interval_ns, clock_monotonic_ns());
}

struct delivery *delivery_open(const struct delivery_options *options, const struct delivery_ends *ends,
                               struct err *err)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) {
        err_set(err, "out of memory");
        return NULL;
    }
    delivery->options = *options;
    delivery->delivered_at_stumble = -1;
    delivery->transport = ends->transport;
    delivery->log = ends->log;
    delivery->metrics = ends->metrics;
    if (journal_open(&delivery->journal, ends->state, ends->log, err)) {
        free(delivery);
        return NULL;
    }
    if (options->from_beginning) {
        journal_restart_table(&delivery->journal);
        journal_clear_sent(&delivery->journal);
    }
    open_feeds(delivery, ends);
    open_sweep(delivery, ends);
    delivery->backend = (struct backend){
        .log = ends->log,
        .url = options->url,
        .hold_interval_ns = options->probe_interval_ns,
        .batch_size = options->batch_max,
        .batch_max = options->batch_max,
        .backoff = {.first_ns = options->retry_first_ns, .cap_ns = options->probe_interval_ns},
    };
    return delivery;
}

void delivery_close(struct delivery *delivery)
{
    if (!delivery)
        return;
    journal_tick(&delivery->journal, INT64_MAX);
    for (size_t kind = 0; kind < FEED_COUNT; kind++) {
        intake_clear(&delivery->feeds[kind].intake);
        outstanding_clear(&delivery->feeds[kind].list);
    }
    free(delivery);
}

void delivery_retry_now(struct delivery *delivery)
{
    delivery->backend.retry_ns = 0;
    advance(delivery);
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
        .last_success_us = delivery->journal.progress.last_success_us,
        .source_away = delivery->feeds[FEED_TABLE].intake.away,
        .state_failing = delivery->journal.failing,
        .source_at_end = true,
        .in_flight = delivery->in_flight > 0,
        .hold_advice = delivery->backend.advice,
    };
    for (size_t kind = 0; kind < FEED_COUNT; kind++) {
        const struct feed *feed = &delivery->feeds[kind];
        stats->outstanding += feed->list.signals;
        stats->skipped += feed->intake.skipped;
        stats->source_at_end &= !feed->reads || feed->intake.at_end;
    }
}
