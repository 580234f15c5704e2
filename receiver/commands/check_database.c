/* check_database: step by step towards a stored signal; the first step that fails is the last one. */
#include <stdlib.h>
#include <string.h>

#include "adapters/migrate.h"
#include "adapters/pg_survey.h"
#include "adapters/pg_url.h"
#include "adapters/store_pg.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/resolve.h"
#include "base/skew.h"
#include "commands/checking.h"

#define NAME_LIMIT_NS   (3 * NS_PER_S)
#define SURVEY_LIMIT_NS (5 * NS_PER_S)
#define WRITE_LIMIT_NS  (4 * NS_PER_S)

enum { OLDEST_VERSION = 130000, SKEW_WARN_S = 2, SKEW_FAIL_S = 60 };

struct database {
    const struct checking *checking;
    struct pg_survey survey;
};

/* --- the names --------------------------------------------------------------------------------------------- */

struct names {
    struct buf found;
    struct buf missing;
    int64_t deadline_ns; /* for all of them */
};

static void add_name(struct buf *text, const char *host, const char *said)
{
    buf_add_format(text, "%s%s: %s", text->len ? "; " : "", host, said);
}

static void look_up(void *context, const char *host)
{
    struct names *names = context;
    struct err err = {0};
    char text[RESOLVE_TEXT_SIZE];
    int64_t left = names->deadline_ns - clock_monotonic_ns();
    struct addrinfo *list = resolve_host(host, "5432", left > NS_PER_MS ? left : NS_PER_MS, &err);
    if (!list) {
        add_name(&names->missing, host, err.message);
        return;
    }
    add_name(&names->found, host, resolve_text(list, text));
    freeaddrinfo(list);
}

/* libpq would wait for a name server that hangs, without a limit; so it is not asked where no name has an address.
 */
static bool check_names(struct database *database)
{
    struct report *report = database->checking->report;
    struct names names = {.deadline_ns = clock_monotonic_ns() + NAME_LIMIT_NS};
    pg_url_each_host(database->checking->settings->database_url, look_up, &names);
    bool good = names.found.len || !names.missing.len;
    if (names.missing.len)
        report_add(report, good ? REPORT_WARN : REPORT_FAIL, "dns",
                   "%.300s. Check the host in DATABASE_URL, and this host's name servers", names.missing.data);
    else if (names.found.len)
        report_add(report, REPORT_PASS, "dns", "%.400s", names.found.data);
    else
        report_add(report, REPORT_PASS, "dns", "DATABASE_URL has no host's name to look up");
    buf_clear(&names.found);
    buf_clear(&names.missing);
    return good;
}

/* --- the server -------------------------------------------------------------------------------------------- */

static bool check_connection(struct database *database)
{
    struct report *report = database->checking->report;
    struct pg_survey *survey = &database->survey;
    struct err err = {0};
    if (pg_survey(database->checking->settings->database_url, clock_monotonic_ns() + SURVEY_LIMIT_NS, survey,
                  &err)) {
        report_add(report, REPORT_FAIL, "database",
                   "%s. Check DATABASE_URL, and that PostgreSQL runs and lets this host and role in", err.message);
        return false;
    }
    report_add(report, REPORT_PASS, "database", "connected to %s as %s%s", survey->address, survey->role,
               survey->is_pooled ? ", through a pooler: nothing is prepared, and groups do not overlap" : "");
    return true;
}

static bool check_version(struct database *database)
{
    const struct pg_survey *survey = &database->survey;
    bool good = survey->version_number >= OLDEST_VERSION;
    report_add(database->checking->report, good ? REPORT_PASS : REPORT_FAIL, "database version", "PostgreSQL %s%s",
               survey->version, good ? "" : ": 13 is the oldest that will do; upgrade it");
    return good;
}

static bool check_read_only(struct database *database)
{
    bool good = !database->survey.is_read_only;
    report_add(database->checking->report, good ? REPORT_PASS : REPORT_FAIL, "primary", "%s",
               good ? "it takes writes"
                    : "a standby, or read-only: DATABASE_URL must lead to the primary (name all hosts, and leave "
                      "target_session_attrs out or at read-write)");
    return good;
}

static bool check_durability(struct database *database)
{
    const struct pg_survey *survey = &database->survey;
    struct report *report = database->checking->report;
    if (survey->has_fsync && survey->has_full_page_writes)
        report_add(report, REPORT_PASS, "durability", "fsync and full_page_writes are on");
    else
        report_add(report, REPORT_WARN, "durability",
                   "%s is off: a crash of the database's host loses signals that were answered, or the whole "
                   "database. Set it to on",
                   survey->has_fsync ? "full_page_writes" : "fsync");
    return true;
}

static bool check_clock(struct database *database)
{
    struct report *report = database->checking->report;
    const struct pg_survey *survey = &database->survey;
    double ahead = -(double)skew_us(survey->sent_us, survey->answered_us, survey->now_us, 0) / 1e6;
    double apart = ahead < 0 ? -ahead : ahead;
    if (apart < SKEW_WARN_S)
        report_add(report, REPORT_PASS, "clock", "the database's is less than %d s from this host's", SKEW_WARN_S);
    else
        report_add(report, apart < SKEW_FAIL_S ? REPORT_WARN : REPORT_FAIL, "clock",
                   "the database's is %.0f s %s this host's: created_at and server_timestamp disagree. Set both by "
                   "NTP (timedatectl shows which one is off)",
                   apart, ahead < 0 ? "behind" : "ahead of");
    return true;
}

/* --- the schema and the role ------------------------------------------------------------------------------- */

static void note_missing(void *context, const char *name, bool applied, bool fresh)
{
    struct buf *missing = context;
    (void)fresh;
    if (!applied)
        buf_add_format(missing, "%s%s", missing->len ? ", " : "", name);
}

static bool check_schema(struct database *database)
{
    struct report *report = database->checking->report;
    struct buf missing = {0};
    struct err err = {0};
    int current;
    bool good = false;
    if (migrate_status(database->checking->settings->database_url, note_missing, &missing, &current, &err))
        report_add(report, REPORT_FAIL, "schema", "%s", err.message);
    else if (current < migrate_latest() || missing.len)
        report_add(report, REPORT_FAIL, "schema",
                   "version %d, %d is needed, missing: %.200s. Run alpine-receiver migrate as the table's owner",
                   current, migrate_latest(), missing.len ? missing.data : "nothing");
    else
        good = true;
    if (good)
        report_add(report, REPORT_PASS, "schema", "version %d, every migration is there", current);
    buf_clear(&missing);
    return good;
}

static void add_word(struct buf *text, bool wanted, const char *word)
{
    if (wanted)
        buf_add_format(text, "%s%s", text->len ? ", " : "", word);
}

static bool check_needed_rights(struct database *database, const struct pg_survey_rights *rights)
{
    struct report *report = database->checking->report;
    const char *role = database->survey.role;
    struct buf lacking = {0};
    bool good = rights->may_insert && rights->may_select && rights->may_number;
    add_word(&lacking, !rights->may_insert, "INSERT");
    add_word(&lacking, !rights->may_select, "SELECT");
    if (lacking.len)
        report_add(report, REPORT_FAIL, "role",
                   "%s lacks %s on signals: as the table's owner, GRANT INSERT, SELECT ON signals TO %s", role,
                   lacking.data, role);
    else if (!rights->may_number)
        report_add(report, REPORT_FAIL, "role",
                   "%s may not use the sequence of signals.id: as the table's owner, GRANT USAGE ON SEQUENCE "
                   "signals_id_seq TO %s",
                   role, role);
    buf_clear(&lacking);
    return good;
}

static bool check_role(struct database *database)
{
    const struct pg_survey *survey = &database->survey;
    const struct pg_survey_rights *rights = &survey->rights;
    struct report *report = database->checking->report;
    struct buf more = {0};
    if (!check_needed_rights(database, rights))
        return false;
    add_word(&more, survey->is_superuser, "is a superuser");
    add_word(&more, survey->is_owner && !survey->is_superuser, "owns signals");
    add_word(&more, rights->may_update, "may UPDATE");
    add_word(&more, rights->may_delete, "may DELETE");
    add_word(&more, rights->may_truncate, "may TRUNCATE");
    if (more.len)
        report_add(report, REPORT_WARN, "role",
                   "%s has more rights than it needs: it %s. Let the receiver have a role of its own, with GRANT "
                   "INSERT, SELECT ON signals and nothing more",
                   survey->role, more.data);
    else
        report_add(report, REPORT_PASS, "role", "%s may INSERT and SELECT, and change nothing", survey->role);
    buf_clear(&more);
    return true;
}

/* As the receiver itself tries it before it says that it is ready; the rows are rolled back. */
static bool check_write(struct database *database)
{
    struct report *report = database->checking->report;
    struct err err = {0};
    struct store *store =
        store_pg_new(database->checking->settings->database_url, migrate_latest(), WRITE_LIMIT_NS);
    bool good = store && store->ops->open(store->self, clock_monotonic_ns() + WRITE_LIMIT_NS, &err) == OUTCOME_DONE;
    report_add(report, good ? REPORT_PASS : REPORT_FAIL, "write", "%s",
               good ? "the database takes writes (a trial that was rolled back)" : err.message);
    store_pg_free(store);
    return good;
}

void check_database(const struct checking *checking)
{
    /* Each returns false if there is no use in those after it. */
    static bool (*const steps[])(struct database *) = {check_names,     check_connection, check_version,
                                                       check_read_only, check_durability, check_clock,
                                                       check_schema,    check_role,       check_write};
    struct database database = {.checking = checking};
    for (size_t i = 0; i < sizeof steps / sizeof *steps && steps[i](&database); i++)
        ;
}
