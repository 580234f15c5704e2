/* credentials: the chain of places that may have them, and where the requests go. */
#ifndef ALPINE_AWS_CREDENTIALS_H
#define ALPINE_AWS_CREDENTIALS_H

#include "aws/metadata.h"

struct aws_credentials {
    struct aws_keys keys;
    const char *region;
    const char *endpoint; /* the address of Secrets Manager */
};

/* Environment or profile, else container, else instance; then region and endpoint. All that it finds lives in the
 * metadata's arena. OUTCOME_DONE without keys: nothing but the machine's looks spoke for AWS, and it has no role;
 * err says so. OUTCOME_AGAIN, OUTCOME_HOLD: as in metadata.h. */
enum outcome aws_credentials_find(const struct aws_metadata *metadata, struct aws_credentials *credentials,
                                  struct err *err);

#endif
