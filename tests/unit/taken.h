/* taken: notes what a source gives. */
#ifndef ALPINE_UNIT_TAKEN_H
#define ALPINE_UNIT_TAKEN_H

#include "seams/source.h"

struct taken {
    int limit; /* stops before it has taken more; 0: none */
    int count;
    int faults;      /* of these */
    char ids[4096];  /* of the readable ones, each with a space behind it, and "!" for the others */
    char text[4096]; /* what stood where the last fault was */
    char reason[sizeof((struct err *)0)->message];
    struct place places[64];
};

source_take taken_note; /* self is the struct taken */

/* Reads what stands after *place, moves *place behind what was taken, and checks the ids, as in taken.ids. Returns
 * the status. */
enum source_status read_on(const struct source *source, struct place *place, const char *ids);
/* The same, of at most so many. */
enum source_status read_some(const struct source *source, struct place *place, int limit, const char *ids);

#endif
