/* answer: the JSON bodies and statuses of the API. Pure. */
#ifndef ALPINE_RECEIVER_ANSWER_H
#define ALPINE_RECEIVER_ANSWER_H

#include "engine/submission.h"
#include "seams/request.h"

/* Every error of the API; answer.c has its status and code in one table. */
enum answer_error {
    ERROR_MALFORMED,
    ERROR_HASH_MISMATCH,
    ERROR_UNAUTHORIZED,
    ERROR_NOT_FOUND,
    ERROR_METHOD_NOT_ALLOWED,
    ERROR_TIMEOUT,
    ERROR_TOO_LARGE,
    ERROR_UNSUPPORTED_MEDIA_TYPE,
    ERROR_INVALID_FIELD,
    ERROR_RATE_LIMITED,
    ERROR_UNAVAILABLE,
};

/* Sets status and body; field may be NULL. */
void answer_error(struct response *response, enum answer_error error, const char *field, const char *detail);
/* 503, 429: with Retry-After. */
void answer_retry(struct response *response, enum answer_error error, const char *detail, int retry_after_s);
/* The answer to one signal whose submission is committed, or whose entry has a fault. */
void answer_single(struct response *response, const struct submission *submission);
/* The answer to a batch: a result for each signal, in order. */
void answer_batch(struct response *response, const struct submission *submission);
/* GET /health, /livez, /readyz. */
void answer_health(struct response *response, bool healthy, int retry_after_s);
void answer_state(struct response *response, const char *state, bool good, int retry_after_s);

#endif
