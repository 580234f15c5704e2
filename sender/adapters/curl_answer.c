/* curl_answer: what libcurl's codes and the answer's headers mean. */
#include "adapters/curl_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"

/* A Retry-After is heeded up to an hour; one of more than a day is a mistake, and none. */
#define US_PER_S 1000000LL
enum { RETRY_AFTER_MAX_S = 3600, RETRY_AFTER_SENSE_S = 86400 };
enum { HIDE_MIN = 16 };

/* Without a connection nothing was sent, so the request's size was not the trouble. */
static bool was_connected(CURL *easy)
{
    curl_off_t us = 0;
    return curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &us) == CURLE_OK && us > 0;
}

enum transport_failure curl_answer_failure(CURLcode code, CURL *easy)
{
    switch (code) {
    case CURLE_OK:
        return TRANSPORT_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return was_connected(easy) ? TRANSPORT_TIMED_OUT : TRANSPORT_UNREACHABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return TRANSPORT_UNTRUSTED;
    case CURLE_WRITE_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return TRANSPORT_NONSENSE;
    default:
        return was_connected(easy) ? TRANSPORT_BROKEN : TRANSPORT_UNREACHABLE;
    }
}

const char *curl_answer_header(CURL *easy, const char *name)
{
    struct curl_header *header = NULL;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

int64_t curl_answer_retry_after_ns(CURL *easy)
{
    const char *text = curl_answer_header(easy, "Retry-After");
    const char *date = curl_answer_header(easy, "Date");
    char *end = NULL;
    if (!text || !*text)
        return 0;
    double seconds = strtod(text, &end);
    if (*end) {
        time_t until = curl_getdate(text, NULL);
        time_t now = date ? curl_getdate(date, NULL) : -1;
        seconds = until < 0 ? 0 : difftime(until, now < 0 ? time(NULL) : now);
    }
    if (!(seconds > 0 && seconds <= RETRY_AFTER_SENSE_S))
        return 0;
    return (int64_t)((seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * (double)NS_PER_S);
}

int64_t curl_answer_date_us(CURL *easy)
{
    const char *date = curl_answer_header(easy, "Date");
    time_t seconds = date ? curl_getdate(date, NULL) : -1;
    return seconds > 0 && seconds < INT64_MAX / US_PER_S ? (int64_t)seconds * US_PER_S : 0;
}

/* A list of names, each perhaps with a weight; one of 0 is a refusal. */
bool curl_answer_offers(CURL *easy, const char *coding)
{
    const char *at = curl_answer_header(easy, "Accept-Encoding");
    size_t wanted = strlen(coding);
    while (at && *at) {
        at += strspn(at, " \t,");
        size_t len = strcspn(at, " \t,;");
        size_t rest = strcspn(at, ",");
        if (len == wanted && !strncasecmp(at, coding, len)) {
            const char *weight = memchr(at, '=', rest);
            return !weight || strtod(weight + 1, NULL) > 0;
        }
        at += rest;
    }
    return false;
}

void curl_answer_hide(char *body, size_t len, const char *secret)
{
    size_t size = secret ? strlen(secret) : 0;
    if (size < HIDE_MIN || !body)
        return;
    const char *end = body + len;
    for (char *found = memmem(body, len, secret, size); found;
         found = memmem(found, (size_t)(end - found), secret, size))
        memset(found, '*', size);
}
