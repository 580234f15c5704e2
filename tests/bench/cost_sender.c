/* cost_sender: reads Argo's rows and makes the JSON of each, so that its instructions can be counted.
 *
 * usage: cost_sender DATABASE ROUNDS */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/source_sqlite.h"
#include "engine/outgoing.h"

struct made {
    struct buf json;
    struct buf scratch;
    size_t good;
};

static bool take(void *self, const struct source_item *item)
{
    struct made *made = self;
    struct err err;
    made->good += outgoing_prepare(item->signal, &made->json, &made->scratch, &err) == FAULT_NONE;
    return true;
}

int main(int argc, char **argv)
{
    const struct place start = {0};
    struct made made = {0};
    struct err err;
    struct source *source = argc == 3 ? source_sqlite_new(argv[1], SOURCE_SQLITE_BUSY_COMMAND_MS) : NULL;
    bool whole = source != NULL;
    for (long round = whole ? strtol(argv[2], NULL, 10) : 0; round > 0 && whole; round--)
        whole = source->ops->read(source->self, &start, take, &made, &err) == SOURCE_END;
    (void)printf("{\"good\": %zu}\n", made.good);
    source_sqlite_free(source);
    buf_clear(&made.json);
    buf_clear(&made.scratch);
    return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}
