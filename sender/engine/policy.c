/* policy: every kind of failure, the first row that fits. docs/design.md, "Failures", gives the reasons. */
#include "engine/policy.h"

#include <stddef.h>

#define NO_RECEIVER "There is no receiver at this address - check ALPINE_API_URL"

enum { ANY_STATUS = 999 };

/* May the failure come from what was in the request? */
enum cause {
    CAUSE_LINK,    /* no: any other one fares alike */
    CAUSE_CONTENT, /* perhaps: something on the way, or the receiver, may break at a certain signal */
    CAUSE_SIGNAL,  /* so it seems: it is what a receiver says that stumbles over a signal, or does not spell it out
                    */
};

static const struct rule {
    enum transport_failure failure;
    int first, last; /* of HTTP's statuses */
    enum outcome outcome;
    enum cause cause;   /* if it is AGAIN or HOLD after all */
    const char *advice; /* for HOLD: what a person can do */
} rules[] = {
    {TRANSPORT_UNREACHABLE, 0, ANY_STATUS, OUTCOME_AGAIN, CAUSE_LINK, NULL},
    {TRANSPORT_BROKEN, 0, ANY_STATUS, OUTCOME_AGAIN, CAUSE_CONTENT, NULL},
    {TRANSPORT_TIMED_OUT, 0, ANY_STATUS, OUTCOME_AGAIN, CAUSE_CONTENT, NULL},
    {TRANSPORT_NONSENSE, 0, ANY_STATUS, OUTCOME_AGAIN, CAUSE_CONTENT, NULL},
    {TRANSPORT_UNTRUSTED, 0, ANY_STATUS, OUTCOME_HOLD, CAUSE_LINK,
     "TLS failure - check the receiver's certificate and ALPINE_API_URL"},
    {TRANSPORT_OK, 200, 201, OUTCOME_DONE, CAUSE_SIGNAL, NULL}, /* if the body names the signals */
    {TRANSPORT_OK, 202, 299, OUTCOME_AGAIN, CAUSE_SIGNAL, NULL},
    {TRANSPORT_OK, 300, 399, OUTCOME_HOLD, CAUSE_CONTENT,
     "The receiver's address redirects elsewhere - check ALPINE_API_URL"},
    {TRANSPORT_OK, 400, 400, OUTCOME_NEVER, CAUSE_SIGNAL, NULL}, /* if the body says why */
    {TRANSPORT_OK, 401, 401, OUTCOME_HOLD, CAUSE_LINK, "Authentication failed - check ARGO_API_KEY"},
    {TRANSPORT_OK, 403, 403, OUTCOME_HOLD, CAUSE_CONTENT,
     "The receiver forbids it - check ARGO_API_KEY and what stands in front of the receiver"},
    {TRANSPORT_OK, 404, 405, OUTCOME_HOLD, CAUSE_LINK, NO_RECEIVER},
    {TRANSPORT_OK, 408, 408, OUTCOME_AGAIN, CAUSE_LINK, NULL},
    {TRANSPORT_OK, 409, 409, OUTCOME_DONE, CAUSE_SIGNAL, NULL}, /* a duplicate: it is stored */
    {TRANSPORT_OK, 413, 413, OUTCOME_NEVER, CAUSE_SIGNAL, NULL},
    {TRANSPORT_OK, 422, 422, OUTCOME_NEVER, CAUSE_SIGNAL, NULL}, /* if the body says why */
    {TRANSPORT_OK, 425, 425, OUTCOME_AGAIN, CAUSE_LINK, NULL},
    {TRANSPORT_OK, 429, 429, OUTCOME_AGAIN, CAUSE_LINK, NULL},
    {TRANSPORT_OK, 500, 500, OUTCOME_AGAIN, CAUSE_SIGNAL, NULL},
    {TRANSPORT_OK, 501, 501, OUTCOME_HOLD, CAUSE_LINK, NO_RECEIVER},
    {TRANSPORT_OK, 502, 502, OUTCOME_AGAIN, CAUSE_CONTENT, NULL},
    {TRANSPORT_OK, 503, 503, OUTCOME_AGAIN, CAUSE_LINK, NULL},
    {TRANSPORT_OK, 504, 504, OUTCOME_AGAIN, CAUSE_CONTENT, NULL},
    /* What nobody has heard of. */
    {TRANSPORT_OK, 0, ANY_STATUS, OUTCOME_AGAIN, CAUSE_CONTENT, NULL},
};

static const struct rule *find_rule(const struct transport_answer *answer)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].failure == answer->failure && answer->status >= rules[i].first &&
            answer->status <= rules[i].last)
            return &rules[i];
    return &rules[0];
}

enum outcome policy_outcome(const struct transport_answer *answer)
{
    return find_rule(answer)->outcome;
}

const char *policy_advice(const struct transport_answer *answer)
{
    const char *advice = find_rule(answer)->advice;
    return advice ? advice : "";
}

bool policy_blames_signal(const struct transport_answer *answer)
{
    return find_rule(answer)->cause == CAUSE_SIGNAL;
}

bool policy_may_blame_signal(const struct transport_answer *answer)
{
    return find_rule(answer)->cause != CAUSE_LINK;
}
