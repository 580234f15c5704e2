/* health: the rules of readiness, and their words. */
#include "engine/health.h"

#include "base/clock.h"

bool health_has(const struct health_facts *facts, enum health_trouble trouble)
{
    switch (trouble) {
    case HEALTH_LAG:
        return facts->oldest_age_us > facts->lag_limit_ns / NS_PER_US;
    case HEALTH_HOLD:
        return facts->stats.link == LINK_HOLDING;
    case HEALTH_SOURCE:
        return facts->stats.source_away;
    case HEALTH_STATE:
        return facts->stats.state_failing;
    case HEALTH_STOPPING:
        return facts->stopping;
    case HEALTH_TROUBLE_COUNT:
        break;
    }
    return false;
}

bool health_is_ready(const struct health_facts *facts)
{
    for (unsigned trouble = 0; trouble < HEALTH_TROUBLE_COUNT; trouble++)
        if (health_has(facts, (enum health_trouble)trouble))
            return false;
    return true;
}

const char *health_trouble_name(enum health_trouble trouble)
{
    static const char *const names[HEALTH_TROUBLE_COUNT] = {
        [HEALTH_LAG] = "lag",     [HEALTH_HOLD] = "hold",         [HEALTH_SOURCE] = "source",
        [HEALTH_STATE] = "state", [HEALTH_STOPPING] = "stopping",
    };
    return names[trouble];
}

static void explain_lag(const struct health_facts *facts, struct buf *text)
{
    const char *why = facts->stats.link == LINK_UP ? "" : "; Alpine is out of reach";
    if (facts->stats.link == LINK_HOLDING)
        why = "";
    buf_add_format(text, "the oldest unsent signal is %lld s old, more than ALPINE_MAX_LAG (%g s)%s",
                   (long long)(facts->oldest_age_us / 1000000), (double)facts->lag_limit_ns / (double)NS_PER_S,
                   why);
}

void health_explain(const struct health_facts *facts, enum health_trouble trouble, struct buf *text)
{
    const char *advice = facts->stats.hold_advice;
    if (trouble == HEALTH_LAG)
        explain_lag(facts, text);
    else if (trouble == HEALTH_HOLD)
        buf_add_format(text, "on hold (%s)", advice ? advice : "");
    else if (trouble == HEALTH_SOURCE)
        buf_add_text(text, "Argo's table cannot be read");
    else if (trouble == HEALTH_STATE)
        buf_add_text(text, "the state directory cannot be written");
    else if (trouble == HEALTH_STOPPING)
        buf_add_text(text, "it is being stopped");
}
