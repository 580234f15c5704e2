/* command: `program COMMAND [options] [arguments]`. The table of commands gives the dispatch, the help and the
 * errors of usage; settings become options by themselves. */
#ifndef ALPINE_BASE_COMMAND_H
#define ALPINE_BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/log.h"

/* Exit codes, the same for both programs. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_ATTENTION = 3, /* done, but something needs a person */
    EXIT_CONFIG = 78,   /* sysexits.h: EX_CONFIG */
};

struct invocation;

struct command {
    const char *name;
    const char *arguments;                     /* "[FILE|-]", for the usage line; NULL: none */
    const char *summary;                       /* one line */
    const char *flags;                         /* "--json --full": options without a value, separated by spaces */
    const char *options;                       /* "--timeout": options with a value */
    size_t arguments_max;                      /* how many positional arguments there may be */
    unsigned needs;                            /* which settings it cannot do without (struct setting, needed_by) */
    bool tolerates_problems;                   /* it reports bad settings itself */
    bool uses_secrets;                         /* it is worth asking the secrets manager for */
    bool is_service;                           /* prints no results: its log may go to standard output */
    int (*run)(struct invocation *invocation); /* returns the exit code */
};

struct program {
    const char *name;
    const char *summary;
    const struct command *commands;
    size_t command_count;
    const struct setting *settings;
    size_t setting_count;
    size_t values_size;                  /* of the struct of values, which starts with struct common_settings */
    const struct secret_source *secrets; /* for the commands that use them; NULL: there is none */
};

enum { INVOCATION_MAX = 32 };

/* What a command gets. All of it lives until the command returns. */
struct invocation {
    const struct program *program;
    const struct command *command;
    const char *arguments[INVOCATION_MAX];
    size_t argument_count;
    struct config_option flags[INVOCATION_MAX]; /* the command's own options; value NULL for flags */
    size_t flag_count;
    struct config_option options[INVOCATION_MAX]; /* settings from the command line */
    size_t option_count;
    struct config *config;
    void *values; /* the program's struct of values */
    struct log *log;
};

/* Runs what argv asks for; its return is the exit code of main. From its beginning the process leaves no core. */
int command_main(const struct program *program, int argc, char **argv);

bool command_has_flag(const struct invocation *invocation, const char *flag);
/* The value of the command's own option, or NULL. */
const char *command_option(const struct invocation *invocation, const char *option);

/* Reads every setting anew, as SIGHUP asks for. On success *config and values are the caller's (config_close).
 * The running values stay as they are. */
MUST_CHECK int command_reload(const struct invocation *invocation, unsigned needs, void *values,
                              struct config **config, struct err *err);

/* For a command that finds out while it runs what it needs: returns 0, or says what is wrong and returns
 * EXIT_CONFIG; EXIT_FAILED if it is only that the secrets manager did not answer, which a later start may mend. */
int command_require(const struct invocation *invocation, unsigned needs);

/* Prints "program: message" and how to get help; returns EXIT_USAGE. */
int command_usage_error(const struct invocation *invocation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The commands `version` and `help`, ready for a table. */
int command_version(struct invocation *invocation);
int command_help(struct invocation *invocation);

#endif
