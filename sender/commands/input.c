/* input: a file or standard input. */
#include "commands/input.h"

#include <errno.h>
#include <string.h>

FILE *input_open(const struct invocation *invocation)
{
    const char *path = invocation->argument_count ? invocation->arguments[0] : "-";
    FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
    if (!file)
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Cannot read %s: %s", path, strerror(errno));
    return file;
}

void input_close(FILE *file)
{
    if (file && file != stdin)
        (void)fclose(file);
}
