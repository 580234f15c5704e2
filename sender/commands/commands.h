/* commands: what alpine-sender can be told to do. Each returns its exit code (base/command.h). */
#ifndef ALPINE_SENDER_COMMANDS_H
#define ALPINE_SENDER_COMMANDS_H

#include "base/command.h"

int command_run(struct invocation *invocation);
int command_sync(struct invocation *invocation);
int command_send(struct invocation *invocation);
int command_hash(struct invocation *invocation);
int command_check(struct invocation *invocation);
int command_test(struct invocation *invocation);
int command_status(struct invocation *invocation);
int command_dead(struct invocation *invocation);
int command_healthcheck(struct invocation *invocation);

#endif
