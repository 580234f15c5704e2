/* support: what several unit tests need. cmocka's header wants these four before it, in this order. */
#ifndef ALPINE_UNIT_SUPPORT_H
#define ALPINE_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "format/signal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A valid signal as JSON, but with the member `name` given as `json`, or left out where json is NULL. A name
 * that it does not have is added; no name changes nothing. The text lives until the next call. */
const char *signal_json(const char *name, const char *json);

/* Reads JSON into an empty signal, and fails the test if it is not accepted. */
void read_signal(struct signal *signal, const char *json);

/* The same text with ' for ", so that JSON can be read in a C source. It lives until the next call. */
const char *quoted(const char *text);

/* The lower-case hex SHA-256 of a text. */
void hash_of(const char *text, char digits[DIGEST_HEX_LEN + 1]);

/* A new file with that content; the name (a template for mkstemp, overwritten) is the caller's to unlink. */
void write_file(char *path, const char *content, size_t len);

#endif
