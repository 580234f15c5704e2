/* ingest: from a request's body to a submission: parsed, checked, verified. Pure: no database, no HTTP. */
#ifndef ALPINE_RECEIVER_INGEST_H
#define ALPINE_RECEIVER_INGEST_H

#include "base/buf.h"
#include "engine/submission.h"
#include "format/wire_batch.h"

struct ingest_rules {
    const char *provider;    /* borrowed for as long as the submissions live */
    size_t signal_bytes_max; /* of one signal, in a batch too */
    size_t batch_signals_max;
};

/* One signal. Its fault, if any, is in its entry. NULL when out of memory. */
struct submission *ingest_single(const struct ingest_rules *rules, const struct buf *body, int64_t received_us);

/* Why a batch could not be taken as a whole. */
enum ingest_problem { INGEST_MALFORMED, INGEST_TOO_MANY, INGEST_OUT_OF_MEMORY };

/* A batch. NULL with the reason in err and *problem if it is not one at all. A signal that is bad in itself is an
 * entry with a fault. */
struct submission *ingest_batch(const struct ingest_rules *rules, enum batch_layout layout, const struct buf *body,
                                int64_t received_us, enum ingest_problem *problem, struct err *err);

#endif
