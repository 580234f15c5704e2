/* canonical: the exact text that a signal's hash is made over (docs/design.md, "The hash"). */
#ifndef ALPINE_FORMAT_CANONICAL_H
#define ALPINE_FORMAT_CANONICAL_H

#include "base/buf.h"
#include "format/signal.h"

/* Both are in use: Argo hashes the producer form, older receivers hashed the receiver form. */
enum canonical_form {
    FORM_PRODUCER, /* the hashed fields that the object has, as they are */
    FORM_RECEIVER, /* all nine, numbers as floats, action in upper case, aliases and default strategy filled in */
};

/* "producer" or "receiver". */
const char *canonical_form_name(enum canonical_form form);

/* Appends the text: byte for byte json.dumps(fields, sort_keys=True) of CPython. The values must be of kinds that
 * JSON has (numbers finite); a VALUE_OTHER is written as null. */
void canonical_write(const struct signal *signal, enum canonical_form form, struct buf *text);

#endif
