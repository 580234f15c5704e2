/* err: fills the error carrier. Knows nothing of who reads it. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct err *err, const char *subject, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void fill(struct err *err, const char *subject, const char *format, va_list args)
{
    if (!err)
        return;
    (void)snprintf(err->subject, sizeof err->subject, "%s", subject);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
}

int err_set(struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, "", format, args);
    va_end(args);
    return -1;
}

int err_set_about(struct err *err, const char *subject, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, subject, format, args);
    va_end(args);
    return -1;
}

int err_set_errno(struct err *err, const char *format, ...)
{
    int number = errno;
    va_list args;
    va_start(args, format);
    fill(err, "", format, args);
    va_end(args);
    if (err) {
        size_t used = strlen(err->message);
        (void)snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(number));
    }
    return -1;
}

void err_clear(struct err *err)
{
    err->message[0] = '\0';
    err->subject[0] = '\0';
}
