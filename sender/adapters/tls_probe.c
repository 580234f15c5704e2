/* tls_probe: libcurl connects as the transport does, and stops there. */
#include "adapters/tls_probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "adapters/curl_trust.h"
#include "base/clock.h"

/* libcurl tells the protocol in its chatter alone: "SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384\n". */
static int on_chatter(CURL *easy, curl_infotype type, char *text, size_t len, void *context)
{
    static const char phrase[] = "SSL connection using ";
    struct tls_probe *probe = context;
    size_t skip = sizeof phrase - 1;
    (void)easy;
    if (type != CURLINFO_TEXT || len <= skip || strncmp(text, phrase, skip) != 0)
        return 0;
    size_t size = strcspn(text + skip, "\r\n");
    (void)snprintf(probe->protocol, sizeof probe->protocol, "%.*s", (int)size, text + skip);
    return 0;
}

static CURLcode set_options(CURL *easy, const char *url, int64_t limit_ns, bool verify, struct tls_probe *probe)
{
    long limit_ms = (long)(limit_ns / NS_PER_MS);
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_URL, url);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, limit_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_chatter);
    failed |= curl_easy_setopt(easy, CURLOPT_DEBUGDATA, probe);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    return failed;
}

/* "Subject:CN = alpine.example" */
static bool take_line(const char *line, const char *name, char *text, size_t size)
{
    size_t len = strlen(name);
    if (strncmp(line, name, len) != 0)
        return false;
    (void)snprintf(text, size, "%s", line + len);
    return true;
}

/* The first certificate is the host's own. */
static void read_certificate(CURL *easy, struct tls_probe *probe)
{
    struct curl_certinfo *chain = NULL;
    char date[64];
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain || chain->num_of_certs < 1)
        return;
    for (const struct curl_slist *line = chain->certinfo[0]; line; line = line->next) {
        (void)take_line(line->data, "Subject:", probe->subject, sizeof probe->subject);
        (void)take_line(line->data, "Issuer:", probe->issuer, sizeof probe->issuer);
        if (take_line(line->data, "Expire date:", date, sizeof date))
            probe->expires_s = curl_getdate(date, NULL);
    }
}

static CURLcode shake_hands(const char *url, const char *ca_pem, int64_t limit_ns, bool verify,
                            struct tls_probe *probe)
{
    char ours[CURL_ERROR_SIZE] = "";
    CURL *easy = curl_easy_init();
    if (!easy)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = set_options(easy, url, limit_ns, verify, probe);
    code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ours);
    code |= curl_trust(easy, ca_pem);
    if (code == CURLE_OK)
        code = curl_easy_perform(easy);
    if (code == CURLE_OK)
        read_certificate(easy, probe);
    else if (!*probe->reason)
        (void)snprintf(probe->reason, sizeof probe->reason, "%.150s", *ours ? ours : curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    return code;
}

int tls_probe(const char *url, const char *ca_pem, int64_t limit_ns, struct tls_probe *probe, struct err *err)
{
    *probe = (struct tls_probe){0};
    CURLcode code = shake_hands(url, ca_pem, limit_ns, true, probe);
    probe->is_trusted = code == CURLE_OK;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        code = shake_hands(url, ca_pem, limit_ns, false, probe);
    return code == CURLE_OK ? 0 : err_set(err, "%s", probe->reason);
}
