/* input: the FILE or - that a command reads. */
#ifndef ALPINE_SENDER_INPUT_H
#define ALPINE_SENDER_INPUT_H

#include <stdio.h>

#include "base/command.h"

/* Opens the command's first argument; none, or "-", is standard input. NULL, and said so, if it cannot be opened.
 */
FILE *input_open(const struct invocation *invocation);
void input_close(FILE *file);

#endif
