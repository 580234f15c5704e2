/* fake_state: the state directory of fake_ends, and the promise that it holds each position against. */
#include "fake_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int state_load(void *self, struct state_progress *progress, struct err *err)
{
    const struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is broken");
    *progress = ends->saved;
    return 0;
}

/* Nothing before the position waits for an answer. */
static void check_rows(const struct ends *ends, const struct place *place)
{
    int at = row_at(ends, place->position);
    bool known = at != NONE && !strcmp(place->mark, ends->rows[at].id);
    assert_true(known || place_is_start(place) || ends->source_replaced);
    for (int i = 0; known && i <= at; i++)
        if (!ends->rows[i].passable && !ends->rows[i].late)
            fail_msg("the position is %d, and row %d is not answered", (int)place->position, i);
}

/* What the table has is the table's affair: its own position waits for it. */
static bool is_in_table(const struct ends *ends, const struct fake_row *line)
{
    char here[DIGEST_HEX_LEN + 1];
    char there[DIGEST_HEX_LEN + 1];
    for (int i = 0; i < ends->row_count; i++) {
        if (strcmp(ends->rows[i].id, line->id) != 0)
            continue;
        row_hash(line, here);
        row_hash(&ends->rows[i], there);
        return !strcmp(here, there);
    }
    return false;
}

static void check_lines(const struct ends *ends, const struct place *place)
{
    const struct fake_lines *log = &ends->log_file;
    int at = line_at(ends, place->position);
    assert_true(at != NONE || place_is_start(place));
    for (int i = 0; i <= at; i++)
        if (!log->lines[i].passable && !log->lines[i].fault && !is_in_table(ends, &log->lines[i]))
            fail_msg("the position in the log is %d, and line %d is not answered", (int)place->position, i);
}

static void forget_shown(struct ends *ends, const struct place *row)
{
    for (int i = 0; i < ends->sent_count; i++)
        if (ends->sent_notes[i].position && ends->sent_notes[i].position <= row->position)
            ends->sent_notes[i].signal_id[0] = '\0';
}

static int state_save(void *self, const struct state_progress *progress, struct err *err)
{
    struct ends *ends = self;
    check_rows(ends, &progress->places[ORIGIN_TABLE]);
    check_lines(ends, &progress->places[ORIGIN_LOG]);
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    ends->saved = *progress;
    ends->saves++;
    forget_shown(ends, &progress->places[ORIGIN_TABLE]);
    return 0;
}

static struct fake_letter *letter_slot(struct ends *ends, int64_t id)
{
    assert_true(ends->letter_count < LETTERS_MAX);
    if (id)
        return &ends->letters[id - 1];
    struct fake_letter *letter = &ends->letters[ends->letter_count++];
    letter->id = ends->letter_count;
    return letter;
}

static void letter_kept(struct ends *ends, const struct dead_letter *letter)
{
    bool is_line = letter->origin == ORIGIN_LOG;
    int at = is_line ? line_at(ends, letter->position) : row_at(ends, letter->position);
    if (at == NONE)
        return;
    struct fake_row *row = is_line ? &ends->log_file.lines[at] : &ends->rows[at];
    row->passable = true;
    row->buried = true;
}

static int state_bury(void *self, const struct dead_letter *letter, struct err *err)
{
    struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    struct fake_letter *kept = letter_slot(ends, letter->id);
    if (!letter->id) {
        kept->origin = letter->origin;
        kept->position = letter->position;
    }
    (void)snprintf(kept->signal_id, sizeof kept->signal_id, "%s", letter->signal_id);
    (void)snprintf(kept->sha256, sizeof kept->sha256, "%s", letter->sha256);
    (void)snprintf(kept->reason, sizeof kept->reason, "%s", letter->reason);
    (void)snprintf(kept->detail, sizeof kept->detail, "%s", letter->detail);
    free(kept->json);
    kept->json = strdup(letter->json);
    kept->retry = letter->retry;
    assert_true(letter->created_us > 0);
    letter_kept(ends, letter);
    return 0;
}

static int state_remove(void *self, int64_t id, struct err *err)
{
    struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    ends->letters[id - 1].retry = false;
    ends->letters[id - 1].id = 0;
    return 0;
}

static int state_each_retry(void *self, dead_letter_visit *visit, void *visitor, struct err *err)
{
    struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is broken");
    for (int i = 0; i < ends->letter_count; i++) {
        const struct fake_letter *kept = &ends->letters[i];
        struct dead_letter letter = {.id = kept->id,
                                     .origin = kept->origin,
                                     .position = kept->position,
                                     .signal_id = kept->signal_id,
                                     .sha256 = kept->sha256,
                                     .symbol = "AAPL",
                                     .action = "BUY",
                                     .reason = kept->reason,
                                     .detail = kept->detail,
                                     .json = kept->json,
                                     .retry = true};
        if (kept->retry && !visit(visitor, &letter))
            break;
    }
    return 0;
}

int64_t add_letter(struct ends *ends, const char *signal_id, const char *json)
{
    struct fake_letter *letter = letter_slot(ends, 0);
    (void)snprintf(letter->signal_id, sizeof letter->signal_id, "%s", signal_id);
    letter->json = strdup(json);
    letter->retry = true;
    return letter->id;
}

static int state_remove_delivered(void *self, const char *signal_id, const char *sha256, struct err *err)
{
    struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    for (int i = 0; i < ends->letter_count; i++)
        if (ends->letters[i].id && signal_id[0] && !strcmp(ends->letters[i].signal_id, signal_id) &&
            !strcmp(ends->letters[i].sha256, sha256))
            (void)state_remove(self, ends->letters[i].id, err);
    return 0;
}

static int state_note_sent(void *self, const char *signal_id, const char *sha256, struct err *err)
{
    struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    assert_true(ends->sent_count < SENT_MAX);
    struct fake_sent *sent = &ends->sent_notes[ends->sent_count++];
    (void)snprintf(sent->signal_id, sizeof sent->signal_id, "%s", signal_id);
    (void)snprintf(sent->sha256, sizeof sent->sha256, "%s", sha256);
    return 0;
}

static struct fake_sent *find_note(struct ends *ends, const char *signal_id)
{
    for (int i = 0; i < ends->sent_count; i++)
        if (!strcmp(ends->sent_notes[i].signal_id, signal_id))
            return &ends->sent_notes[i];
    return NULL;
}

static int state_find_sent(void *self, const char *signal_id, char sha256[DIGEST_HEX_LEN + 1], struct err *err)
{
    const struct fake_sent *sent = find_note(self, signal_id);
    (void)err;
    if (sent)
        memcpy(sha256, sent->sha256, sizeof sent->sha256);
    return sent != NULL;
}

static int state_show_sent(void *self, const char *signal_id, int64_t position, struct err *err)
{
    struct fake_sent *sent = find_note(self, signal_id);
    (void)err;
    if (sent)
        sent->position = position;
    return 0;
}

static struct state_tally *tally_slot(struct ends *ends, int64_t block)
{
    assert_in_range(block + TALLIES_BELOW_ZERO, 0, TALLIES_MAX - 1);
    return &ends->tallies[block + TALLIES_BELOW_ZERO];
}

static int state_add_tally(void *self, int64_t block, const struct state_tally *more, struct err *err)
{
    struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    tally_slot(ends, block)->rows += more->rows;
    tally_slot(ends, block)->sum += more->sum;
    return 0;
}

static int state_find_tally(void *self, int64_t block, struct state_tally *tally, struct err *err)
{
    (void)err;
    *tally = *tally_slot(self, block);
    return 0;
}

static int state_clear_tallies(void *self, struct err *err)
{
    struct ends *ends = self;
    (void)err;
    memset(ends->tallies, 0, sizeof ends->tallies);
    return 0;
}

static int state_clear_sent(void *self, struct err *err)
{
    struct ends *ends = self;
    (void)err;
    ends->sent_count = 0;
    return 0;
}

const struct state_ops fake_state_ops = {
    .load = state_load,
    .save = state_save,
    .bury = state_bury,
    .remove = state_remove,
    .remove_delivered = state_remove_delivered,
    .each_retry = state_each_retry,
    .note_sent = state_note_sent,
    .find_sent = state_find_sent,
    .show_sent = state_show_sent,
    .clear_sent = state_clear_sent,
    .add_tally = state_add_tally,
    .find_tally = state_find_tally,
    .clear_tallies = state_clear_tallies,
};
