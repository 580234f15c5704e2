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

static int state_save(void *self, const struct state_progress *progress, struct err *err)
{
    struct ends *ends = self;
    const struct place *place = &progress->place;
    bool known = !place->position || (place->position <= ends->row_count &&
                                      !strcmp(place->signal_id, ends->rows[place->position - 1].id));
    assert_true(known || ends->source_replaced);
    for (int i = 0; known && i < place->position; i++)
        if (!ends->rows[i].passable)
            fail_msg("the position is %d, and row %d is not answered", (int)place->position, i);
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    ends->saved = *progress;
    ends->saves++;
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

static int state_bury(void *self, const struct dead_letter *letter, struct err *err)
{
    struct ends *ends = self;
    if (ends->state_fails)
        return err_set(err, "the disk is full");
    struct fake_letter *kept = letter_slot(ends, letter->id);
    if (!letter->id)
        kept->position = letter->position;
    (void)snprintf(kept->signal_id, sizeof kept->signal_id, "%s", letter->signal_id);
    (void)snprintf(kept->reason, sizeof kept->reason, "%s", letter->reason);
    (void)snprintf(kept->detail, sizeof kept->detail, "%s", letter->detail);
    free(kept->json);
    kept->json = strdup(letter->json);
    kept->retry = letter->retry;
    assert_true(letter->created_us > 0);
    if (letter->position)
        ends->rows[letter->position - 1].passable = true;
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
                                     .position = kept->position,
                                     .signal_id = kept->signal_id,
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

const struct state_ops fake_state_ops = {state_load, state_save, state_bury, state_remove, state_each_retry};
