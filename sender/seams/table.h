/* table: what Argo's table can be asked beyond being read in order. source_sqlite and the tests' fakes fill it. */
#ifndef ALPINE_SENDER_TABLE_H
#define ALPINE_SENDER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

/* A row, as far as it is told from others. Valid during the call; a column that holds no text reads "". */
struct table_row {
    int64_t position;
    const char *signal_id;
    const char *sha256; /* in lower case, cut to DIGEST_HEX_LEN */
};

/* Returns false to end the walk. */
typedef bool table_visit(void *self, const struct table_row *row);

struct table_ops {
    /* Is there a row with this signal_id? Its position and hash, as in a table_row. False too when the table cannot
     * be asked now. Never waits for a lock. */
    bool (*find)(void *self, const char *signal_id, int64_t *position, char sha256[DIGEST_HEX_LEN + 1]);
    /* Visits the rows from `first` to `last`, both included, in order, in one short read. Returns -1 and the reason
     * in err if the table cannot be read now. */
    int (*walk)(void *self, int64_t first, int64_t last, table_visit *visit, void *visitor, struct err *err);
};

struct table {
    const struct table_ops *ops;
    void *self;
};

#endif
