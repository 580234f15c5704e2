/* state_none: nothing to keep. */
#include "adapters/state_none.h"

static int load(void *self, struct state_progress *progress, struct err *err)
{
    (void)self;
    (void)err;
    *progress = (struct state_progress){0};
    return 0;
}

static int save(void *self, const struct state_progress *progress, struct err *err)
{
    (void)self;
    (void)progress;
    (void)err;
    return 0;
}

static int bury(void *self, const struct dead_letter *letter, struct err *err)
{
    (void)self;
    (void)letter;
    (void)err;
    return 0;
}

static int forget_letter(void *self, int64_t id, struct err *err)
{
    (void)self;
    (void)id;
    (void)err;
    return 0;
}

static int each_retry(void *self, dead_letter_visit *visit, void *visitor, struct err *err)
{
    (void)self;
    (void)visit;
    (void)visitor;
    (void)err;
    return 0;
}

static int note_signal(void *self, const char *signal_id, const char *sha256, struct err *err)
{
    (void)self;
    (void)signal_id;
    (void)sha256;
    (void)err;
    return 0;
}

static int find_sent(void *self, const char *signal_id, char sha256[DIGEST_HEX_LEN + 1], struct err *err)
{
    (void)self;
    (void)signal_id;
    (void)err;
    sha256[0] = '\0';
    return 0;
}

static int show_sent(void *self, const char *signal_id, int64_t position, struct err *err)
{
    (void)self;
    (void)signal_id;
    (void)position;
    (void)err;
    return 0;
}

static int add_tally(void *self, int64_t block, const struct state_tally *more, struct err *err)
{
    (void)self;
    (void)block;
    (void)more;
    (void)err;
    return 0;
}

static int find_tally(void *self, int64_t block, struct state_tally *tally, struct err *err)
{
    (void)self;
    (void)block;
    (void)err;
    *tally = (struct state_tally){0};
    return 0;
}

static int clear_all(void *self, struct err *err)
{
    (void)self;
    (void)err;
    return 0;
}

const struct state *state_none(void)
{
    static const struct state_ops ops = {
        .load = load,
        .save = save,
        .bury = bury,
        .remove = forget_letter,
        .remove_delivered = note_signal,
        .each_retry = each_retry,
        .note_sent = note_signal,
        .find_sent = find_sent,
        .show_sent = show_sent,
        .clear_sent = clear_all,
        .add_tally = add_tally,
        .find_tally = find_tally,
        .clear_tallies = clear_all,
    };
    static const struct state none = {false, &ops, NULL};
    return &none;
}
