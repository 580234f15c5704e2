/* metadata: what only a server beside this program knows: a container's credentials, an instance's, its region. */
#ifndef ALPINE_AWS_METADATA_H
#define ALPINE_AWS_METADATA_H

#include <stdint.h>

#include "aws/http.h"
#include "aws/setup.h"

struct aws_metadata {
    struct aws_http *http;
    const struct aws_setup *setup;
    int64_t deadline_ns;
    struct arena *arena; /* owns what is found */
};

/* All return OUTCOME_DONE with a result; OUTCOME_AGAIN if nobody answered; OUTCOME_HOLD if the answer has none. */

/* From the place that the container's variables name. */
enum outcome aws_metadata_container(const struct aws_metadata *metadata, struct aws_keys *keys, struct err *err);
/* The credentials of the instance's role. *no_role is set if the instance has none (and the outcome is
 * OUTCOME_HOLD). */
enum outcome aws_metadata_instance(const struct aws_metadata *metadata, struct aws_keys *keys, bool *no_role,
                                   struct err *err);
enum outcome aws_metadata_region(const struct aws_metadata *metadata, const char **region, struct err *err);

#endif
