/* check: is everything set up? Each item with what to do about it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source_sqlite.h"
#include "adapters/sqlite_file.h"
#include "adapters/state_lock.h"
#include "base/file.h"
#include "commands/commands.h"
#include "commands/link.h"
#include "commands/probe.h"
#include "commands/settings.h"

static void check_source(struct report *report, const char *path)
{
    struct err err = {0};
    struct stat file;
    if (sqlite_file_check_rights(path, &err)) {
        report_add(report, REPORT_FAIL, "source rights", "%s", err.message);
        return; /* opening it is what must not happen */
    }
    report_add(report, REPORT_PASS, "source rights", "reading it cannot lock its owner out");
    if (stat(path, &file)) {
        report_add(report, REPORT_FAIL, "source", "%s: %s. Set ARGO_SIGNALS_DB to Argo's SQLite file", path,
                   strerror(errno));
        return;
    }
    struct source *source = source_sqlite_new(path, SOURCE_SQLITE_BUSY_COMMAND_MS);
    int64_t count = source ? source->ops->count_after(source->self, &(struct place){0}) : -1;
    if (count < 0)
        report_add(report, REPORT_FAIL, "source",
                   "%s cannot be read, or has no table `signals`. Is ARGO_SIGNALS_DB the right file?", path);
    else
        report_add(report, REPORT_PASS, "source", "%s, %lld signals", path, (long long)count);
    source_sqlite_free(source);
}

static void check_log(struct report *report, const char *path)
{
    struct stat file;
    if (!stat(path, &file) && !S_ISREG(file.st_mode))
        report_add(report, REPORT_FAIL, "log", "%s is no file. Set ARGO_SIGNALS_LOG to Argo's log", path);
    else if (!access(path, R_OK))
        report_add(report, REPORT_PASS, "log", "%s can be read", path);
    else if (errno == ENOENT)
        report_add(report, REPORT_WARN, "log", "%s is not there (yet). Is ARGO_SIGNALS_LOG the right file?", path);
    else
        report_add(report, REPORT_FAIL, "log", "%s: %s. Give this user the right to read it", path,
                   strerror(errno));
}

static void check_state(struct report *report, const char *directory)
{
    struct err err = {0};
    pid_t owner = state_lock_owner(directory);
    if (owner) {
        report_add(report, REPORT_PASS, "state", "%s, in use by pid %ld", directory, (long)owner);
        return;
    }
    if (file_make_directory(directory, 0700, &err) || access(directory, W_OK)) {
        report_add(report, REPORT_FAIL, "state",
                   "%s cannot be written%s%s. Set ALPINE_STATE_DIR, or give this user the right", directory,
                   *err.message ? ": " : "", err.message);
        return;
    }
    report_add(report, REPORT_PASS, "state", "%s can be written", directory);
}

static void check_receiver(struct report *report, const struct invocation *invocation)
{
    bool dry_run;
    if (!probe_health(report, invocation, &dry_run))
        return;
    (void)probe_key(report, invocation);
    if (!dry_run)
        report_add(report, REPORT_WARN, "receiver version", "an older one: signals go singly; upgrade it");
}

int command_check(struct invocation *invocation)
{
    const struct sender_settings *settings = invocation->values;
    struct report *report = report_new();
    struct err ignored;
    if (!report)
        return EXIT_FAILED;
    link_protect_process();
    report_settings(report, invocation, NEEDS_RECEIVER);
    if (settings->database)
        check_source(report, settings->database);
    if (settings->log_file)
        check_log(report, settings->log_file);
    if (settings->state_directory)
        check_state(report, settings->state_directory);
    if (!config_problem(invocation->config, NEEDS_RECEIVER, &ignored))
        check_receiver(report, invocation);
    return report_finish(report, command_has_flag(invocation, "--json"));
}
