/* report: what `check` prints: items that pass, warn or fail, each with what to do. */
#ifndef ALPINE_BASE_REPORT_H
#define ALPINE_BASE_REPORT_H

#include <stdbool.h>

#include "base/command.h"

struct report;

enum report_verdict { REPORT_PASS, REPORT_WARN, REPORT_FAIL };

struct report *report_new(void);
/* Adds an item; the rest is what was found, and what to do unless it passes. */
void report_add(struct report *report, enum report_verdict verdict, const char *item, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* One item for each setting: its value (never a secret's) and its origin, or what is wrong with it. */
void report_settings(struct report *report, const struct invocation *invocation, unsigned needs);
/* One item for each secret that stands in a file: can others read that? */
void report_secret_files(struct report *report, const struct invocation *invocation);
/* Prints it on stdout, as lines or as one JSON object, and frees it. Returns the exit code: 0 if nothing failed,
 * 3 if something warns, 1 if something failed, 78 if that is a setting. */
int report_finish(struct report *report, bool json);

#endif
