/* curl_trust: by the text and not by a file's name: libcurl takes no connection for a request that was made in
 * trust of another text, and keeps none of it in a cache, so that a reload holds for whatever begins after it. */
#include "adapters/curl_trust.h"

#include <stdint.h>
#include <string.h>

CURLcode curl_trust(CURL *easy, const char *pem)
{
    if (!pem)
        return CURLE_OK;
    struct curl_blob blob = {.data = (void *)(uintptr_t)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY};
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* Debian's libcurl looks there besides */
    return failed;
}
