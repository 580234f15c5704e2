/* err: the one error carrier. Low layers fill it and never log; the layer that decides logs it once. */
#ifndef ALPINE_BASE_ERR_H
#define ALPINE_BASE_ERR_H

#include <stddef.h>

/* A message for a person, and the field, setting or file that it is about ("" when there is none). */
struct err {
    char message[384];
    char subject[96];
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* Sets the message. err may be NULL (the caller does not want to know). Always returns -1, so that
 * `return err_set(err, …)` is how a function fails. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, naming what it is about. */
int err_set_about(struct err *err, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets "<what>: <text of errno>". */
int err_set_errno(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empties it. */
void err_clear(struct err *err);

#endif
