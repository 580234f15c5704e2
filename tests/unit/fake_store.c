/* fake_store: see fake_store.h. */
#include "fake_store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_S = 20 };

struct timespec fake_store_deadline(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += PATIENCE_S;
    return at;
}

static const char *id_of(const struct store_row *row)
{
    return signal_text(row->signal, FIELD_SIGNAL_ID, NULL);
}

static int find(const struct fake_store *fake, const char *signal_id)
{
    for (int i = 0; i < fake->stored_count; i++)
        if (!strcmp(fake->stored[i].signal_id, signal_id))
            return i + 1;
    return 0;
}

static bool is_bad(const struct fake_store *fake, const char *signal_id)
{
    for (size_t i = 0; i < COUNT(fake->bad) && fake->bad[i]; i++)
        if (!strcmp(fake->bad[i], signal_id))
            return true;
    return false;
}

static void judge(struct fake_store *fake, struct store_row *row)
{
    int id = find(fake, id_of(row));
    row->id = id;
    row->verdict = !id                                                         ? STORE_UNKNOWN
                   : !strcmp(fake->stored[id - 1].sha256, row->signal->sha256) ? STORE_DUPLICATE
                                                                               : STORE_CONFLICT;
}

static void keep(struct fake_store *fake, struct store_row *row)
{
    if (row->verdict == STORE_REFUSED)
        return;
    judge(fake, row);
    if (row->verdict != STORE_UNKNOWN || fake->stored_count == STORED_MAX)
        return;
    (void)snprintf(fake->stored[fake->stored_count].signal_id, SIGNAL_ID_MAX + 1, "%s", id_of(row));
    (void)snprintf(fake->stored[fake->stored_count].sha256, DIGEST_HEX_LEN + 1, "%s", row->signal->sha256);
    row->verdict = STORE_STORED;
    row->id = ++fake->stored_count;
}

static enum outcome pass_gate(struct fake_store *fake, struct err *err)
{
    fake->waiting++;
    (void)pthread_cond_broadcast(&fake->changed);
    while (fake->gate_closed)
        (void)pthread_cond_wait(&fake->changed, &fake->lock);
    fake->waiting--;
    if (fake->losing)
        fake->is_open = false;
    if (!fake->failing && !fake->losing)
        return OUTCOME_DONE;
    err_set(err, "the store fails");
    return OUTCOME_AGAIN;
}

static bool store_is_contended(void *self)
{
    struct fake_store *fake = self;
    return fake_store_get(fake, &fake->contended);
}

static enum outcome store_take_turn(void *self, int64_t deadline_ns, struct err *err)
{
    struct fake_store *fake = self;
    (void)deadline_ns;
    (void)pthread_mutex_lock(&fake->lock);
    assert_null(fake->settled);
    assert_null(fake->sent);
    enum outcome outcome = OUTCOME_DONE;
    if (fake->contended) {
        fake->turns++;
        outcome = pass_gate(fake, err);
        fake->has_turn = outcome == OUTCOME_DONE;
    }
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
    return outcome;
}

static void store_leave_turn(void *self)
{
    struct fake_store *fake = self;
    fake_store_set(fake, &fake->has_turn, false);
}

static void store_send(void *self, struct store_row **rows, size_t count, int64_t deadline_ns)
{
    struct fake_store *fake = self;
    (void)deadline_ns;
    (void)pthread_mutex_lock(&fake->lock);
    assert_null(fake->sent);
    fake->has_turn = false;
    fake->sent = rows;
    fake->sent_count = count;
    if (fake->inserts < CALLS_MAX)
        fake->insert_counts[fake->inserts] = count;
    fake->inserts++;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
}

static void judge_sent(struct fake_store *fake, struct store_row *row)
{
    judge(fake, row);
    if (is_bad(fake, id_of(row))) {
        row->verdict = STORE_REFUSED;
        row->refusal = strdup("a rule is broken");
    }
}

static enum outcome store_settle(void *self, struct err *err)
{
    struct fake_store *fake = self;
    (void)pthread_mutex_lock(&fake->lock);
    assert_non_null(fake->sent);
    assert_null(fake->settled);
    enum outcome outcome = pass_gate(fake, err);
    for (size_t i = 0; outcome == OUTCOME_DONE && i < fake->sent_count; i++)
        judge_sent(fake, fake->sent[i]);
    fake->settled = outcome == OUTCOME_DONE ? fake->sent : NULL;
    fake->settled_count = fake->sent_count;
    fake->sent = NULL;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
    return outcome;
}

static enum outcome store_confirm(void *self, struct err *err)
{
    struct fake_store *fake = self;
    (void)pthread_mutex_lock(&fake->lock);
    assert_non_null(fake->settled);
    enum outcome outcome = fake->fail_confirms ? OUTCOME_AGAIN : OUTCOME_DONE;
    if (outcome != OUTCOME_DONE) {
        fake->fail_confirms--;
        fake->is_open = !fake->confirm_loses;
        err_set(err, "the commit is in doubt");
    }
    for (size_t i = 0; outcome == OUTCOME_DONE && i < fake->settled_count; i++)
        keep(fake, fake->settled[i]);
    fake->settled = NULL;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
    return outcome;
}

static enum outcome store_look_up(void *self, struct store_row **rows, size_t count, int64_t deadline_ns,
                                  struct err *err)
{
    struct fake_store *fake = self;
    (void)deadline_ns;
    (void)pthread_mutex_lock(&fake->lock);
    assert_null(fake->settled);
    assert_false(fake->has_turn);
    fake->lookups++;
    enum outcome outcome = pass_gate(fake, err);
    for (size_t i = 0; outcome == OUTCOME_DONE && i < count; i++)
        judge(fake, rows[i]);
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
    return outcome;
}

static enum outcome store_open(void *self, int64_t deadline_ns, struct err *err)
{
    struct fake_store *fake = self;
    (void)deadline_ns;
    (void)pthread_mutex_lock(&fake->lock);
    fake->opens++;
    fake->is_open = !fake->away;
    if (fake->away)
        err_set(err, "nobody is there");
    enum outcome outcome = fake->away ? OUTCOME_AGAIN : OUTCOME_DONE;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
    return outcome;
}

static void store_close(void *self)
{
    struct fake_store *fake = self;
    (void)pthread_mutex_lock(&fake->lock);
    fake->is_open = false;
    fake->sent = NULL;
    fake->settled = NULL;
    fake->closes++;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
}

static enum outcome store_probe(void *self, bool thorough, int64_t deadline_ns, struct err *err)
{
    (void)thorough;
    struct fake_store *fake = self;
    (void)deadline_ns;
    (void)pthread_mutex_lock(&fake->lock);
    fake->probes++;
    if (fake->probe_fails)
        err_set(err, "read only");
    enum outcome outcome = fake->probe_fails ? OUTCOME_AGAIN : OUTCOME_DONE;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
    return outcome;
}

static bool store_is_open(void *self)
{
    struct fake_store *fake = self;
    return fake_store_get(fake, &fake->is_open);
}

static int store_descriptor(void *self)
{
    (void)self;
    return -1;
}

void fake_store_init(struct fake_store *fake)
{
    static const struct store_ops ops = {.open = store_open,
                                         .close = store_close,
                                         .is_contended = store_is_contended,
                                         .take_turn = store_take_turn,
                                         .leave_turn = store_leave_turn,
                                         .send = store_send,
                                         .settle = store_settle,
                                         .confirm = store_confirm,
                                         .look_up = store_look_up,
                                         .probe = store_probe,
                                         .is_open = store_is_open,
                                         .descriptor = store_descriptor};
    memset(fake, 0, sizeof *fake);
    fake->store = (struct store){.ops = &ops, .self = fake};
    (void)pthread_mutex_init(&fake->lock, NULL);
    (void)pthread_cond_init(&fake->changed, NULL);
}

void fake_store_clear(struct fake_store *fake)
{
    (void)pthread_cond_destroy(&fake->changed);
    (void)pthread_mutex_destroy(&fake->lock);
}

void fake_store_set(struct fake_store *fake, int *member, int value)
{
    (void)pthread_mutex_lock(&fake->lock);
    *member = value;
    (void)pthread_cond_broadcast(&fake->changed);
    (void)pthread_mutex_unlock(&fake->lock);
}

int fake_store_get(struct fake_store *fake, const int *member)
{
    (void)pthread_mutex_lock(&fake->lock);
    int value = *member;
    (void)pthread_mutex_unlock(&fake->lock);
    return value;
}

void fake_store_wait(struct fake_store *fake, const int *member, int least)
{
    struct timespec deadline = fake_store_deadline();
    int late = 0;
    (void)pthread_mutex_lock(&fake->lock);
    while (*member < least && !late)
        late = pthread_cond_timedwait(&fake->changed, &fake->lock, &deadline);
    int value = *member;
    (void)pthread_mutex_unlock(&fake->lock);
    if (value < least)
        fail_msg("waited in vain for %d, it is %d", least, value);
}

int fake_store_find(struct fake_store *fake, const char *signal_id)
{
    (void)pthread_mutex_lock(&fake->lock);
    int id = find(fake, signal_id);
    (void)pthread_mutex_unlock(&fake->lock);
    return id;
}
