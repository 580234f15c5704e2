/* migrations: the files of migrations/, embedded at build time in the order of their numbers. */
#ifndef ALPINE_RECEIVER_MIGRATIONS_H
#define ALPINE_RECEIVER_MIGRATIONS_H

#include <stddef.h>

struct migration {
    int version;
    const char *name; /* "0001_signals_table" */
    const char *sql;
    size_t len;
};

extern const struct migration migrations[];
extern const int migration_count;

#endif
