/* healthcheck: exit code 0 if the receiver on this host would take a signal now, else 1. */
#include <stdio.h>

#include "adapters/http_probe.h"
#include "commands/commands.h"
#include "commands/settings.h"

enum { LIMIT_S = 3 };

int command_healthcheck(struct invocation *invocation)
{
    const struct receiver_settings *settings = invocation->values;
    struct err err = {0};
    if (!settings->listen) {
        (void)printf("not ready: ALPINE_LISTEN is malformed\n");
        return EXIT_FAILED;
    }
    int status = http_probe(settings->listen, "/readyz", LIMIT_S, &err);
    if (status == 200) {
        (void)printf("ready\n");
        return EXIT_DONE;
    }
    if (status < 0)
        (void)printf("not ready: %s\n", err.message);
    else
        (void)printf("not ready: HTTP status %d\n", status);
    return EXIT_FAILED;
}
