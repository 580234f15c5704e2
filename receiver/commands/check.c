/* check: is everything set up? Each item with what to do about it. */
#include <stdio.h>
#include <string.h>

#include "adapters/migrate.h"
#include "adapters/store_pg.h"
#include "base/clock.h"
#include "base/report.h"
#include "commands/commands.h"
#include "commands/settings.h"

enum { SHORT_KEY = 32 };

static void check_keys(struct report *report, const struct receiver_settings *settings)
{
    if (!settings->api_key)
        return; /* reported as a setting already */
    if (strlen(settings->api_key) < SHORT_KEY)
        report_add(report, REPORT_WARN, "api key",
                   "shorter than 32 characters: make one with alpine-receiver keygen");
    else
        report_add(report, REPORT_PASS, "api key", "set");
    if (settings->api_key_next && !strcmp(settings->api_key, settings->api_key_next))
        report_add(report, REPORT_WARN, "next api key",
                   "the same as EXTERNAL_SIGNAL_API_KEY: set the new one, or none");
}

static void ignore_migration(void *self, const char *name, bool applied, bool fresh)
{
    (void)self;
    (void)name;
    (void)applied;
    (void)fresh;
}

static void check_database(struct report *report, const char *url)
{
    struct err err = {0};
    int current;
    if (migrate_status(url, ignore_migration, NULL, &current, &err)) {
        report_add(report, REPORT_FAIL, "database", "%s", err.message);
        return;
    }
    report_add(report, REPORT_PASS, "database", "connected");
    if (current < migrate_latest()) {
        report_add(report, REPORT_FAIL, "schema", "version %d, %d is needed: run alpine-receiver migrate", current,
                   migrate_latest());
        return;
    }
    report_add(report, REPORT_PASS, "schema", "version %d", current);
    struct store *store = store_pg_new(url, migrate_latest());
    if (store && store->ops->open(store->self, clock_monotonic_ns() + 5 * NS_PER_S, &err) == OUTCOME_DONE)
        report_add(report, REPORT_PASS, "write", "the database takes writes");
    else
        report_add(report, REPORT_FAIL, "write", "%s", err.message);
    store_pg_free(store);
}

int command_check(struct invocation *invocation)
{
    const struct receiver_settings *settings = invocation->values;
    struct report *report = report_new();
    if (!report)
        return EXIT_FAILED;
    report_settings(report, invocation, NEEDS_DATABASE | NEEDS_KEY);
    check_keys(report, settings);
    if (settings->database_url)
        check_database(report, settings->database_url);
    return report_finish(report, command_has_flag(invocation, "--json"));
}
