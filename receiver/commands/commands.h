/* commands: what alpine-receiver can be told to do. Each returns its exit code (base/command.h). */
#ifndef ALPINE_RECEIVER_COMMANDS_H
#define ALPINE_RECEIVER_COMMANDS_H

#include "base/command.h"

int command_serve(struct invocation *invocation);
int command_migrate(struct invocation *invocation);
int command_check(struct invocation *invocation);
int command_healthcheck(struct invocation *invocation);
int command_keygen(struct invocation *invocation);

#endif
