/* cost_receiver: builds the parameters of an INSERT for the signals of a file, so that its instructions can be
 * counted.
 *
 * usage: cost_receiver FILE ROUNDS
 * The signals are read once, and what is built is thrown away each time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/store_statements.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/ingest.h"

static struct store_row **collect(struct submission *submission)
{
    struct store_row **rows = calloc(submission->count, sizeof *rows);
    for (size_t i = 0; rows && i < submission->count; i++)
        rows[i] = &submission->entries[i].row;
    return rows;
}

static int build(const struct store_statements *statements, struct store_row **rows, size_t count, long rounds)
{
    int failed = 0;
    for (; rounds > 0 && !failed; rounds--) {
        struct store_params params = {0};
        failed = store_statements_insert_params(statements, &params, rows, count, 0);
        store_params_clear(&params);
    }
    return failed;
}

int main(int argc, char **argv)
{
    static struct store_statements statements;
    const struct ingest_rules rules = {.provider = "argo", .signal_bytes_max = 65536, .batch_signals_max = 100000};
    struct buf lines = {0};
    struct err err;
    enum ingest_problem problem;
    struct store_row **rows = NULL;
    struct submission *submission = NULL;
    int code = EXIT_FAILURE;
    if (argc != 3 || file_read(argv[1], SIZE_MAX / 2, &lines, &err) || store_statements_init(&statements, NS_PER_S))
        goto out;
    submission = ingest_batch(&rules, BATCH_LINES, &lines, 1, &problem, &err);
    rows = submission ? collect(submission) : NULL;
    if (!rows || build(&statements, rows, submission->count, strtol(argv[2], NULL, 10)))
        goto out;
    (void)printf("{\"good\": %zu}\n", submission->to_store);
    code = EXIT_SUCCESS;
out:
    free(rows);
    submission_free(submission);
    store_statements_clear(&statements);
    buf_clear(&lines);
    return code;
}
