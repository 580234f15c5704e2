/* wire_scan: a signal as its producers write it, read in one pass. A profile of the receiver named jansson: it
 * makes a tree of some twenty allocations for every signal, which is then only walked once. */
#ifndef ALPINE_FORMAT_WIRE_SCAN_H
#define ALPINE_FORMAT_WIRE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "format/signal.h"

/* Reads one flat object of strings, numbers, true, false and null into a signal that is {0}. True: the signal is
 * what json_doc would have read. False: the text is something else, be it right or wrong, and json_doc has to tell
 * which; clear the signal, which holds a part of it. */
MUST_CHECK bool wire_scan(const char *text, size_t len, struct signal *signal);

#endif
