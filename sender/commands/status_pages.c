/* status_pages: looks at the delivery and at Argo's files when somebody asks, and writes what it saw. */
#include "commands/status_pages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/state_letters.h"
#include "adapters/status_http.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/listen.h"
#include "commands/pending.h"
#include "commands/status_json.h"
#include "engine/backlog.h"
#include "engine/health.h"
#include "engine/metrics.h"

#define JSON "application/json"
/* After a look at files and letters there is none for so many times as long as it took: however much is there, and
 * however often somebody asks, delivery has the loop for itself most of the time. */
enum { REST_FACTOR = 20 };

struct status_pages {
    struct link *link;
    struct state *state;
    struct metrics *metrics;
    struct status_http *http;
    struct pending unread; /* of the last look … */
    int64_t letters[SENDER_DEAD_REASONS];
    int64_t look_ns; /* … which is good until then; monotonic */
};

/* What a page is made of. */
struct view {
    struct health_facts facts;
    struct backlog backlog;
    int64_t pending; /* -1: it cannot be told */
    int64_t dead;
};

/* --- looking ----------------------------------------------------------------------------------------------- */

static void count_reason(void *self, const char *reason, int64_t count)
{
    int64_t *letters = self;
    letters[sender_metrics_dead_series(reason)] += count;
}

static void look_at_letters(struct status_pages *pages)
{
    int64_t letters[SENDER_DEAD_REASONS] = {0};
    struct err ignored;
    if (!state_letters_each_reason(pages->state, count_reason, letters, &ignored))
        memcpy(pages->letters, letters, sizeof letters);
}

static void look(struct status_pages *pages)
{
    int64_t began = clock_monotonic_ns();
    if (began < pages->look_ns)
        return;
    pages->unread = pending_unread(pages->link->settings, pages->state, pages->link->delivery);
    look_at_letters(pages);
    int64_t now = clock_monotonic_ns();
    pages->look_ns = now + REST_FACTOR * (now - began);
}

/* Of what was read and of what was not. */
static int64_t oldest_age_us(const struct status_pages *pages)
{
    int64_t wall = clock_wall_us();
    int64_t read = backlog_age_us(pages->link->delivery, wall, clock_monotonic_ns());
    int64_t unread = pages->unread.oldest_us > 0 ? wall - pages->unread.oldest_us : -1;
    return read > unread ? read : unread;
}

static void view(struct status_pages *pages, struct view *view)
{
    struct link *link = pages->link;
    look(pages);
    *view = (struct view){.facts = {.lag_limit_ns = link->settings->lag_max_ns, .stopping = link->stop_asked}};
    delivery_stats(link->delivery, &view->facts.stats);
    backlog_look(link->delivery, &view->backlog);
    if (view->backlog.at_end)
        pages->unread = (struct pending){0}; /* however old the look is */
    view->facts.oldest_age_us = oldest_age_us(pages);
    bool known = pages->unread.count >= 0 && !view->facts.stats.source_away;
    view->pending = known ? (int64_t)view->backlog.waiting + pages->unread.count : -1;
    for (size_t i = 0; i < SENDER_DEAD_REASONS; i++)
        view->dead += pages->letters[i];
}

/* --- /livez, /readyz, /status ------------------------------------------------------------------------------ */

/* 0: nothing waits; NAN: it is not known whether something does. */
static double age_s(const struct view *view)
{
    if (view->facts.oldest_age_us > 0)
        return (double)view->facts.oldest_age_us / 1e6;
    return view->pending < 0 ? NAN : 0;
}

static const char *link_name(enum link_state state)
{
    static const char *const names[] = {
        [LINK_UP] = "up", [LINK_RETRYING] = "retrying", [LINK_DOWN] = "down", [LINK_HOLDING] = "holding"};
    return names[state];
}

static void add_reasons(struct buf *body, const struct health_facts *facts)
{
    const char *comma = "";
    json_text_name(body, "reasons");
    buf_add_char(body, '[');
    for (unsigned i = 0; i < HEALTH_TROUBLE_COUNT; i++) {
        enum health_trouble trouble = (enum health_trouble)i;
        struct buf detail = {0};
        if (!health_has(facts, trouble))
            continue;
        health_explain(facts, trouble, &detail);
        buf_add_text(body, comma);
        buf_add_char(body, '{');
        json_text_member_cstring(body, "reason", health_trouble_name(trouble));
        json_text_member_cstring(body, "detail", detail.data);
        buf_add_char(body, '}');
        buf_clear(&detail);
        comma = ",";
    }
    buf_add_char(body, ']');
}

/* The loop turns, otherwise there were no answer. */
static int write_livez(void *context, struct buf *body)
{
    (void)context;
    buf_add_text(body, "{\"status\":\"alive\"}\n");
    return 200;
}

static int write_readyz(void *context, struct buf *body)
{
    struct view seen;
    view(context, &seen);
    bool ready = health_is_ready(&seen.facts);
    buf_add_char(body, '{');
    json_text_member_cstring(body, "status", ready ? "ready" : "unready");
    if (!ready)
        add_reasons(body, &seen.facts);
    buf_add_text(body, "}\n");
    return ready ? 200 : 503;
}

static int write_status(void *context, struct buf *body)
{
    struct view seen;
    view(context, &seen);
    const struct state_progress *progress = &seen.backlog.progress;
    struct status_figures figures = {
        .delivered = progress->delivered,
        .pending = seen.pending,
        .dead = seen.dead,
        .last_success_us = progress->last_success_us,
        .lag_s = age_s(&seen),
        .position = progress->places[ORIGIN_TABLE].position,
        .running = true,
    };
    buf_add_char(body, '{');
    status_json_add(body, &figures);
    json_text_name(body, "oldest_unsent_age_seconds");
    if (isnan(age_s(&seen)))
        buf_add_text(body, "null");
    else
        buf_add_format(body, "%.3f", age_s(&seen));
    json_text_member_cstring(body, "link", link_name(seen.facts.stats.link));
    json_text_member_cstring(body, "hold_advice", seen.facts.stats.hold_advice);
    json_text_member_bool(body, "ready", health_is_ready(&seen.facts));
    add_reasons(body, &seen.facts);
    json_text_member_cstring(body, "version", ALPINE_VERSION);
    buf_add_text(body, "}\n");
    return 200;
}

/* --- /metrics ---------------------------------------------------------------------------------------------- */

static void set(struct metrics *metrics, enum sender_metric id, double value)
{
    metrics_set(metrics, id, 0, value);
}

static void set_signals(struct metrics *metrics, const struct delivery_stats *stats)
{
    metrics_set(metrics, SENDER_SIGNALS, RESULT_DELIVERED, (double)(stats->delivered - stats->duplicates));
    metrics_set(metrics, SENDER_SIGNALS, RESULT_DUPLICATE, (double)stats->duplicates);
    metrics_set(metrics, SENDER_SIGNALS, RESULT_DEAD, (double)stats->dead);
    metrics_set(metrics, SENDER_SIGNALS, RESULT_SKIPPED, (double)stats->skipped);
}

static int write_metrics(void *context, struct buf *body)
{
    struct status_pages *pages = context;
    struct metrics *metrics = pages->metrics;
    struct view seen;
    view(pages, &seen);
    const struct delivery_stats *stats = &seen.facts.stats;
    set_signals(metrics, stats);
    set(metrics, SENDER_PENDING, seen.pending < 0 ? NAN : (double)seen.pending);
    set(metrics, SENDER_OLDEST_UNSENT_AGE, age_s(&seen));
    for (unsigned i = 0; i < SENDER_DEAD_REASONS; i++)
        metrics_set(metrics, SENDER_DEAD_LETTERS, i, (double)pages->letters[i]);
    set(metrics, SENDER_LINK_UP, stats->link == LINK_UP);
    set(metrics, SENDER_ON_HOLD, health_has(&seen.facts, HEALTH_HOLD));
    set(metrics, SENDER_READY, health_is_ready(&seen.facts));
    set(metrics, SENDER_LAST_SUCCESS, stats->last_success_us ? (double)stats->last_success_us / 1e6 : NAN);
    set(metrics, SENDER_SOURCE_READABLE, !health_has(&seen.facts, HEALTH_SOURCE));
    set(metrics, SENDER_STATE_WRITABLE, !health_has(&seen.facts, HEALTH_STATE));
    metrics_write(metrics, body);
    return 200;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static const struct status_page table[] = {
    {"/livez", JSON, write_livez},
    {"/readyz", JSON, write_readyz},
    {"/status", JSON, write_status},
    {"/metrics", METRICS_CONTENT_TYPE, write_metrics},
};

struct status_pages *status_pages_open(struct link *link, struct state *state, struct metrics *metrics,
                                       struct err *err)
{
    struct err reason = {0};
    struct status_pages *pages = calloc(1, sizeof *pages);
    if (!pages) {
        err_set(err, "out of memory");
        return NULL;
    }
    *pages = (struct status_pages){.link = link, .state = state, .metrics = metrics};
    struct status_http_options options = {
        .loop = link->loop,
        .listen_fd = listen_open(link->settings->status_listen, &reason),
        .pages = table,
        .page_count = sizeof table / sizeof *table,
        .context = pages,
    };
    if (options.listen_fd >= 0)
        pages->http = status_http_open(&options, &reason);
    if (pages->http)
        return pages;
    err_set(err, "ALPINE_SENDER_LISTEN: %s", reason.message);
    free(pages);
    return NULL;
}

void status_pages_close(struct status_pages *pages)
{
    if (!pages)
        return;
    status_http_close(pages->http);
    free(pages);
}
