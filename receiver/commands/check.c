/* check: is everything set up? Each item with what to do about it. */
#include <string.h>

#include "adapters/http_probe.h"
#include "base/listen.h"
#include "commands/checking.h"
#include "commands/commands.h"

enum { SHORT_KEY = 32, PROBE_LIMIT_S = 2 };

static void check_key(const struct checking *checking, const char *item, const char *key)
{
    if (key && strlen(key) < SHORT_KEY)
        report_add(
            checking->report, REPORT_WARN, item,
            "shorter than 32 characters, and so perhaps to be guessed: make one with alpine-receiver keygen");
    else if (key)
        report_add(checking->report, REPORT_PASS, item, "long enough");
}

static void check_keys(const struct checking *checking)
{
    const struct receiver_settings *settings = checking->settings;
    check_key(checking, "api key", settings->api_key); /* one that is missing is reported as a setting */
    if (settings->api_key && settings->api_key_next && !strcmp(settings->api_key, settings->api_key_next))
        report_add(checking->report, REPORT_WARN, "next api key",
                   "the same as EXTERNAL_SIGNAL_API_KEY: a rotation is over, or has not begun. Set the new one, or "
                   "none");
    else
        check_key(checking, "next api key", settings->api_key_next);
}

/* Beside the service the address is taken, by the service. */
static void check_listen(const struct checking *checking)
{
    const char *listen = checking->settings->listen;
    struct report *report = checking->report;
    struct err err = {0};
    struct err ignored;
    if (!listen)
        return;
    if (!listen_try(listen, &err))
        report_add(report, REPORT_PASS, "listen", "%s is free", listen);
    else if (http_probe(listen, "/livez", PROBE_LIMIT_S, &ignored) == 200)
        report_add(report, REPORT_PASS, "listen", "%s is in use by a receiver that answers", listen);
    else
        report_add(report, REPORT_FAIL, "listen",
                   "%s. Set ALPINE_LISTEN to an address and port of this host that no other program has",
                   err.message);
}

int command_check(struct invocation *invocation)
{
    struct checking checking = {.report = report_new(), .settings = invocation->values};
    if (!checking.report)
        return EXIT_FAILED;
    report_settings(checking.report, invocation, NEEDS_DATABASE | NEEDS_KEY);
    report_secret_files(checking.report, invocation);
    check_keys(&checking);
    check_listen(&checking);
    if (checking.settings->database_url)
        check_database(&checking);
    return report_finish(checking.report, command_has_flag(invocation, "--json"));
}
