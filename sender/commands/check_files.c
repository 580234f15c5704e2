/* check_files: can Argo's files be read without harm to Argo, and the state directory be written? */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source_sqlite.h"
#include "adapters/sqlite_file.h"
#include "adapters/state_lock.h"
#include "commands/checking.h"

/* Opening it is what must not happen if this fails. */
static bool check_source_rights(const struct checking *checking, const char *path)
{
    struct err err = {0};
    bool good = !sqlite_file_check_rights(path, &err);
    report_add(checking->report, good ? REPORT_PASS : REPORT_FAIL, "source rights", "%s",
               good ? "reading it cannot lock its owner out" : err.message);
    return good;
}

static void check_source(const struct checking *checking)
{
    const char *path = checking->settings->database;
    struct stat file;
    if (!path || !check_source_rights(checking, path))
        return;
    if (stat(path, &file)) {
        report_add(checking->report, REPORT_FAIL, "source", "%s: %s. Set ARGO_SIGNALS_DB to Argo's SQLite file",
                   path, strerror(errno));
        return;
    }
    struct source *source = source_sqlite_new(path, SOURCE_SQLITE_BUSY_COMMAND_MS);
    int64_t count = source ? source->ops->count_after(source->self, &(struct place){0}) : -1;
    if (count < 0)
        report_add(checking->report, REPORT_FAIL, "source",
                   "%s cannot be read, or has no table `signals`. Is ARGO_SIGNALS_DB the right file?", path);
    else
        report_add(checking->report, REPORT_PASS, "source", "%s, %lld signals", path, (long long)count);
    source_sqlite_free(source);
}

static void check_log(const struct checking *checking)
{
    const char *path = checking->settings->log_file;
    struct report *report = checking->report;
    struct stat file;
    if (!path)
        return;
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

/* Of a directory that is not there: the nearest one above it that is. parent is PATH_MAX bytes. */
static const char *nearest_parent(const char *directory, char *parent)
{
    struct stat found;
    (void)snprintf(parent, PATH_MAX, "%s", directory);
    do {
        const char *up = dirname(parent);
        memmove(parent, up, strlen(up) + 1);
    } while (stat(parent, &found) && strcmp(parent, "/") != 0 && strcmp(parent, ".") != 0);
    return parent;
}

/* The sender makes it at its start; here it is only looked at. */
static void check_missing_state(const struct checking *checking, const char *directory)
{
    char buffer[PATH_MAX];
    const char *parent = nearest_parent(directory, buffer);
    if (!access(parent, W_OK | X_OK))
        report_add(checking->report, REPORT_PASS, "state", "%s will be made", directory);
    else
        report_add(checking->report, REPORT_FAIL, "state",
                   "%s is not there and cannot be made in %s: %s. Set ALPINE_STATE_DIR, or make it for this user",
                   directory, parent, strerror(errno));
}

/* Returns why it cannot be worked in, 0: it can. */
static int state_error(const char *directory, struct stat *found)
{
    if (stat(directory, found))
        return errno;
    if (!S_ISDIR(found->st_mode))
        return ENOTDIR;
    return access(directory, R_OK | W_OK | X_OK) ? errno : 0;
}

static void check_state(const struct checking *checking)
{
    const char *directory = checking->settings->state_directory;
    struct report *report = checking->report;
    struct stat found = {0};
    if (!directory)
        return;
    int error = state_error(directory, &found);
    pid_t owner = error ? 0 : state_lock_owner(directory);
    if (error == ENOENT)
        check_missing_state(checking, directory);
    else if (error)
        report_add(report, REPORT_FAIL, "state",
                   "%s cannot be written: %s. Set ALPINE_STATE_DIR, or give this user the right", directory,
                   strerror(error));
    else if (found.st_mode & S_IWOTH)
        report_add(report, REPORT_WARN, "state",
                   "%s can be written by every user of this host, who could make signals be lost: chmod o-w",
                   directory);
    else if (owner)
        report_add(report, REPORT_PASS, "state", "%s, in use by pid %ld", directory, (long)owner);
    else
        report_add(report, REPORT_PASS, "state", "%s can be written", directory);
}

void check_files(const struct checking *checking)
{
    check_source(checking);
    check_log(checking);
    check_state(checking);
}
