/* secrets: AWS Secrets Manager as a secret source. One request for each secret, all of a read within 3 s; a value
 * is kept for 5 minutes. Where AWS is not configured nothing is asked and nothing set up. For one thread. */
#ifndef ALPINE_AWS_SECRETS_H
#define ALPINE_AWS_SECRETS_H

#include "base/secret_source.h"

struct aws_secrets;

/* NULL when out of memory. */
struct aws_secrets *aws_secrets_new(void);
/* Overwrites what it keeps. NULL is fine. */
void aws_secrets_free(struct aws_secrets *secrets);

/* Lives as long as `secrets`. */
const struct secret_source *aws_secrets_source(const struct aws_secrets *secrets);

#endif
