/* report: collects, then prints. */
#include "base/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_text.h"

struct report {
    struct buf text;
    struct buf json;
    int counts[3];
    bool bad_setting;
};

static const char *const verdict_names[] = {"pass", "warn", "fail"};

struct report *report_new(void)
{
    return calloc(1, sizeof(struct report));
}

/* What came from elsewhere, such as the name in a certificate, must neither begin a line nor steer a terminal. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            *text = '?';
}

void report_add(struct report *report, enum report_verdict verdict, const char *item, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    make_plain(detail);
    report->counts[verdict]++;
    buf_add_format(&report->text, "%-4s  %-30s %s\n", verdict_names[verdict], item, detail);
    buf_add_text(&report->json, report->json.len ? ", {" : "{");
    json_text_member_cstring(&report->json, "item", item);
    json_text_member_cstring(&report->json, "verdict", verdict_names[verdict]);
    json_text_member_cstring(&report->json, "detail", detail);
    buf_add_char(&report->json, '}');
}

void report_settings(struct report *report, const struct invocation *invocation, unsigned needs)
{
    for (size_t i = 0; i < invocation->program->setting_count; i++) {
        const char *name = invocation->program->settings[i].name;
        struct err err = {0};
        if (config_problem_of(invocation->config, i, needs, &err)) {
            report->bad_setting = true;
            report_add(report, REPORT_FAIL, name, "%s", err.message);
        } else {
            const char *shown = config_shown(invocation->config, i);
            const char *warning = config_warning(invocation->config, i);
            report_add(report, warning ? REPORT_WARN : REPORT_PASS, name, "%s%s(%s)%s%s", shown, *shown ? " " : "",
                       config_origin(invocation->config, i), warning ? ". " : "", warning ? warning : "");
        }
    }
}

/* A group may be meant to read it; every user of the host is not. */
void report_secret_files(struct report *report, const struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->program->setting_count; i++) {
        const struct setting *setting = &invocation->program->settings[i];
        const char *path = setting->secret ? config_holder(invocation->config, i) : NULL;
        struct stat file;
        char item[64];
        if (!path || stat(path, &file))
            continue;
        unsigned mode = file.st_mode & 07777U;
        (void)snprintf(item, sizeof item, "%.50s file", setting->name);
        if (mode & (S_IROTH | S_IWOTH | S_IWGRP))
            report_add(report, REPORT_WARN, item,
                       "%s (mode %04o) can be %s by others than its owner: chmod go-w,o-r, or 0600", path, mode,
                       mode & S_IROTH ? "read" : "changed");
        else
            report_add(report, REPORT_PASS, item, "%s, mode %04o", path, mode);
    }
}

static void print_json(const struct report *report)
{
    (void)printf("{\"items\": [%s], \"pass\": %d, \"warn\": %d, \"fail\": %d}\n",
                 report->json.len ? report->json.data : "", report->counts[REPORT_PASS],
                 report->counts[REPORT_WARN], report->counts[REPORT_FAIL]);
}

int report_finish(struct report *report, bool json)
{
    int code = report->bad_setting           ? EXIT_CONFIG
               : report->counts[REPORT_FAIL] ? EXIT_FAILED
               : report->counts[REPORT_WARN] ? EXIT_ATTENTION
                                             : EXIT_DONE;
    if (json)
        print_json(report);
    else
        (void)printf("%s%d passed, %d warnings, %d failed\n", report->text.len ? report->text.data : "",
                     report->counts[REPORT_PASS], report->counts[REPORT_WARN], report->counts[REPORT_FAIL]);
    buf_clear(&report->text);
    buf_clear(&report->json);
    free(report);
    return code;
}
