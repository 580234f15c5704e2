/* answer: what Secrets Manager's answer to GetSecretValue means. Pure. */
#ifndef ALPINE_AWS_ANSWER_H
#define ALPINE_AWS_ANSWER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/outcome.h"

/* OUTCOME_DONE: the secret's text is added to `secret`, or there is no such secret: nothing is added, and err says
 * so. OUTCOME_AGAIN: it passes. OUTCOME_HOLD: a person has to mend it; err says what AWS called it, and what to do.
 * OUTCOME_NEVER: there is a secret, and it is no text. err repeats nothing of the answer but the error's name. */
enum outcome aws_answer_secret(int status, const char *text, size_t len, struct buf *secret, struct err *err);

#endif
