/* backend: the one writer of the link's state. */
#include "engine/backend.h"

#include "base/clock.h"
#include "base/digest.h"
#include "engine/policy.h"

/* What an older receiver, or something on the way, did not know: it may have been replaced meanwhile. */
#define BATCH_RECHECK_NS (600 * NS_PER_S)

/* With the default of ALPINE_RETRY_FIRST at most 1, 2 and 4 s apart; after that the link counts as down. */
enum { QUICK_RETRIES = 3 };

static uint32_t random_bits(void)
{
    uint32_t bits = 0;
    struct err ignored;
    (void)!digest_random((unsigned char *)&bits, sizeof bits, &ignored);
    return bits;
}

void backend_up(struct backend *backend)
{
    if (backend->state != LINK_UP)
        log_write(backend->log, LOG_INFO, LOG_PLAIN, "Alpine backend is back: %s", backend->url);
    if (backend->was_away)
        backend->batch_size = backend->batch_max;
    backend->was_away = false;
    backend->state = LINK_UP;
    backend->advice = NULL;
    backoff_reset(&backend->backoff);
}

static void say_retrying(struct backend *backend, const struct transport_answer *answer)
{
    if (backend->state == LINK_RETRYING || backend->state == LINK_DOWN)
        log_write(backend->log, LOG_DEBUG,
                  LOG_WITH(LOG_INT("status", answer->status), LOG_STR("error", answer->error),
                           LOG_STR("request_id", answer->request_id)),
                  "Another attempt failed: %s", backend->url);
    else if (answer->failure != TRANSPORT_OK)
        log_write_limited(backend->log, LOG_WARN,
                          LOG_WITH(LOG_STR("error", answer->error), LOG_STR("request_id", answer->request_id)),
                          "Connection error - Alpine backend unreachable: %s", backend->url);
    else if (answer->status >= 200 && answer->status < 300)
        log_write_limited(backend->log, LOG_WARN,
                          LOG_WITH(LOG_INT("status", answer->status), LOG_STR("request_id", answer->request_id)),
                          "Not every signal of an answer is settled; sending the others again: %s", backend->url);
    else
        log_write_limited(backend->log, LOG_WARN,
                          LOG_WITH(LOG_INT("status", answer->status), LOG_STR("request_id", answer->request_id)),
                          "Alpine backend cannot take signals now; trying again until it does: %s", backend->url);
}

void backend_retry(struct backend *backend, const struct transport_answer *answer)
{
    int64_t now = clock_monotonic_ns();
    say_retrying(backend, answer);
    if (backend->state == LINK_UP || now >= backend->retry_ns)
        backend->retry_ns = now + backoff_next(&backend->backoff, random_bits(), answer->retry_after_ns);
    if (answer->retry_after_ns && backend->retry_ns < now + answer->retry_after_ns)
        backend->retry_ns = now + answer->retry_after_ns;
    backend->was_away |= backend->state == LINK_DOWN;
    bool down = backend->backoff.failures > QUICK_RETRIES;
    if (down && backend->state != LINK_DOWN)
        log_write_limited(backend->log, LOG_ERROR, LOG_WITH(LOG_STR("request_id", answer->request_id)),
                          "Alpine backend is down: %s; everything is kept, and sent when it is back", backend->url);
    backend->state = down ? LINK_DOWN : LINK_RETRYING;
    backend->advice = NULL;
}

int64_t backend_rest_ns(const struct backend *backend, unsigned failures)
{
    struct backoff backoff = backend->backoff;
    backoff.failures = failures;
    return backoff_next(&backoff, random_bits(), 0);
}

void backend_hold(struct backend *backend, const struct transport_answer *answer)
{
    const char *advice = policy_advice(answer);
    if (backend->state != LINK_HOLDING || backend->advice != advice)
        log_write(backend->log, LOG_ERROR,
                  LOG_WITH(LOG_STR("url", backend->url), LOG_INT("status", answer->status),
                           LOG_STR("error", *answer->error ? answer->error : NULL),
                           LOG_STR("request_id", answer->request_id)),
                  "%s", advice);
    backend->state = LINK_HOLDING;
    backend->advice = advice;
    backend->retry_ns = clock_monotonic_ns() + backend->hold_interval_ns;
}

void backend_go_single(struct backend *backend, unsigned single_max)
{
    if (!backend->single)
        log_write(backend->log, LOG_INFO, LOG_PLAIN,
                  "The receiver has no batch call: sending single signals, %u at a time", single_max);
    backend->single = true;
    backend->batch_again_ns = clock_monotonic_ns() + BATCH_RECHECK_NS;
}

void backend_distrust_compression(struct backend *backend)
{
    int64_t now = clock_monotonic_ns();
    if (backend_may_compress(backend, now))
        log_write(backend->log, LOG_WARN, LOG_PLAIN,
                  "A compressed batch was not understood: sending them plain for a while");
    backend->compress_again_ns = now + BATCH_RECHECK_NS;
}

bool backend_may_compress(const struct backend *backend, int64_t now_ns)
{
    return now_ns >= backend->compress_again_ns;
}

size_t backend_batch_size(const struct backend *backend)
{
    bool any = !backend->single && (backend->state == LINK_UP || backend->state == LINK_RETRYING);
    return any ? backend->batch_size : 1;
}

void backend_shrink_batch(struct backend *backend, size_t count)
{
    if (count / 2 < backend->batch_size)
        backend->batch_size = count > 1 ? count / 2 : 1;
}

void backend_grow_batch(struct backend *backend, size_t count)
{
    if (count < backend->batch_size)
        return;
    size_t twice = backend->batch_size * 2;
    backend->batch_size = twice < backend->batch_max ? twice : backend->batch_max;
}

bool backend_is_shrunk(const struct backend *backend)
{
    return backend->batch_size < backend->batch_max;
}

bool backend_is_single(struct backend *backend, int64_t now_ns)
{
    if (backend->single && now_ns >= backend->batch_again_ns)
        backend->single = false;
    return backend->single;
}
