/* result_log: the log line that says what became of one signal. */
#ifndef ALPINE_RECEIVER_RESULT_LOG_H
#define ALPINE_RECEIVER_RESULT_LOG_H

#include "base/log.h"
#include "engine/submission.h"

/* Of an entry that has its fault or its verdict; dry runs that would be stored say nothing. */
void result_log(struct log *log, const char *request_id, const struct submission_entry *entry);

#endif
