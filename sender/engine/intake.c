/* intake: everything between the source seam and a batch. */
#include "engine/intake.h"

#include <string.h>

#include "base/base64.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "engine/outgoing.h"

void intake_init(struct intake *intake, const struct source *source, struct journal *journal, struct log *log)
{
    *intake = (struct intake){.source = source, .journal = journal, .log = log, .read = journal->progress.place};
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
};

static const char *field_text(const struct signal *signal, enum signal_field field)
{
    return signal_text(signal, field, NULL);
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

static bool bury(struct intake *intake, const struct source_item *item, enum fault fault, const struct err *err)
{
    if (item->text)
        write_unreadable(&intake->json, item->text);
    const char *json = intake->json.data;
    struct dead_letter letter = {
        .position = item->position,
        .signal_id = field_text(item->signal, FIELD_SIGNAL_ID),
        .symbol = field_text(item->signal, FIELD_SYMBOL),
        .action = field_text(item->signal, FIELD_ACTION),
        .reason = fault_code(fault),
        .detail = err->message,
        .json = json ? json : "",
    };
    return journal_bury(intake->journal, &letter) == 0;
}

static bool has_room(const struct reading *reading)
{
    const struct batch *batch = reading->batch;
    size_t len = reading->intake->json.len + 1;
    return !batch || (batch->count < reading->signals_max && batch->body.len + len <= reading->bytes_max);
}

static bool add(struct reading *reading, const struct source_item *item)
{
    struct intake *intake = reading->intake;
    struct batch_item added = {
        .position = item->position,
        .signal_id = field_text(item->signal, FIELD_SIGNAL_ID),
        .symbol = item->signal->symbol.as.text.data,
        .action = field_text(item->signal, FIELD_ACTION),
    };
    if (!has_room(reading) || intake->json.failed)
        return false;
    if (!reading->batch)
        reading->batch = batch_new(&intake->read);
    return reading->batch && !batch_add(reading->batch, &added, intake->json.data, intake->json.len);
}

static void move_on(struct intake *intake, const struct source_item *item)
{
    size_t len;
    const char *id = signal_text(item->signal, FIELD_SIGNAL_ID, &len);
    if (len > SIGNAL_ID_MAX)
        len = 0;
    intake->read.position = item->position;
    memcpy(intake->read.signal_id, id, len);
    intake->read.signal_id[len] = '\0';
}

static bool take(void *self, const struct source_item *item)
{
    struct reading *reading = self;
    struct intake *intake = reading->intake;
    struct err err = {0};
    enum fault fault = item->fault;
    bool taken = true;
    if (fault) {
        err = *item->err;
    } else if (outgoing_is_neutral(item->signal)) {
        intake->skipped++;
        move_on(intake, item);
        return true;
    } else {
        fault = outgoing_prepare(item->signal, &intake->json, &intake->scratch, &err);
    }
    taken = fault ? bury(intake, item, fault, &err) : add(reading, item);
    if (taken)
        move_on(intake, item);
    return taken;
}

/* --- the source -------------------------------------------------------------------------------------------- */

static void source_away(struct intake *intake, const struct err *err)
{
    if (!intake->away)
        log_write(intake->log, LOG_WARN, LOG_PLAIN, "The source cannot be read now: %s", err->message);
    intake->away = true;
    intake->at_end = true; /* nothing to wait for but the next look */
}

static void source_back(struct intake *intake)
{
    if (intake->away)
        log_write(intake->log, LOG_INFO, LOG_PLAIN, "The source can be read again");
    intake->away = false;
}

/* The receiver knows what it already has, so beginning again costs time and no signal. */
static void restart(struct intake *intake)
{
    log_write(intake->log, LOG_ERROR,
              LOG_WITH(LOG_INT("position", intake->read.position), LOG_STR("signal_id", intake->read.signal_id)),
              "The source was replaced or restored: the signal at the position is not there; "
              "starting again from the beginning");
    intake->read = (struct place){0};
}

static enum source_status read_once(struct reading *reading)
{
    struct intake *intake = reading->intake;
    struct err err = {0};
    enum source_status status = intake->source->ops->read(intake->source->self, &intake->read, take, reading, &err);
    if (status == SOURCE_AWAY)
        source_away(intake, &err);
    else
        source_back(intake);
    return status;
}

void intake_look(struct intake *intake)
{
    if (intake->at_end && intake->source->ops->changed(intake->source->self))
        intake->at_end = false;
}

struct batch *intake_read(struct intake *intake, size_t signals_max, size_t bytes_max, bool may_restart)
{
    struct reading reading = {intake, NULL, signals_max, bytes_max};
    if (intake->at_end)
        return NULL;
    enum source_status status = read_once(&reading);
    if (status == SOURCE_REPLACED && may_restart) {
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
    reread->good = item->position == reread->letter->position && !item->fault &&
                   !strcmp(field_text(item->signal, FIELD_SIGNAL_ID), reread->letter->signal_id) &&
                   !outgoing_prepare(item->signal, &intake->json, &intake->scratch, &ignored);
    return false;
}

const char *intake_letter_json(struct intake *intake, const struct dead_letter *letter)
{
    struct reread reread = {.intake = intake, .letter = letter};
    struct place before = {.position = letter->position - 1};
    struct err ignored;
    if (letter->position > 0)
        (void)intake->source->ops->read(intake->source->self, &before, take_mended, &reread, &ignored);
    return reread.good && intake->json.data ? intake->json.data : letter->json;
}
