/* signals: valid signals for tests, as many as are wanted. */
#ifndef ALPINE_UNIT_SIGNALS_H
#define ALPINE_UNIT_SIGNALS_H

#include "base/buf.h"

/* Appends (to an empty buf) a signal as JSON that verifies, like signal_json's but with that signal_id. */
void valid_signal(struct buf *json, const char *signal_id);

/* The same, with another price for each variant: the same signal_id, another hash. */
void valid_variant(struct buf *json, const char *signal_id, int variant);

#endif
