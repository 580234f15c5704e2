/* check_network: step by step towards the receiver; the first step that fails is the last one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/endpoint.h"
#include "adapters/tls_probe.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/resolve.h"
#include "base/skew.h"
#include "commands/checking.h"
#include "commands/probe.h"

#define NAME_LIMIT_NS    (3 * NS_PER_S)
#define NAME_SLOW_NS     NS_PER_S
#define CONNECT_LIMIT_NS (2 * NS_PER_S)
#define TLS_LIMIT_NS     (3 * NS_PER_S)

enum { DAY_S = 86400, EXPIRY_DAYS_WARN = 21, SKEW_WARN_S = 2, SKEW_FAIL_S = 60 };

struct network {
    const struct checking *checking;
    struct endpoint endpoint;
    const char *proxy;          /* the variable that names one; NULL: none */
    struct addrinfo *addresses; /* NULL: not looked up, because the proxy does that */
    struct probe_facts facts;
};

static double milliseconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

/* "example.org" and ".example.org" stand for the host and all below it, an address for itself alone. */
static bool names_host(const char *name, size_t len, const char *host)
{
    size_t host_len = strlen(host);
    bool is_address = strspn(host, "0123456789.") == host_len || strchr(host, ':');
    for (; len && *name == '.'; len--)
        name++;
    if (!len || len > host_len || strncasecmp(host + host_len - len, name, len) != 0)
        return false;
    return len == host_len || (!is_address && host[host_len - len - 1] == '.');
}

/* What no_proxy excepts, as libcurl reads it; but of networks (10.0.0.0/8) only libcurl knows. */
static bool goes_past_proxies(const char *host)
{
    const char *list = getenv("no_proxy");
    if (!list)
        list = getenv("NO_PROXY");
    if (!list || !strcmp(list, "*"))
        return list != NULL;
    while (*list) {
        size_t len = strcspn(list, ", ");
        if (names_host(list, len, host))
            return true;
        list += len + strspn(list + len, ", ");
    }
    return false;
}

/* The variables that libcurl heeds; HTTP_PROXY in capitals is none of them. */
static const char *proxy_variable(const struct endpoint *endpoint)
{
    static const char *const of_tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const of_plain[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    bool is_tls = endpoint->is_tls;
    const char *const *names = is_tls ? of_tls : of_plain;
    size_t count = is_tls ? sizeof of_tls / sizeof *of_tls : sizeof of_plain / sizeof *of_plain;
    if (goes_past_proxies(endpoint->host))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return names[i];
    }
    return NULL;
}

/* --- the name ---------------------------------------------------------------------------------------------- */

static void list_addresses(const struct addrinfo *list, struct buf *text)
{
    char address[RESOLVE_TEXT_SIZE];
    for (; list; list = list->ai_next) {
        buf_add_text(text, text->len ? ", " : "");
        buf_add_text(text, resolve_text(list, address));
    }
}

static bool check_name(struct network *network)
{
    const struct endpoint *endpoint = &network->endpoint;
    struct report *report = network->checking->report;
    struct err err = {0};
    struct buf text = {0};
    if (network->proxy) {
        report_add(report, REPORT_PASS, "dns", "not looked up: %s is set, and that proxy does it", network->proxy);
        return true;
    }
    int64_t start = clock_monotonic_ns();
    network->addresses = resolve_host(endpoint->host, endpoint->port, NAME_LIMIT_NS, &err);
    int64_t took = clock_monotonic_ns() - start;
    if (!network->addresses) {
        report_add(report, REPORT_FAIL, "dns",
                   "%s has no address: %s. Check the host in ALPINE_API_URL, and this host's name servers",
                   endpoint->host, err.message);
        return false;
    }
    list_addresses(network->addresses, &text);
    if (took > NAME_SLOW_NS)
        report_add(report, REPORT_WARN, "dns",
                   "%s is %.200s, but that took %.0f ms, for every new connection: check this host's name servers",
                   endpoint->host, text.data, milliseconds(took));
    else if (!strcmp(text.data, endpoint->host))
        report_add(report, REPORT_PASS, "dns", "%s is no name, and needs no look-up", endpoint->host);
    else
        report_add(report, REPORT_PASS, "dns", "%s is %.300s (%.1f ms)", endpoint->host, text.data,
                   milliseconds(took));
    buf_clear(&text);
    return true;
}

static bool all_loopback(const struct addrinfo *list)
{
    bool all = list != NULL;
    for (; list; list = list->ai_next)
        all &= endpoint_is_loopback(list);
    return all;
}

/* --- the connection ---------------------------------------------------------------------------------------- */

static size_t describe_tries(const struct endpoint_try *tries, size_t count, struct buf *text)
{
    char address[RESOLVE_TEXT_SIZE];
    size_t connected = 0;
    for (size_t i = 0; i < count; i++) {
        buf_add_format(text, "%s%s: ", i ? "; " : "", resolve_text(tries[i].info, address));
        if (tries[i].error)
            buf_add_text(text, strerror(tries[i].error));
        else
            buf_add_format(text, "connected (%.1f ms)", milliseconds(tries[i].took_ns));
        connected += !tries[i].error;
    }
    return connected;
}

/* Of several addresses libcurl takes the first one that answers; one that does not costs time, unless it is "::1"
 * beside "127.0.0.1". */
static bool check_connection(struct network *network)
{
    struct endpoint_try tries[ENDPOINT_ADDRESSES_MAX];
    struct report *report = network->checking->report;
    const char *port = network->endpoint.port;
    struct buf text = {0};
    if (!network->addresses)
        return true;
    size_t count = endpoint_connect(network->addresses, CONNECT_LIMIT_NS, tries);
    size_t connected = describe_tries(tries, count, &text);
    if (!connected)
        report_add(report, REPORT_FAIL, "tcp",
                   "port %s of %.300s. Is the receiver running, and does no firewall stand between? Check "
                   "ALPINE_API_URL",
                   port, text.data);
    else if (connected < count && !all_loopback(network->addresses))
        report_add(report, REPORT_WARN, "tcp",
                   "port %s of %.300s. Connections may lose time there: mend the address or take it out of the DNS",
                   port, text.data);
    else
        report_add(report, REPORT_PASS, "tcp", "port %s of %.400s", port, text.data);
    buf_clear(&text);
    return connected > 0;
}

/* --- TLS --------------------------------------------------------------------------------------------------- */

/* Known from the name alone, and said even if nobody answers. */
static bool check_plain(struct network *network)
{
    struct report *report = network->checking->report;
    if (network->endpoint.is_tls)
        return true;
    if (all_loopback(network->addresses))
        report_add(report, REPORT_PASS, "tls", "not used: the receiver, or what leads to it, is on this host");
    else
        report_add(report, REPORT_WARN, "tls",
                   "not used: the key and the signals can be read and changed on the way. Put TLS in front of the "
                   "receiver, and set ALPINE_API_URL to https://");
    return true;
}

static const char *tls_advice(const struct tls_probe *probe, int64_t days)
{
    if (probe->expires_s && days < 0)
        return "Renew the receiver's certificate";
    if (strstr(probe->reason, "subject name"))
        return "ALPINE_API_URL must have a host name that the certificate is for";
    return "If an authority of your own signed it, set ALPINE_CA_FILE to that authority's certificate";
}

/* Whole days until then, rounded down: -1 from the moment on. */
static int64_t days_until(int64_t time_s)
{
    int64_t left_s = time_s - clock_wall_us() / 1000000;
    return left_s >= 0 ? left_s / DAY_S : -1 - (-left_s - 1) / DAY_S;
}

static bool check_certificate(struct network *network)
{
    if (!network->endpoint.is_tls)
        return true;
    const struct sender_settings *settings = network->checking->settings;
    struct report *report = network->checking->report;
    struct tls_probe probe;
    struct err err = {0};
    char whose[320];
    if (tls_probe(settings->url, settings->ca_file.content, TLS_LIMIT_NS, &probe, &err)) {
        report_add(report, REPORT_FAIL, "tls",
                   "no handshake: %s. Does port %s speak TLS? Check ALPINE_API_URL and what stands in front of the "
                   "receiver",
                   err.message, network->endpoint.port);
        return false;
    }
    int64_t days = days_until(probe.expires_s);
    (void)snprintf(whose, sizeof whose, "%s, issued by %s", probe.subject, probe.issuer);
    if (!probe.is_trusted)
        report_add(report, REPORT_FAIL, "tls", "%s (%s, %lld days left). %s", probe.reason, whose, (long long)days,
                   tls_advice(&probe, days));
    else if (days < EXPIRY_DAYS_WARN)
        report_add(report, REPORT_WARN, "tls",
                   "%s, %s, %lld days left: renew the receiver's certificate before nothing gets through any more",
                   probe.protocol, whose, (long long)days);
    else
        report_add(report, REPORT_PASS, "tls", "%s, %s, %lld days left", probe.protocol, whose, (long long)days);
    return probe.is_trusted;
}

/* --- the receiver ------------------------------------------------------------------------------------------ */

static bool check_health(struct network *network)
{
    return probe_health(network->checking->report, network->checking->invocation, &network->facts);
}

static bool check_clock(struct network *network)
{
    struct report *report = network->checking->report;
    const struct probe_facts *facts = &network->facts;
    double ahead =
        -(double)skew_us(facts->sent_us, facts->answered_us, facts->date_us, SKEW_HTTP_DATE_STEP_US) / 1e6;
    double apart = ahead < 0 ? -ahead : ahead;
    if (!facts->date_us)
        report_add(report, REPORT_PASS, "clock", "not compared: the receiver's answer has no Date");
    else if (apart < SKEW_WARN_S)
        report_add(report, REPORT_PASS, "clock", "the receiver's is less than %d s from this host's", SKEW_WARN_S);
    else
        report_add(report, apart < SKEW_FAIL_S ? REPORT_WARN : REPORT_FAIL, "clock",
                   "the receiver's is %.0f s %s this host's: latencies and times of signals are wrong. Set both by "
                   "NTP (timedatectl shows which one is off)",
                   apart, ahead < 0 ? "behind" : "ahead of");
    return true;
}

static bool check_key(struct network *network)
{
    return probe_key(network->checking->report, network->checking->invocation);
}

static bool check_version(struct network *network)
{
    struct report *report = network->checking->report;
    if (network->facts.dry_run)
        report_add(report, REPORT_PASS, "receiver version", "takes batches, and dry runs for alpine-sender test");
    else
        report_add(report, REPORT_WARN, "receiver version", "an older one: signals go singly; upgrade it");
    return true;
}

void check_network(const struct checking *checking)
{
    /* Each returns false if there is no use in those after it. */
    static bool (*const steps[])(struct network *) = {check_name,        check_plain,  check_connection,
                                                      check_certificate, check_health, check_clock,
                                                      check_key,         check_version};
    struct network network = {.checking = checking};
    struct err err = {0};
    if (endpoint_parse(checking->settings->url, &network.endpoint, &err)) {
        report_add(checking->report, REPORT_FAIL, "dns", "%s. Check ALPINE_API_URL", err.message);
        return;
    }
    network.proxy = proxy_variable(&network.endpoint);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && steps[i](&network); i++)
        ;
    if (network.addresses)
        freeaddrinfo(network.addresses);
}
