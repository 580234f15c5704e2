/* migrate: prints what the migrations did, or would do. */
#include <stdio.h>

#include "adapters/migrate.h"
#include "commands/commands.h"
#include "commands/settings.h"

static void print_applied(void *self, const char *name, bool applied, bool fresh)
{
    (void)self;
    (void)applied;
    (void)printf("%-8s %s\n", fresh ? "applied" : "present", name);
}

struct tally {
    int missing;
};

static void print_status(void *self, const char *name, bool applied, bool fresh)
{
    struct tally *tally = self;
    (void)fresh;
    tally->missing += !applied;
    (void)printf("%-8s %s\n", applied ? "present" : "missing", name);
}

static int status(struct invocation *invocation, const char *url)
{
    struct tally tally = {0};
    struct err err = {0};
    int current;
    if (migrate_status(url, print_status, &tally, &current, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Migration status: %s", err.message);
        return EXIT_FAILED;
    }
    (void)printf("schema version %d of %d\n", current, migrate_latest());
    return tally.missing ? EXIT_ATTENTION : EXIT_DONE;
}

int command_migrate(struct invocation *invocation)
{
    const struct receiver_settings *settings = invocation->values;
    struct err err = {0};
    if (command_has_flag(invocation, "--status"))
        return status(invocation, settings->database_url);
    if (migrate_apply(settings->database_url, print_applied, NULL, &err)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Migration failed, nothing of it was kept: %s",
                  err.message);
        return EXIT_FAILED;
    }
    (void)printf("schema version %d\n", migrate_latest());
    return EXIT_DONE;
}
