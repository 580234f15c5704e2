/* pulse: whether a thread still turns. One thread looks and by that asks for a sign of life, the other one gives it
 * each time it comes round. Says nothing about why a sign is missing. */
#ifndef ALPINE_BASE_PULSE_H
#define ALPINE_BASE_PULSE_H

#include <stdatomic.h>
#include <stdint.h>

struct pulse {
    _Atomic int64_t owed_ns; /* since when a sign is owed; 0: it was given */
};

/* Before the thread starts: the first sign is owed from now_ns (monotonic) on. */
void pulse_init(struct pulse *pulse, int64_t now_ns);
/* The thread turns. Costs a look at its own memory while nobody has asked. */
void pulse_beat(struct pulse *pulse);
/* 0: a sign was given since the last look, and the next one is owed from now_ns on. Otherwise for how long it has
 * been owed. */
int64_t pulse_look(struct pulse *pulse, int64_t now_ns);

#endif
