/* alpine-sender: pushes Argo's signals to Alpine's receiver. */
#include <stdio.h>

#include "aws/secrets.h"
#include "commands/commands.h"
#include "commands/settings.h"

static const struct command commands[] = {
    {.name = "run",
     .summary = "the service: send each signal as soon as Argo has it",
     .uses_secrets = true,
     .is_service = true,
     .run = command_run},
    {.name = "sync",
     .summary = "send all that is waiting, then exit (--json; --full: all that there is, once more)",
     .flags = "--json --full",
     .uses_secrets = true,
     .run = command_sync},
    {.name = "send",
     .arguments = "[FILE|-]",
     .arguments_max = 1,
     .flags = "--json",
     .summary = "send signals from a file or stdin, one JSON object a line (--json)",
     .needs = NEEDS_RECEIVER,
     .uses_secrets = true,
     .run = command_send},
    {.name = "hash",
     .arguments = "[FILE|-]",
     .arguments_max = 1,
     .flags = "--json",
     .summary = "print or check the hashes of signals, one JSON object a line (--json)",
     .run = command_hash},
    {.name = "check",
     .summary = "is everything set up? (--json)",
     .flags = "--json",
     .tolerates_problems = true,
     .uses_secrets = true,
     .run = command_check},
    {.name = "test",
     .summary = "health, key, and a dry-run signal end to end (--json)",
     .flags = "--json",
     .needs = NEEDS_RECEIVER,
     .uses_secrets = true,
     .run = command_test},
    {.name = "status",
     .summary = "what was delivered, what waits, what is dead (--json)",
     .flags = "--json",
     .run = command_status},
    {.name = "dead",
     .arguments = "list|show|retry|drop [ID]",
     .arguments_max = 2,
     .flags = "--json --all",
     .options = "--reason",
     .summary = "dead letters (--json; --all or --reason CODE instead of an ID)",
     .run = command_dead},
    {.name = "healthcheck",
     .summary = "exit 0 if a sender runs here and keeps up, else 1",
     .run = command_healthcheck},
    {.name = "version", .summary = "print the version", .run = command_version, .tolerates_problems = true},
    {.name = "help", .summary = "print this", .run = command_help, .tolerates_problems = true},
};

int main(int argc, char **argv)
{
    struct aws_secrets *aws = aws_secrets_new();
    if (!aws) {
        (void)fputs("alpine-sender: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    const struct program program = {
        .name = "alpine-sender",
        .summary = "pushes Argo's trading signals to Alpine, each one once",
        .commands = commands,
        .command_count = sizeof commands / sizeof *commands,
        .settings = sender_settings_table,
        .setting_count = sender_settings_count,
        .values_size = sizeof(struct sender_settings),
        .secrets = aws_secrets_source(aws),
    };
    int code = command_main(&program, argc, argv);
    aws_secrets_free(aws);
    return code;
}
