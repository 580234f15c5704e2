/* outcome: what every boundary answers. */
#ifndef ALPINE_BASE_OUTCOME_H
#define ALPINE_BASE_OUTCOME_H

enum outcome {
    OUTCOME_DONE,  /* it is so, durably */
    OUTCOME_AGAIN, /* not now; the same call later may succeed */
    OUTCOME_HOLD,  /* something is misconfigured: keep everything until a person has mended it */
    OUTCOME_NEVER, /* this one never will; the others are not concerned */
};

#endif
