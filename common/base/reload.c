/* reload: compares, switches and tells. Knows nothing of what a setting means, but for those of the log. */
#include "base/reload.h"

#include <stdlib.h>

#include "base/buf.h"

enum fate { FATE_APPLIED, FATE_RESTART, FATE_UNCHANGED, FATE_COUNT };

/* The names of the settings that met each fate, and their number. */
struct tally {
    struct buf names[FATE_COUNT];
    int counts[FATE_COUNT];
};

/* What the setting is compared with: the value that the program works with. */
static const struct config *running(const struct reload *reload, const struct setting *setting)
{
    return setting->reloads && reload->applied ? reload->applied : reload->invocation->config;
}

static enum fate fate_of(const struct reload *reload, const struct config *fresh, size_t index)
{
    const struct setting *setting = &reload->invocation->program->settings[index];
    if (!config_differs(running(reload, setting), fresh, index))
        return FATE_UNCHANGED;
    return setting->reloads ? FATE_APPLIED : FATE_RESTART;
}

static const char *shown(const struct config *config, size_t index)
{
    const char *text = config_shown(config, index);
    return *text ? text : "(none)";
}

/* A change is named; its values are shown unless somebody may have put a password into them. */
static void tell_change(const struct reload *reload, const struct config *fresh, size_t index, enum fate fate)
{
    const struct setting *setting = &reload->invocation->program->settings[index];
    struct log *log = reload->invocation->log;
    enum log_level level = fate == FATE_RESTART ? LOG_WARN : LOG_INFO;
    const char *said = fate == FATE_RESTART ? "needs a restart" : "applied";
    if (setting->secret || setting->quiet)
        log_write(log, level, LOG_PLAIN, "Reload: %s is changed: %s", setting->name, said);
    else
        log_write(
            log, level,
            LOG_WITH(LOG_STR("old", shown(running(reload, setting), index)), LOG_STR("new", shown(fresh, index))),
            "Reload: %s is changed: %s", setting->name, said);
}

static const char *listed(const struct buf *names)
{
    return names->len ? names->data : NULL;
}

static void tell(const struct reload *reload, const struct config *fresh)
{
    const struct program *program = reload->invocation->program;
    struct tally tally = {0};
    for (size_t i = 0; i < program->setting_count; i++) {
        enum fate fate = fate_of(reload, fresh, i);
        struct buf *names = &tally.names[fate];
        buf_add_text(names, names->len ? "," : "");
        buf_add_text(names, program->settings[i].name);
        tally.counts[fate]++;
        if (fate != FATE_UNCHANGED)
            tell_change(reload, fresh, i, fate);
    }
    log_write(reload->invocation->log, LOG_INFO,
              LOG_WITH(LOG_STR("applied", listed(&tally.names[FATE_APPLIED])),
                       LOG_STR("need_restart", listed(&tally.names[FATE_RESTART])),
                       LOG_STR("unchanged", listed(&tally.names[FATE_UNCHANGED]))),
              "Reloaded: %d applied, %d in need of a restart, %d unchanged", tally.counts[FATE_APPLIED],
              tally.counts[FATE_RESTART], tally.counts[FATE_UNCHANGED]);
    for (int fate = 0; fate < FATE_COUNT; fate++)
        buf_clear(&tally.names[fate]);
}

static enum log_level level_of(const struct common_settings *common)
{
    enum log_level level = LOG_INFO;
    if (common->log_level)
        (void)!log_level_parse(common->log_level, &level);
    return level;
}

/* A level that hides the reload's own lines is set after them. */
static void switch_log(const struct reload *reload, const struct common_settings *old,
                       const struct common_settings *fresh, const struct config *config)
{
    struct log *log = reload->invocation->log;
    enum log_format format = LOG_TEXT;
    if (fresh->log_format)
        (void)!log_format_parse(fresh->log_format, &format);
    log_set_format(log, format);
    if (level_of(fresh) < level_of(old))
        log_set_level(log, level_of(fresh));
    tell(reload, config);
    log_set_level(log, level_of(fresh));
}

static bool refuse(const struct reload *reload, const struct err *err)
{
    log_write(reload->invocation->log, LOG_ERROR, LOG_WITH(LOG_STR("setting", *err->subject ? err->subject : NULL)),
              "Reload refused, everything stays as it was: %s", err->message);
    return false;
}

bool reload_run(struct reload *reload, unsigned needs)
{
    struct err err = {0};
    struct config *config = NULL;
    void *values = calloc(1, reload->invocation->program->values_size);
    if (!values) {
        err_set(&err, "out of memory");
        return refuse(reload, &err);
    }
    if (command_reload(reload->invocation, needs, values, &config, &err) ||
        reload->apply(reload->context, values, &err)) {
        config_close(config);
        free(values);
        return refuse(reload, &err);
    }
    switch_log(reload, reload->values ? reload->values : reload->invocation->values, values, config);
    reload_clear(reload);
    reload->applied = config;
    reload->values = values;
    return true;
}

void reload_clear(struct reload *reload)
{
    config_close(reload->applied);
    free(reload->values);
    reload->applied = NULL;
    reload->values = NULL;
}
