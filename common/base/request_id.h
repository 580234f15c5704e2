/* request_id: the name of one HTTP request, in both programs' logs and in X-Request-Id. The sender makes it, a new
 * one for each attempt; the receiver takes it over if it is sane, and makes one where it is not. */
#ifndef ALPINE_BASE_REQUEST_ID_H
#define ALPINE_BASE_REQUEST_ID_H

#include <stdbool.h>

/* Of one that is made here: 16 hex digits and the end. Of one that is taken over: at most so many characters. */
enum { REQUEST_ID_SIZE = 17, REQUEST_ID_MAX = 64 };

/* 64 random bits: no two requests that anybody would compare have the same one. */
void request_id_make(char id[REQUEST_ID_SIZE]);
/* True for 1 to REQUEST_ID_MAX letters, digits, '-', '_' and '.': what needs no escaping anywhere. */
bool request_id_is_sane(const char *id);

#endif
