/* invariants: what is true of every signal that was accepted, however it came in. */
#ifndef ALPINE_FUZZ_INVARIANTS_H
#define ALPINE_FUZZ_INVARIANTS_H

#include "format/signal.h"
#include "format/verify.h"

/* The stored values are such as the table takes them; what is written reads back as the same signal. */
void check_accepted(const struct signal *signal);

/* Where wire_scan takes the text it says what wire_read_tree says. */
void check_scan(const char *text, size_t len);

/* Gives the signal the hash of that form, which must then verify. text is working memory. */
void check_sealed(struct signal *signal, enum canonical_form form, struct buf *text);

/* Sets the signal's hash to that of the text. */
void seal(struct signal *signal, const struct buf *text);

#endif
