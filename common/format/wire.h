/* wire: one signal as a JSON object, in and out. */
#ifndef ALPINE_FORMAT_WIRE_H
#define ALPINE_FORMAT_WIRE_H

#include "base/buf.h"
#include "format/signal.h"

/* Reads a JSON object into an empty signal; members that no field has are ignored. The values are as given, not
 * yet checked. Anything that is not strict JSON (base/json_doc.h), or no object, is FAULT_MALFORMED. */
MUST_CHECK enum fault wire_read(const char *text, size_t len, struct signal *signal, struct err *err);

/* The same by json_doc alone: what wire_read does with a signal that wire_scan.h leaves to it. */
MUST_CHECK enum fault wire_read_tree(const char *text, size_t len, struct signal *signal, struct err *err);

/* wire_read and signal_check in one. */
MUST_CHECK enum fault wire_read_checked(const char *text, size_t len, struct signal *signal, struct err *err);

/* Appends the signal as one line of JSON (without the line's end): every value in the kind it has, so that the
 * other side hashes what this side hashed. Absent fields are left out, and so are null ones that are not hashed. */
void wire_write(const struct signal *signal, struct buf *json);

#endif
