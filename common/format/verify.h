/* verify: whether a signal's hash is that of the signal. */
#ifndef ALPINE_FORMAT_VERIFY_H
#define ALPINE_FORMAT_VERIFY_H

#include <stdbool.h>

#include "base/buf.h"
#include "format/canonical.h"
#include "format/signal.h"

/* Tries both forms on a checked signal, the producer's first. True: *form is the one that matches and text holds
 * exactly what was hashed. False: text holds the producer form. text is emptied first; if it ran out of memory
 * (text->failed) the answer is false. */
bool verify_signal(const struct signal *signal, enum canonical_form *form, struct buf *text);

/* For signals that went through a database column of floating point, which turns 267 into 267.0 and an absent
 * field into a null one: changes the hashed values in `given` to the kinds that the hash was made over. As read,
 * then every mixture of integers for whole numbers and absent for null is tried. False if none verifies; the
 * signal is as it was then. */
bool verify_find_kinds(struct signal *signal, enum canonical_form *form, struct buf *text);

#endif
