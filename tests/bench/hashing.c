/* hashing: how long it takes to read a signal's JSON and to verify its hash, on one core.
 *
 * usage: bench_hashing FILE ROUNDS
 * Prints the nanoseconds of processor time for each signal of the file, which holds one a line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "format/verify.h"
#include "format/wire.h"

static double processor_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool is_good(const char *text, size_t len, struct buf *canonical)
{
    struct signal signal = {0};
    struct err err;
    enum canonical_form form;
    bool good =
        wire_read_checked(text, len, &signal, &err) == FAULT_NONE && verify_signal(&signal, &form, canonical);
    signal_clear(&signal);
    return good;
}

/* How many signals are good. */
static size_t verify_all(const struct buf *lines, struct buf *canonical)
{
    size_t good = 0;
    const char *at = lines->data;
    const char *end = lines->data + lines->len;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            break;
        good += is_good(at, (size_t)(line_end - at), canonical);
        at = line_end + 1;
    }
    return good;
}

int main(int argc, char **argv)
{
    struct buf lines = {0};
    struct buf canonical = {0};
    struct err err;
    size_t good = 0;
    if (argc != 3 || file_read(argv[1], SIZE_MAX / 2, &lines, &err))
        return EXIT_FAILURE;
    double start = processor_ns();
    for (long round = strtol(argv[2], NULL, 10); round > 0; round--)
        good += verify_all(&lines, &canonical);
    double spent = processor_ns() - start;
    (void)printf("{\"good\": %zu, \"nanoseconds\": %.1f}\n", good, good ? spent / (double)good : 0);
    buf_clear(&canonical);
    buf_clear(&lines);
    return EXIT_SUCCESS;
}
