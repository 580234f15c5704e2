/* policy: docs/architecture.md, "Failures", gives the reasons. */
#include "engine/policy.h"

#include <stddef.h>

static const struct {
    int status;
    enum outcome outcome;
    const char *advice;
} rules[] = {
    {200, OUTCOME_DONE, NULL},
    {201, OUTCOME_DONE, NULL},
    {409, OUTCOME_DONE, NULL}, /* a duplicate: it is stored */
    {400, OUTCOME_NEVER, NULL},
    {413, OUTCOME_NEVER, NULL},
    {422, OUTCOME_NEVER, NULL},
    {401, OUTCOME_HOLD, "Authentication failed - check ARGO_API_KEY"},
    {403, OUTCOME_HOLD, "The receiver forbids it - check ARGO_API_KEY and what stands in front of the receiver"},
    {404, OUTCOME_HOLD, "There is no receiver at this address - check ALPINE_API_URL"},
    {405, OUTCOME_HOLD, "There is no receiver at this address - check ALPINE_API_URL"},
    {501, OUTCOME_HOLD, "There is no receiver at this address - check ALPINE_API_URL"},
};

/* 1xx, 408, 425, 429, 5xx, other 2xx and what nobody has heard of: again. */
enum outcome policy_outcome(const struct transport_answer *answer)
{
    if (answer->failure == TRANSPORT_UNTRUSTED)
        return OUTCOME_HOLD;
    if (answer->failure != TRANSPORT_OK)
        return OUTCOME_AGAIN;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].status == answer->status)
            return rules[i].outcome;
    return answer->status >= 300 && answer->status < 400 ? OUTCOME_HOLD : OUTCOME_AGAIN;
}

const char *policy_advice(const struct transport_answer *answer)
{
    if (answer->failure == TRANSPORT_UNTRUSTED)
        return "TLS failure - check the receiver's certificate and ALPINE_API_URL";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].status == answer->status && rules[i].advice)
            return rules[i].advice;
    return "The receiver's address redirects elsewhere - check ALPINE_API_URL";
}
