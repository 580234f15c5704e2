/* intake: everything between the source seam and a batch. */
#include "engine/intake.h"

#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "engine/outgoing.h"

/* How much is done in one reading that yields no batch, so that the loop gets its turn: a signal that is passed
 * costs 1, a letter, which is flushed to the disk, more. */
enum { READING_BUDGET = 4000, LETTER_COST = 100 };
/* Of a line that cannot be read, as much is shown. */
enum { SHOWN_MAX = 120 };

void intake_init(struct intake *intake, const struct intake_options *options, const struct place *from,
                 struct journal *journal, struct log *log)
{
    *intake =
        (struct intake){.options = *options, .journal = journal, .log = log, .read = *from, .until = INT64_MAX};
}

void intake_clear(struct intake *intake)
{
    buf_clear(&intake->json);
    buf_clear(&intake->scratch);
}

/* --- one signal -------------------------------------------------------------------------------------------- */

struct reading {
    struct intake *intake;
    struct batch *batch;
    size_t signals_max;
    size_t bytes_max;
    int budget;
};

static const char *field_text(const struct signal *signal, enum signal_field field)
{
    return signal_text(signal, field, NULL);
}

static void settled(struct intake *intake, const struct source_item *item)
{
    char hash[DIGEST_HEX_LEN + 1];
    struct table_row row = {item->place.position, field_text(item->signal, FIELD_SIGNAL_ID),
                            outgoing_hash(item->signal, hash)};
    if (intake->options.tallies)
        journal_row_settled(intake->journal, &row);
}

/* What could not be read is kept as it was: as a string, or in base64 where it is no text. */
static void write_unreadable(struct buf *json, const char *text)
{
    size_t len = strlen(text);
    buf_reset(json);
    buf_add_char(json, '{');
    if (utf8_valid(text, len)) {
        json_text_member_string(json, "unreadable", text, len);
    } else {
        json_text_name(json, "unreadable_base64");
        buf_add_char(json, '"');
        base64_encode(text, len, json);
        buf_add_char(json, '"');
    }
    buf_add_char(json, '}');
}

static struct batch_item describe(const struct source_item *item, char hash[DIGEST_HEX_LEN + 1])
{
    return (struct batch_item){
        .position = item->place.position,
        .mark = item->place.mark,
        .signal_id = field_text(item->signal, FIELD_SIGNAL_ID),
        .sha256 = outgoing_hash(item->signal, hash),
        .symbol = field_text(item->signal, FIELD_SYMBOL),
        .action = field_text(item->signal, FIELD_ACTION),
        .time_us = item->signal->timestamp_us,
    };
}

static bool put(struct reading *reading, const struct batch_item *item)
{
    const struct buf *json = &reading->intake->json;
    if (json->failed)
        return false;
    if (!reading->batch) {
        reading->batch = batch_new(&reading->intake->read);
        if (reading->batch)
            reading->batch->read_ns = clock_monotonic_ns();
    }
    return reading->batch && !batch_add(reading->batch, item, json->data ? json->data : "", json->len);
}

/* The letter cannot be kept now. It waits in memory, in a batch of its own, and holds the position. */
static bool doom(struct reading *reading, struct batch_item *item, enum fault fault, const struct err *err)
{
    item->reason = fault_code(fault);
    item->detail = err->message;
    if (reading->batch || !put(reading, item))
        return false;
    reading->batch->doomed = true;
    return true;
}

static bool bury(struct reading *reading, const struct source_item *item, enum fault fault, const struct err *err)
{
    struct intake *intake = reading->intake;
    char hash[DIGEST_HEX_LEN + 1];
    struct batch_item described = describe(item, hash);
    if (item->text)
        write_unreadable(&intake->json, item->text);
    struct dead_letter letter = {
        .origin = intake->options.origin,
        .position = described.position,
        .signal_id = described.signal_id,
        .sha256 = described.sha256,
        .symbol = described.symbol,
        .action = described.action,
        .reason = fault_code(fault),
        .detail = err->message,
        .json = intake->json.data ? intake->json.data : "",
    };
    reading->budget -= LETTER_COST;
    if (journal_bury(intake->journal, &letter))
        return doom(reading, &described, fault, err);
    settled(intake, item);
    return true;
}

static bool has_room(const struct reading *reading)
{
    const struct batch *batch = reading->batch;
    size_t len = reading->intake->json.len + 1;
    return !batch || (batch->count < reading->signals_max && batch->body.len + len <= reading->bytes_max);
}

static bool add(struct reading *reading, const struct source_item *item)
{
    char hash[DIGEST_HEX_LEN + 1];
    struct batch_item added = describe(item, hash);
    added.symbol = item->signal->symbol.as.text.data;
    return has_room(reading) && put(reading, &added);
}

static bool pass(struct reading *reading, const struct source_item *item)
{
    settled(reading->intake, item);
    reading->budget--;
    return true;
}

static bool pass_unreadable(struct reading *reading, const struct source_item *item)
{
    char begins[SHOWN_MAX + 1] = "";
    if (item->text)
        (void)strncat(begins, item->text, SHOWN_MAX);
    log_write_limited(reading->intake->log, LOG_WARN,
                      LOG_WITH(LOG_INT("position", item->place.position), LOG_STR("why", item->err->message),
                               LOG_STR("begins", begins)),
                      "A line of the log cannot be read; its signal, if it is one, goes when the table has it");
    return pass(reading, item);
}

static bool take_readable(struct reading *reading, const struct source_item *item)
{
    struct intake *intake = reading->intake;
    struct err err = {0};
    if (outgoing_is_neutral(item->signal)) {
        intake->skipped++;
        return pass(reading, item);
    }
    enum intake_choice choice =
        intake->options.decide ? intake->options.decide(intake->options.decider, item) : INTAKE_SEND;
    if (choice == INTAKE_WAIT)
        return false;
    if (choice == INTAKE_SKIP)
        return pass(reading, item);
    enum fault fault = outgoing_prepare(item->signal, &intake->json, &intake->scratch, &err);
    return fault ? bury(reading, item, fault, &err) : add(reading, item);
}

static bool take(void *self, const struct source_item *item)
{
    struct reading *reading = self;
    struct intake *intake = reading->intake;
    const struct batch *batch = reading->batch;
    bool taken;
    if (item->place.position > intake->until) {
        intake->at_end = true;
        return false;
    }
    if (batch && (batch->doomed || batch->count >= reading->signals_max))
        return false;
    intake->more = reading->budget <= 0;
    if (intake->more)
        return false;
    if (!item->fault)
        taken = take_readable(reading, item);
    else if (intake->options.advisory)
        taken = pass_unreadable(reading, item);
    else
        taken = bury(reading, item, item->fault, item->err);
    if (taken)
        intake->read = item->place;
    return taken;
}

/* --- the source -------------------------------------------------------------------------------------------- */

/* "source" for the table, which is what matters; operators search for it. */
static const char *name_of(const struct intake *intake)
{
    return intake->options.origin == ORIGIN_LOG ? "log" : "source";
}

static void source_away(struct intake *intake, const struct err *err)
{
    if (!intake->away)
        log_write(intake->log, LOG_WARN, LOG_PLAIN, "The %s cannot be read now: %s", name_of(intake), err->message);
    intake->away = true;
    intake->at_end = true; /* nothing to wait for but the next look */
}

static void source_back(struct intake *intake)
{
    if (intake->away)
        log_write(intake->log, LOG_INFO, LOG_PLAIN, "The %s can be read again", name_of(intake));
    intake->away = false;
}

/* The receiver knows what it already has, so beginning again costs time and no signal. */
static void restart(struct intake *intake)
{
    bool is_log = intake->options.origin == ORIGIN_LOG;
    log_write(intake->log, is_log ? LOG_WARN : LOG_ERROR,
              LOG_WITH(LOG_INT("position", intake->read.position), LOG_STR("mark", intake->read.mark)), "%s",
              is_log ? "The log was replaced, and what was read last is in none of the files beside it; "
                       "reading it from the beginning"
                     : "The source was replaced or restored: the signal at the position is not there; "
                       "starting again from the beginning");
    intake->read = (struct place){0};
    if (intake->options.tallies)
        journal_restart_table(intake->journal);
}

static enum source_status read_once(struct reading *reading)
{
    struct intake *intake = reading->intake;
    const struct source *source = intake->options.source;
    struct err err = {0};
    intake->more = false;
    enum source_status status = source->ops->read(source->self, &intake->read, take, reading, &err);
    if (status == SOURCE_AWAY)
        source_away(intake, &err);
    else
        source_back(intake);
    return status;
}

void intake_look(struct intake *intake)
{
    const struct source *source = intake->options.source;
    if (intake->at_end && source->ops->changed(source->self))
        intake->at_end = false;
}

struct batch *intake_read(struct intake *intake, size_t signals_max, size_t bytes_max)
{
    struct reading reading = {intake, NULL, signals_max, bytes_max, READING_BUDGET};
    if (intake->at_end)
        return NULL;
    enum source_status status = read_once(&reading);
    if (status == SOURCE_REPLACED) {
        restart(intake);
        status = read_once(&reading);
    }
    if (status == SOURCE_END)
        intake->at_end = true;
    if (reading.batch && !reading.batch->count) {
        batch_free(reading.batch);
        return NULL;
    }
    return reading.batch;
}

/* --- dead letters ------------------------------------------------------------------------------------------ */

struct reread {
    struct intake *intake;
    const struct dead_letter *letter;
    bool good;
};

static bool take_mended(void *self, const struct source_item *item)
{
    struct reread *reread = self;
    struct intake *intake = reread->intake;
    struct err ignored;
    reread->good = !item->fault && !strcmp(field_text(item->signal, FIELD_SIGNAL_ID), reread->letter->signal_id) &&
                   !outgoing_prepare(item->signal, &intake->json, &intake->scratch, &ignored);
    return false;
}

const char *intake_letter_json(struct intake *intake, const struct place *before, const struct dead_letter *letter)
{
    struct reread reread = {.intake = intake, .letter = letter};
    const struct source *source = intake->options.source;
    struct err ignored;
    if (letter->signal_id[0])
        (void)source->ops->read(source->self, before, take_mended, &reread, &ignored);
    return reread.good && intake->json.data ? intake->json.data : letter->json;
}
