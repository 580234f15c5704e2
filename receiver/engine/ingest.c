/* ingest: one entry for each signal, good or bad. */
#include "engine/ingest.h"

#include <string.h>

#include "format/verify.h"
#include "format/wire.h"

static const char mismatch_detail[] = "Signal hash verification failed";

static void set_fault(struct submission *submission, struct submission_entry *entry, enum fault fault,
                      const struct err *err)
{
    entry->fault = fault;
    entry->detail = arena_copy(&submission->arena, err->message, strlen(err->message));
    if (err->subject[0])
        entry->field = arena_copy(&submission->arena, err->subject, strlen(err->subject));
}

static void read_entry(const struct ingest_rules *rules, struct submission *submission,
                       struct submission_entry *entry, const struct batch_piece *piece, struct buf *canonical)
{
    struct err err = {0};
    enum canonical_form form;
    enum fault fault = wire_read_checked(piece->text, piece->len, &entry->signal, &err);
    if (!fault && !verify_signal(&entry->signal, &form, canonical)) {
        fault = FAULT_HASH_MISMATCH;
        err_set(&err, "%s", mismatch_detail);
    }
    if (fault) {
        set_fault(submission, entry, fault, &err);
        return;
    }
    entry->row.provider = rules->provider;
    entry->row.canonical = arena_copy(&submission->arena, canonical->data, canonical->len);
    submission->to_store++;
}

static int add_piece(const struct ingest_rules *rules, struct submission *submission,
                     const struct batch_piece *piece, int64_t received_us, struct buf *canonical)
{
    struct submission_entry *entry = submission_add(submission);
    struct err err;
    if (!entry)
        return -1;
    entry->row.received_us = received_us;
    if (piece->len > rules->signal_bytes_max) {
        err_set(&err, "the signal has more than %zu bytes", rules->signal_bytes_max);
        err.subject[0] = '\0';
        set_fault(submission, entry, FAULT_TOO_LARGE, &err);
        return 0;
    }
    read_entry(rules, submission, entry, piece, canonical);
    return entry->fault || entry->row.canonical ? 0 : -1;
}

/* Entries moved while they were added, so the rows learn where their signals are at the end. */
static struct submission *finish(struct submission *submission, struct buf *canonical, int failed)
{
    buf_clear(canonical);
    if (failed) {
        submission_free(submission);
        return NULL;
    }
    for (size_t i = 0; i < submission->count; i++)
        submission->entries[i].row.signal = &submission->entries[i].signal;
    return submission;
}

struct submission *ingest_single(const struct ingest_rules *rules, const struct buf *body, int64_t received_us)
{
    struct submission *submission = submission_new();
    struct buf canonical = {0};
    struct batch_piece piece = {body->len ? body->data : "", body->len};
    if (!submission)
        return NULL;
    return finish(submission, &canonical, add_piece(rules, submission, &piece, received_us, &canonical));
}

struct submission *ingest_batch(const struct ingest_rules *rules, enum batch_layout layout, const struct buf *body,
                                int64_t received_us, enum ingest_problem *problem, struct err *err)
{
    struct submission *submission = submission_new();
    struct wire_batch batch;
    struct batch_piece piece;
    struct buf canonical = {0};
    int more;
    *problem = INGEST_MALFORMED;
    if (!submission) {
        *problem = INGEST_OUT_OF_MEMORY;
        err_set(err, "out of memory");
        return NULL;
    }
    wire_batch_init(&batch, layout, body->len ? body->data : "", body->len);
    while ((more = wire_batch_next(&batch, &piece, err)) > 0) {
        if (submission->count == rules->batch_signals_max) {
            *problem = INGEST_TOO_MANY;
            more = err_set(err, "the batch has more than %zu signals", rules->batch_signals_max);
            break;
        }
        if (add_piece(rules, submission, &piece, received_us, &canonical)) {
            *problem = INGEST_OUT_OF_MEMORY;
            more = err_set(err, "out of memory");
            break;
        }
    }
    return finish(submission, &canonical, more);
}
