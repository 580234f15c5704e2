/* state_none: a state that is forgotten with the process, for signals that come from a file or a pipe. */
#ifndef ALPINE_SENDER_STATE_NONE_H
#define ALPINE_SENDER_STATE_NONE_H

#include "seams/state.h"

/* The state whose every call succeeds and keeps nothing. Static. */
const struct state *state_none(void);

#endif
