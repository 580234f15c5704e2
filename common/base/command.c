/* command: reads argv, opens settings and log, runs the command. */
#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/digest.h"

enum { OPTION_SIZE = 96 };

int command_usage_error(const struct invocation *invocation, const char *format, ...)
{
    va_list args;
    const char *name = invocation->program->name;
    (void)fprintf(stderr, "%s: ", name);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    if (invocation->command)
        (void)fprintf(stderr, "\nUsage: %s %s%s%s\n", name, invocation->command->name,
                      invocation->command->arguments ? " " : "",
                      invocation->command->arguments ? invocation->command->arguments : "");
    (void)fprintf(stderr, "%sTry: %s help\n", invocation->command ? "" : "\n", name);
    return EXIT_USAGE;
}

static const struct command *find_command(const struct program *program, const char *name)
{
    for (size_t i = 0; i < program->command_count; i++)
        if (!strcmp(program->commands[i].name, name))
            return &program->commands[i];
    return NULL;
}

/* Is `name` (len bytes) one of the words in `list`? */
static bool listed(const char *list, const char *name, size_t len)
{
    while (list && *list) {
        size_t size = strcspn(list, " ");
        if (size == len && !strncmp(list, name, len))
            return true;
        list += size + (list[size] == ' ');
    }
    return false;
}

static bool option_is(const char *setting_name, const char *argument, size_t len)
{
    char option[OPTION_SIZE];
    config_option_name(setting_name, option, sizeof option);
    return strlen(option) == len && !strncmp(option, argument, len);
}

struct setting_option {
    const struct setting *setting;
    char name[OPTION_SIZE]; /* NAME, or NAME_FILE */
};

static bool find_setting(const struct program *program, const char *argument, size_t len,
                         struct setting_option *found)
{
    for (size_t i = 0; i < program->setting_count; i++) {
        const struct setting *setting = &program->settings[i];
        found->setting = setting;
        (void)snprintf(found->name, sizeof found->name, "%s", setting->name);
        if (option_is(found->name, argument, len))
            return true;
        (void)snprintf(found->name, sizeof found->name, "%s_FILE", setting->name);
        if (setting->secret && option_is(found->name, argument, len))
            return true;
    }
    return false;
}

/* The name of a NAME_FILE option has to outlive the parsing; a static table of names would be a second list. */
static const char *keep_name(const struct setting_option *found)
{
    return strcmp(found->name, found->setting->name) ? strdup(found->name) : found->setting->name;
}

static const char *take_value(const char *argument, size_t len, int argc, char **argv, int *at)
{
    if (argument[len] == '=')
        return argument + len + 1;
    return *at + 1 < argc ? argv[++*at] : NULL;
}

static int add_option(struct config_option *list, size_t *count, const char *name, const char *value)
{
    if (*count == INVOCATION_MAX)
        return -1;
    list[(*count)++] = (struct config_option){.name = name, .value = value};
    return 0;
}

static int parse_setting(struct invocation *invocation, const struct setting_option *found, size_t len, int argc,
                         char **argv, int *at)
{
    const char *argument = argv[*at];
    if (found->setting->secret && !strcmp(found->name, found->setting->name))
        return command_usage_error(invocation,
                                   "%.*s: a secret on the command line can be read by every user of this host; "
                                   "set %s or %s_FILE instead",
                                   (int)len, argument, found->name, found->name);
    const char *value = take_value(argument, len, argc, argv, at);
    if (!value)
        return command_usage_error(invocation, "%.*s needs a value", (int)len, argument);
    if (add_option(invocation->options, &invocation->option_count, keep_name(found), value))
        return command_usage_error(invocation, "too many options");
    return 0;
}

static int parse_option(struct invocation *invocation, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    size_t len = strcspn(argument, "=");
    const struct command *command = invocation->command;
    struct setting_option found;
    if (find_setting(invocation->program, argument, len, &found))
        return parse_setting(invocation, &found, len, argc, argv, at);
    bool has_value = command && listed(command->options, argument, len);
    if (!has_value && !(command && listed(command->flags, argument, strlen(argument))))
        return command_usage_error(invocation, "unknown option %.*s", (int)len, argument);
    const char *value = has_value ? take_value(argument, len, argc, argv, at) : NULL;
    if (has_value && !value)
        return command_usage_error(invocation, "%.*s needs a value", (int)len, argument);
    if (add_option(invocation->flags, &invocation->flag_count, argument, value))
        return command_usage_error(invocation, "too many options");
    return 0;
}

static int parse_word(struct invocation *invocation, const char *word)
{
    if (!invocation->command) {
        invocation->command = find_command(invocation->program, word);
        if (!invocation->command)
            return command_usage_error(invocation, "unknown command '%s'", word);
        return 0;
    }
    if (invocation->argument_count == invocation->command->arguments_max)
        return command_usage_error(invocation, "unexpected argument '%s'", word);
    invocation->arguments[invocation->argument_count++] = word;
    return 0;
}

/* `--help` anywhere and `-h` stand for the command help, `--version` for version. */
static const char *as_command(const char *argument)
{
    if (!strcmp(argument, "--help") || !strcmp(argument, "-h"))
        return "help";
    return strcmp(argument, "--version") ? NULL : "version";
}

static int parse(struct invocation *invocation, int argc, char **argv)
{
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        int failed;
        if (!only_words && as_command(argument)) {
            invocation->command = find_command(invocation->program, as_command(argument));
            invocation->argument_count = 0;
            return 0;
        }
        if (!only_words && !strcmp(argument, "--")) {
            only_words = true;
            continue;
        }
        if (!only_words && argument[0] == '-' && argument[1])
            failed = parse_option(invocation, argc, argv, &i);
        else
            failed = parse_word(invocation, argument);
        if (failed)
            return failed;
    }
    if (!invocation->command)
        return command_usage_error(invocation, "which command?");
    return 0;
}

static int open_log(struct invocation *invocation)
{
    const struct common_settings *common = invocation->values;
    enum log_level level = LOG_INFO;
    bool json = common->log_format && !strcmp(common->log_format, "json");
    if (common->log_level)
        (void)!log_level_parse(common->log_level, &level);
    bool to_stdout = invocation->command->is_service && common->log_stream && !strcmp(common->log_stream, "stdout");
    invocation->log = log_open(to_stdout ? STDOUT_FILENO : STDERR_FILENO, json ? LOG_JSON : LOG_TEXT, level);
    return invocation->log ? 0 : -1;
}

int command_require(const struct invocation *invocation, unsigned needs)
{
    struct err err = {0};
    if (!config_problem(invocation->config, needs, &err))
        return 0;
    bool passes = config_may_recover(invocation->config, needs);
    log_write(invocation->log, LOG_ERROR, LOG_WITH(LOG_STR("setting", err.subject)), "%s: %s",
              passes ? "Cannot start now" : "Configuration error", err.message);
    return passes ? EXIT_FAILED : EXIT_CONFIG;
}

static const struct secret_source *secrets_of(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    return command && command->uses_secrets ? invocation->program->secrets : NULL;
}

static void log_warnings(const struct invocation *invocation, const struct config *config)
{
    for (size_t i = 0; i < invocation->program->setting_count; i++) {
        const char *warning = config_warning(config, i);
        if (warning && *config_shown(config, i)) /* without a value it is an error, and told as such */
            log_write(invocation->log, LOG_WARN,
                      LOG_WITH(LOG_STR("setting", invocation->program->settings[i].name)),
                      "%s; the value is from: %s", warning, config_origin(config, i));
    }
}

static int open_settings(struct invocation *invocation)
{
    const struct program *program = invocation->program;
    invocation->values = calloc(1, program->values_size);
    if (invocation->values)
        invocation->config = config_open(program->settings, program->setting_count, invocation->options,
                                         invocation->option_count, secrets_of(invocation), invocation->values);
    if (!invocation->config || open_log(invocation)) {
        (void)fprintf(stderr, "%s: out of memory\n", program->name);
        return EXIT_FAILED;
    }
    if (invocation->command->tolerates_problems)
        return 0;
    log_warnings(invocation, invocation->config);
    return command_require(invocation, invocation->command->needs);
}

static void close_invocation(struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->option_count; i++) {
        bool is_setting = false;
        for (size_t k = 0; k < invocation->program->setting_count; k++)
            is_setting |= invocation->options[i].name == invocation->program->settings[k].name;
        if (!is_setting)
            free((void *)(uintptr_t)invocation->options[i].name);
    }
    log_close(invocation->log);
    config_close(invocation->config);
    free(invocation->values);
}

/* A process that has keys, or fetches them, leaves no core behind, and its memory and environment are no other
 * process's to read. */
static void protect_process(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0);
}

/* A program may be started without standard input, output or error. The next file or socket would take that number,
 * and get what is printed or logged. Opened for the other direction, each use of it goes on failing. */
static void occupy_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* takes the lowest number: fd */
}

/* The command's exit code, if its results could be written; whatever it was, they are lost otherwise. */
static int flush_results(const struct invocation *invocation, int code)
{
    bool failed = ferror(stdout);
    const char *why = fflush(stdout) ? strerror(errno) : "a part of them is missing";
    if (!failed && !ferror(stdout))
        return code;
    if (invocation->log)
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "The results could not be written to standard output: %s",
                  why);
    return EXIT_FAILED;
}

int command_main(const struct program *program, int argc, char **argv)
{
    struct invocation invocation = {.program = program};
    digest_save_memory();
    protect_process();
    occupy_standard_files();
    int code = parse(&invocation, argc, argv);
    if (!code)
        code = open_settings(&invocation);
    if (!code)
        code = invocation.command->run(&invocation);
    code = flush_results(&invocation, code);
    close_invocation(&invocation);
    return code;
}

bool command_has_flag(const struct invocation *invocation, const char *flag)
{
    for (size_t i = 0; i < invocation->flag_count; i++)
        if (!strcmp(invocation->flags[i].name, flag))
            return true;
    return false;
}

const char *command_option(const struct invocation *invocation, const char *option)
{
    size_t len = strlen(option);
    for (size_t i = 0; i < invocation->flag_count; i++)
        if (invocation->flags[i].value && !strncmp(invocation->flags[i].name, option, len) &&
            (invocation->flags[i].name[len] == '=' || !invocation->flags[i].name[len]))
            return invocation->flags[i].value;
    return NULL;
}

int command_reload(const struct invocation *invocation, unsigned needs, void *values, struct config **config,
                   struct err *err)
{
    *config = config_open(invocation->program->settings, invocation->program->setting_count, invocation->options,
                          invocation->option_count, secrets_of(invocation), values);
    if (!*config)
        return err_set(err, "out of memory");
    log_warnings(invocation, *config);
    if (!config_problem(*config, needs, err))
        return 0;
    config_close(*config);
    *config = NULL;
    return -1;
}

int command_version(struct invocation *invocation)
{
    (void)printf("%s %s\n", invocation->program->name, ALPINE_VERSION);
    return EXIT_DONE;
}

static void print_setting(const struct setting *setting)
{
    char option[OPTION_SIZE];
    (void)printf("  %-30s %s", setting->name, setting->help);
    if (setting->choices)
        (void)printf(" (%s)", setting->choices);
    if (setting->fallback)
        (void)printf(" [%s]", setting->fallback);
    if (setting->secret)
        (void)printf("; or %s_FILE", setting->name);
    else
        (void)printf("; %s", config_option_name(setting->name, option, sizeof option));
    if (setting->aws_secret)
        (void)printf("; AWS secret %s", setting->aws_secret);
    (void)printf("%s\n", setting->reloads ? "; SIGHUP" : "");
}

int command_help(struct invocation *invocation)
{
    const struct program *program = invocation->program;
    (void)printf("%s: %s\n\nUsage: %s COMMAND [options]\n\nCommands:\n", program->name, program->summary,
                 program->name);
    for (size_t i = 0; i < program->command_count; i++) {
        const struct command *command = &program->commands[i];
        char usage[64];
        (void)snprintf(usage, sizeof usage, "%s %s", command->name, command->arguments ? command->arguments : "");
        (void)printf("  %-30s %s\n", usage, command->summary);
    }
    (void)printf(
        "\nSettings (environment variable, default in brackets, and option; SIGHUP: a reload applies it):\n");
    for (size_t i = 0; i < program->setting_count; i++)
        print_setting(&program->settings[i]);
    (void)printf("\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 done but something needs attention, "
                 "78 configuration error.\n");
    return EXIT_DONE;
}
