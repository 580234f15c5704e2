/* curl_trust: which certificates a request of libcurl's trusts. */
#ifndef ALPINE_SENDER_CURL_TRUST_H
#define ALPINE_SENDER_CURL_TRUST_H

#include <curl/curl.h>

/* Only those of the text (PEM), which is copied; NULL: the system's. */
CURLcode curl_trust(CURL *easy, const char *pem);

#endif
