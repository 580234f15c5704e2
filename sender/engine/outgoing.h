/* outgoing: from a signal as the source has it to the JSON that is sent, or the reason why it cannot be. */
#ifndef ALPINE_SENDER_OUTGOING_H
#define ALPINE_SENDER_OUTGOING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "format/signal.h"

/* True for a neutral signal: its action is null. Those are no trade signals, and are not sent. */
bool outgoing_is_neutral(const struct signal *signal);

/* The hash that the signal gives, as it stands there, in lower case and cut to DIGEST_HEX_LEN; "" if it gives none.
 * The signal need not be checked. Returns hash. */
char *outgoing_hash(const struct signal *signal, char hash[DIGEST_HEX_LEN + 1]);

/* Checks the signal, finds the kinds of numbers that its hash was made over, and writes json (emptied first).
 * scratch is working memory. On a fault json holds the signal as well as it can be written, for the dead letter. */
MUST_CHECK enum fault outgoing_prepare(struct signal *signal, struct buf *json, struct buf *scratch,
                                       struct err *err);

#endif
