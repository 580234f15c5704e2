/* dead: list, show, retry and drop dead letters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/state_letters.h"
#include "adapters/state_sqlite.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "commands/commands.h"
#include "commands/settings.h"

struct listing {
    bool json;
    bool whole; /* with what was sent */
    int64_t count;
};

static void print_json(const struct dead_letter *letter, bool whole)
{
    char time[CLOCK_TEXT_SIZE];
    struct buf line = {0};
    buf_add_char(&line, '{');
    json_text_member_integer(&line, "id", letter->id);
    json_text_member_cstring(&line, "signal_id", letter->signal_id);
    json_text_member_cstring(&line, "symbol", letter->symbol);
    json_text_member_cstring(&line, "action", letter->action);
    json_text_member_cstring(&line, "reason", letter->reason);
    json_text_member_cstring(&line, "detail", letter->detail);
    json_text_member_cstring(&line, "created_at", clock_format(letter->created_us, time));
    json_text_member_cstring(&line, "source", origin_name(letter->origin));
    json_text_member_integer(&line, "position", letter->position);
    json_text_member_bool(&line, "retry", letter->retry);
    if (whole)
        json_text_member_cstring(&line, "signal", letter->json);
    (void)printf("%s}\n", line.data ? line.data : "");
    buf_clear(&line);
}

/* What came from outside is escaped, so that a letter cannot write to the terminal. */
static void print_field(const char *name, const char *text)
{
    struct buf line = {0};
    json_text_string(&line, text, strlen(text));
    (void)printf("%-10s %s\n", name, line.data ? line.data : "");
    buf_clear(&line);
}

static void print_whole(const struct dead_letter *letter)
{
    char time[CLOCK_TEXT_SIZE];
    (void)printf("%-10s %lld%s\n", "id", (long long)letter->id, letter->retry ? " (will be sent again)" : "");
    print_field("signal_id", letter->signal_id);
    print_field("symbol", letter->symbol);
    print_field("action", letter->action);
    print_field("reason", letter->reason);
    print_field("detail", letter->detail);
    (void)printf("%-10s %s\n", "since", clock_format(letter->created_us, time));
    (void)printf("%-10s %s\n", "signal", letter->json); /* JSON in ASCII already */
}

static void print_line(const struct dead_letter *letter)
{
    struct buf id = {0};
    char time[CLOCK_TEXT_SIZE];
    json_text_string(&id, letter->signal_id, strlen(letter->signal_id));
    (void)printf("%6lld  %s  %-14s %s%s\n", (long long)letter->id, clock_format(letter->created_us, time),
                 letter->reason, id.data ? id.data : "", letter->retry ? "  (will be sent again)" : "");
    buf_clear(&id);
}

static bool print_letter(void *self, const struct dead_letter *letter)
{
    struct listing *listing = self;
    listing->count++;
    if (listing->json)
        print_json(letter, listing->whole);
    else if (listing->whole)
        print_whole(letter);
    else
        print_line(letter);
    return true;
}

static int failed(struct invocation *invocation, const struct err *err)
{
    log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Dead letters: %s", err->message);
    return EXIT_FAILED;
}

static int print_letters(struct invocation *invocation, struct state *state, int64_t only)
{
    struct listing listing = {.json = command_has_flag(invocation, "--json"), .whole = only != 0};
    struct dead_selection selection = {.id = only, .reason = command_option(invocation, "--reason")};
    struct err err = {0};
    if (state_letters_each(state, &selection, print_letter, &listing, &err))
        return failed(invocation, &err);
    if (only && !listing.count) {
        err_set(&err, "there is none with the id %lld", (long long)only);
        return failed(invocation, &err);
    }
    if (!only && !listing.count && !listing.json)
        (void)printf("no dead letters\n");
    return EXIT_DONE;
}

static bool log_drop(void *self, const struct dead_letter *letter)
{
    struct log *log = self;
    log_write(log, LOG_WARN, LOG_WITH(LOG_INT("id", letter->id), LOG_STR("sha256", letter->sha256)),
              "Dead letter dropped: signal %s (%s)", letter->signal_id, letter->reason);
    return true;
}

/* Each is said before it goes; the state keeps a row of it too. */
static int64_t drop(struct invocation *invocation, struct state *state, const struct dead_selection *selection,
                    struct err *err)
{
    if (state_letters_each(state, selection, log_drop, invocation->log, err))
        return -1;
    return state_letters_drop(state, selection, err);
}

static int edit(struct invocation *invocation, struct state *state, bool retry, int64_t only)
{
    struct dead_selection selection = {.id = only, .reason = command_option(invocation, "--reason")};
    struct err err = {0};
    int64_t count =
        retry ? state_letters_retry(state, &selection, &err) : drop(invocation, state, &selection, &err);
    if (count < 0)
        return failed(invocation, &err);
    if (!count && only) {
        err_set(&err, "there is none with the id %lld", (long long)only);
        return failed(invocation, &err);
    }
    if (retry)
        (void)printf("%lld will be sent again by the running sender, or by the next run or sync\n",
                     (long long)count);
    else
        (void)printf("%lld dropped\n", (long long)count);
    return EXIT_DONE;
}

/* list takes no id; show needs one; retry and drop need one of ID, --all, --reason. An empty reason, which a
 * script's unset variable gives, is none: it must not stand for all. Returns -1 for wrong usage. */
static int read_selection(const struct invocation *invocation, const char *verb, int64_t *id)
{
    const char *text = invocation->argument_count > 1 ? invocation->arguments[1] : NULL;
    const char *reason = command_option(invocation, "--reason");
    bool all = command_has_flag(invocation, "--all");
    bool some = all || reason;
    char *end = NULL;
    *id = text ? strtoll(text, &end, 10) : 0;
    if ((text && (*end || *id <= 0)) || (all && reason) || (reason && !*reason))
        return -1;
    if (!strcmp(verb, "list"))
        return text ? -1 : 0;
    if (!strcmp(verb, "show"))
        return text && !some ? 0 : -1;
    return (text != NULL) != some ? 0 : -1;
}

int command_dead(struct invocation *invocation)
{
    static const char *const verbs[] = {"list", "show", "retry", "drop"};
    const struct sender_settings *settings = invocation->values;
    const char *verb = invocation->argument_count ? invocation->arguments[0] : "";
    struct err err = {0};
    int64_t id;
    size_t known = 0;
    while (known < 4 && strcmp(verbs[known], verb) != 0)
        known++;
    if (known == 4)
        return command_usage_error(invocation, "dead needs one of list, show, retry, drop");
    if (read_selection(invocation, verb, &id))
        return command_usage_error(invocation, "dead %s needs %s", verb,
                                   known == 0   ? "no id, and a reason that is not empty"
                                   : known == 1 ? "the id of a dead letter"
                                                : "either the id of a dead letter, or --all, or --reason CODE");
    if (!state_sqlite_exists(settings->state_directory) && !id) {
        if (!command_has_flag(invocation, "--json"))
            (void)printf("no dead letters\n");
        return EXIT_DONE;
    }
    struct state_options options = {.directory = settings->state_directory,
                                    .access = known < 2 ? STATE_READ : STATE_EDIT};
    struct state *state = state_sqlite_open(&options, &err);
    if (!state)
        return failed(invocation, &err);
    int code = known < 2 ? print_letters(invocation, state, id) : edit(invocation, state, known == 2, id);
    state_sqlite_close(state);
    return code;
}
