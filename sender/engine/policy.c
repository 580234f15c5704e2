/* policy: every kind of failure, the first row that fits. docs/architecture.md, "Failures", gives the reasons. */
#include "engine/policy.h"

#include <stddef.h>

#define NO_RECEIVER "There is no receiver at this address - check ALPINE_API_URL"

enum { ANY_STATUS = 999 };

static const struct rule {
    enum transport_failure failure;
    int first, last; /* of HTTP's statuses */
    enum outcome outcome;
    const char *advice; /* for HOLD: what a person can do */
} rules[] = {
    {TRANSPORT_UNREACHABLE, 0, ANY_STATUS, OUTCOME_AGAIN, NULL},
    {TRANSPORT_TIMED_OUT, 0, ANY_STATUS, OUTCOME_AGAIN, NULL},
    {TRANSPORT_NONSENSE, 0, ANY_STATUS, OUTCOME_AGAIN, NULL},
    {TRANSPORT_UNTRUSTED, 0, ANY_STATUS, OUTCOME_HOLD,
     "TLS failure - check the receiver's certificate and ALPINE_API_URL"},
    {TRANSPORT_OK, 200, 201, OUTCOME_DONE, NULL}, /* if the body names the signals */
    {TRANSPORT_OK, 300, 399, OUTCOME_HOLD, "The receiver's address redirects elsewhere - check ALPINE_API_URL"},
    {TRANSPORT_OK, 400, 400, OUTCOME_NEVER, NULL},
    {TRANSPORT_OK, 401, 401, OUTCOME_HOLD, "Authentication failed - check ARGO_API_KEY"},
    {TRANSPORT_OK, 403, 403, OUTCOME_HOLD,
     "The receiver forbids it - check ARGO_API_KEY and what stands in front of the receiver"},
    {TRANSPORT_OK, 404, 405, OUTCOME_HOLD, NO_RECEIVER},
    {TRANSPORT_OK, 409, 409, OUTCOME_DONE, NULL}, /* a duplicate: it is stored */
    {TRANSPORT_OK, 413, 413, OUTCOME_NEVER, NULL},
    {TRANSPORT_OK, 422, 422, OUTCOME_NEVER, NULL},
    {TRANSPORT_OK, 501, 501, OUTCOME_HOLD, NO_RECEIVER},
    /* 408, 425, 429, 5xx, other 2xx and what nobody has heard of */
    {TRANSPORT_OK, 0, ANY_STATUS, OUTCOME_AGAIN, NULL},
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
    int status = answer->status;
    bool success = status >= 200 && status < 300;
    return answer->failure == TRANSPORT_OK && (success || status == 500 || status == 400 || status == 422);
}
