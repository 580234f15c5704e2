/* curl_answer: from what libcurl says of a finished transfer to what the transport seam says. */
#ifndef ALPINE_SENDER_CURL_ANSWER_H
#define ALPINE_SENDER_CURL_ANSWER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "seams/transport.h"

/* What kind of end this is. */
enum transport_failure curl_answer_failure(CURLcode code, CURL *easy);
/* A header of the answer, or NULL; valid until the transfer is cleaned up. */
const char *curl_answer_header(CURL *easy, const char *name);
/* Retry-After in nanoseconds, 0: none, or none that makes sense. A date is held against the answer's own Date, for
 * the clock here may be another one. */
int64_t curl_answer_retry_after_ns(CURL *easy);
/* Its Date, in microseconds since 1970; 0: none, or none that makes sense. */
int64_t curl_answer_date_us(CURL *easy);
/* Whether its Accept-Encoding names this coding: the server takes bodies in it (RFC 7694). */
bool curl_answer_offers(CURL *easy, const char *coding);
/* Overwrites the secret wherever it stands in a body: a far end that gives back what it was sent (an echo at a
 * wrong address, a debugging proxy) must not bring the key into the log, dead letters or what check prints. Only
 * one of 16 bytes or more: a shorter one may be a word of an honest answer. secret may be NULL. */
void curl_answer_hide(char *body, size_t len, const char *secret);

#endif
