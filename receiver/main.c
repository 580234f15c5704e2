/* alpine-receiver: takes signals over HTTP and stores each one once. */
#include <stdio.h>

#include "aws/secrets.h"
#include "commands/commands.h"
#include "commands/settings.h"

static const struct command commands[] = {
    {.name = "serve",
     .summary = "receive signals until SIGTERM (--migrate: migrate the database first)",
     .flags = "--migrate",
     .needs = NEEDS_DATABASE | NEEDS_KEY,
     .uses_secrets = true,
     .is_service = true,
     .run = command_serve},
    {.name = "migrate",
     .summary = "bring the database to this version's schema (--status: only tell)",
     .flags = "--status",
     .needs = NEEDS_DATABASE,
     .run = command_migrate},
    {.name = "check",
     .summary = "is everything set up? (--json)",
     .flags = "--json",
     .tolerates_problems = true,
     .uses_secrets = true,
     .run = command_check},
    {.name = "healthcheck",
     .summary = "exit 0 if the receiver on this host would take a signal, else 1",
     .tolerates_problems = true,
     .run = command_healthcheck},
    {.name = "keygen", .summary = "print a new API key", .run = command_keygen, .tolerates_problems = true},
    {.name = "version", .summary = "print the version", .run = command_version, .tolerates_problems = true},
    {.name = "help", .summary = "print this", .run = command_help, .tolerates_problems = true},
};

int main(int argc, char **argv)
{
    struct aws_secrets *aws = aws_secrets_new();
    if (!aws) {
        (void)fputs("alpine-receiver: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    const struct program program = {
        .name = "alpine-receiver",
        .summary = "stores trading signals in Alpine's database, each one once",
        .commands = commands,
        .command_count = sizeof commands / sizeof *commands,
        .settings = receiver_settings_table,
        .setting_count = receiver_settings_count,
        .values_size = sizeof(struct receiver_settings),
        .secrets = aws_secrets_source(aws),
    };
    int code = command_main(&program, argc, argv);
    aws_secrets_free(aws);
    return code;
}
