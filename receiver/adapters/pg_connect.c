/* pg_connect: each host in a connection of its own, and the first that stands is taken.
 *
 * libpq alone asks one host after the other, and PQconnectPoll ignores connect_timeout: a host that accepts and
 * says nothing, as a machine that hangs does, would keep the next one from its turn. So the hosts begin in the
 * order of the url, the next one when the one before has failed or has been silent for a moment; and one that
 * failed is asked again while another is silent, because it may be the standby that is promoted just then. */
#include "adapters/pg_connect.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { HOSTS_MAX = 16 };

#define HEAD_START_NS (NS_PER_S / 4) /* for a host before the next one begins */
#define ASK_AGAIN_NS  (NS_PER_S / 2) /* after a failure, while another host is silent */

enum { HOST, HOSTADDR, PORT, PLACE_COUNT };

/* What makes a host, by libpq's keywords. */
static const char *const place_names[PLACE_COUNT] = {"host", "hostaddr", "port"};

struct candidate {
    char *place[PLACE_COUNT]; /* NULL: as the url says */
    PGconn *pg;               /* NULL: not begun, or failed */
    PostgresPollingStatusType next;
    int64_t due_ns; /* when it begins, if pg is NULL */
    bool failed;
};

struct race {
    const char *url;
    struct candidate candidates[HOSTS_MAX];
    size_t count;
    struct err *err;
};

int pg_connect_error(struct err *err, const char *what, const char *message)
{
    char text[256];
    size_t used = 0;
    for (; *message && used + 1 < sizeof text; message++)
        text[used++] = *message == '\n' || *message == '\t' ? ' ' : *message;
    while (used && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
    return err_set(err, "%s: %s", what, text);
}

/* --- the hosts of a url ------------------------------------------------------------------------------------ */

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

#define DEFAULT_PORT "5432"

/* An empty port is the usual one; libpq would take it for "not given", and use the url's whole list. */
static char *copy_item(const char *list, size_t n, int part)
{
    while (n--)
        list = strchr(list, ',') + 1;
    size_t len = strcspn(list, ",");
    return !len && part == PORT ? strdup(DEFAULT_PORT) : strndup(list, len);
}

/* One list of the url, cut into the candidates. One port for all hosts is left to libpq, as is a list whose length
 * does not fit the others': it says so. */
static int cut_list(struct race *race, int part, const char *list)
{
    if (!list || count_items(list) != race->count)
        return 0;
    for (size_t i = 0; i < race->count; i++) {
        race->candidates[i].place[part] = copy_item(list, i, part);
        if (!race->candidates[i].place[part])
            return err_set(race->err, "out of memory");
    }
    return 0;
}

static bool has_empty_item(const char *list)
{
    return *list == ',' || strstr(list, ",,") || list[strlen(list) - 1] == ',';
}

static bool lists_fit(const char *const lists[PLACE_COUNT], size_t count)
{
    for (int part = 0; part < PLACE_COUNT; part++) {
        size_t items = lists[part] ? count_items(lists[part]) : count;
        if (items != count && !(part == PORT && items == 1))
            return false;
        if (part != PORT && lists[part] && has_empty_item(lists[part]))
            return false; /* left to libpq */
    }
    return count <= HOSTS_MAX;
}

static int find_hosts(struct race *race)
{
    const char *lists[PLACE_COUNT] = {0};
    PQconninfoOption *options = PQconninfoParse(race->url, NULL);
    int status = 0;
    race->count = 1; /* and libpq says what is wrong, or finds the host in the environment */
    for (const PQconninfoOption *option = options; option && option->keyword; option++)
        for (int part = 0; part < PLACE_COUNT; part++)
            if (!strcmp(option->keyword, place_names[part]) && option->val && *option->val)
                lists[part] = option->val;
    const char *hosts = lists[HOSTADDR] ? lists[HOSTADDR] : lists[HOST];
    if (hosts && lists_fit(lists, count_items(hosts))) {
        race->count = count_items(hosts);
        for (int part = 0; part < PLACE_COUNT && !status; part++)
            status = cut_list(race, part, lists[part]);
    }
    PQconninfoFree(options);
    return status;
}

/* --- one host ---------------------------------------------------------------------------------------------- */

/* The next host need not wait any longer. */
static void begin_next(struct race *race, int64_t now_ns)
{
    for (size_t i = 0; i < race->count; i++) {
        struct candidate *candidate = &race->candidates[i];
        if (!candidate->pg && !candidate->failed) {
            candidate->due_ns = now_ns;
            return;
        }
    }
}

static void fail(struct race *race, struct candidate *candidate)
{
    int64_t now = clock_monotonic_ns();
    pg_connect_error(race->err, "cannot connect to the database",
                     candidate->pg ? PQerrorMessage(candidate->pg) : "out of memory");
    PQfinish(candidate->pg);
    candidate->pg = NULL;
    candidate->failed = true;
    candidate->due_ns = now + ASK_AGAIN_NS;
    begin_next(race, now);
}

static void begin(struct race *race, struct candidate *candidate)
{
    /* Later entries win: the url overrides what stands before it, and never what stands behind it. Texts are UTF-8.
     */
    const char *names[] = {"keepalives_idle",  "keepalives_interval",  "keepalives_count", "tcp_user_timeout",
                           "application_name", "target_session_attrs", "dbname",           "client_encoding",
                           place_names[HOST],  place_names[HOSTADDR],  place_names[PORT],  NULL};
    const char *values[] = {"1",
                            "1",
                            "2",
                            "5000",
                            "alpine-receiver",
                            "read-write",
                            race->url,
                            "UTF8",
                            candidate->place[HOST],
                            candidate->place[HOSTADDR],
                            candidate->place[PORT],
                            NULL};
    candidate->pg = PQconnectStartParams(names, values, 1);
    candidate->next = PGRES_POLLING_WRITING;
    if (!candidate->pg || PQstatus(candidate->pg) == CONNECTION_BAD)
        fail(race, candidate);
}

/* --- the race ---------------------------------------------------------------------------------------------- */

static void begin_due(struct race *race)
{
    for (size_t i = 0; i < race->count; i++)
        if (!race->candidates[i].pg && race->candidates[i].due_ns <= clock_monotonic_ns())
            begin(race, &race->candidates[i]);
}

/* Whether every host has failed, so that there is nothing to wait for. */
static bool is_lost(const struct race *race)
{
    for (size_t i = 0; i < race->count; i++)
        if (race->candidates[i].pg || !race->candidates[i].failed)
            return false;
    return true;
}

/* Waits until a host says something or the next one is due. Returns -1 once the deadline has passed. */
static int wait_hosts(struct race *race, struct pollfd waits[HOSTS_MAX], int64_t deadline_ns)
{
    int64_t now = clock_monotonic_ns();
    int64_t until = deadline_ns;
    if (now >= deadline_ns)
        return -1;
    for (size_t i = 0; i < race->count; i++) {
        struct candidate *candidate = &race->candidates[i];
        waits[i] = (struct pollfd){.fd = candidate->pg ? PQsocket(candidate->pg) : -1,
                                   .events = candidate->next == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (!candidate->pg && candidate->due_ns < until)
            until = candidate->due_ns;
    }
    int64_t left = until - now;
    if (poll(waits, race->count, left > 0 ? (int)(left / NS_PER_MS) + 1 : 0) >= 0)
        return 0;
    for (size_t i = 0; i < race->count; i++)
        waits[i].revents = 0;
    return errno == EINTR ? 0 : -1;
}

/* Goes on with those that can. Returns the first connection that stands; it is the caller's. */
static PGconn *advance(struct race *race, const struct pollfd waits[HOSTS_MAX])
{
    for (size_t i = 0; i < race->count; i++) {
        struct candidate *candidate = &race->candidates[i];
        PGconn *pg = candidate->pg;
        if (!pg || !waits[i].revents)
            continue;
        candidate->next = PQconnectPoll(pg);
        if (candidate->next == PGRES_POLLING_FAILED) {
            fail(race, candidate);
        } else if (candidate->next == PGRES_POLLING_OK) {
            candidate->pg = NULL;
            return pg;
        }
    }
    return NULL;
}

static PGconn *run(struct race *race, int64_t deadline_ns)
{
    struct pollfd waits[HOSTS_MAX];
    for (;;) {
        begin_due(race);
        if (is_lost(race))
            return NULL;
        if (wait_hosts(race, waits, deadline_ns)) {
            err_set(race->err, "cannot connect to the database: no answer in time");
            return NULL;
        }
        PGconn *pg = advance(race, waits);
        if (pg)
            return pg;
    }
}

static void clear(struct race *race)
{
    for (size_t i = 0; i < race->count; i++) {
        PQfinish(race->candidates[i].pg);
        for (int part = 0; part < PLACE_COUNT; part++)
            free(race->candidates[i].place[part]);
    }
}

PGconn *pg_connect(const char *url, int64_t deadline_ns, struct err *err)
{
    struct race race = {.url = url, .err = err};
    PGconn *pg = NULL;
    int64_t now = clock_monotonic_ns();
    if (!find_hosts(&race)) {
        for (size_t i = 0; i < race.count; i++)
            race.candidates[i].due_ns = now + (int64_t)i * HEAD_START_NS;
        pg = run(&race, deadline_ns);
    }
    clear(&race);
    return pg;
}
