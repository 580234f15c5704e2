/* reload: which settings are applied, which wait for a restart, and that a refusal changes nothing. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/reload.h"

struct values {
    struct common_settings common;
    const char *key;
    const char *place;
    struct setting_file file;
};

static const struct setting table[] = {
    COMMON_SETTINGS("ut"),
    {.name = "UT_KEY", .offset = offsetof(struct values, key), .secret = true, .reloads = true},
    {.name = "UT_PLACE", .offset = offsetof(struct values, place), .fallback = "here"},
    {.name = "UT_FILE", .type = SETTING_FILE, .offset = offsetof(struct values, file), .reloads = true},
};
static const struct program program = {
    .name = "ut", .settings = table, .setting_count = COUNT(table), .values_size = sizeof(struct values)};

/* A program that runs, its log, and what was switched over last. */
struct stage {
    struct invocation invocation;
    struct values values;
    struct reload reload;
    char path[64];
    FILE *log;
    int applied;
    bool refuses;
    char key[64];
    char content[64];
};

static int apply(void *context, const void *values, struct err *err)
{
    struct stage *stage = context;
    const struct values *fresh = values;
    if (stage->refuses)
        return err_set(err, "no room");
    stage->applied++;
    (void)snprintf(stage->key, sizeof stage->key, "%s", fresh->key ? fresh->key : "");
    (void)snprintf(stage->content, sizeof stage->content, "%s", fresh->file.content ? fresh->file.content : "");
    return 0;
}

static void set_content(const struct stage *stage, const char *text)
{
    FILE *file = fopen(stage->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    (void)snprintf(stage->path, sizeof stage->path, "/tmp/ut-reload-%ld", (long)getpid());
    set_content(stage, "first");
    (void)setenv("UT_KEY", "old-secret", 1);
    (void)setenv("UT_FILE", stage->path, 1);
    stage->log = tmpfile();
    stage->invocation = (struct invocation){.program = &program, .values = &stage->values};
    stage->invocation.config = config_open(table, COUNT(table), NULL, 0, NULL, &stage->values);
    stage->invocation.log = log_open(fileno(stage->log), LOG_TEXT, LOG_INFO);
    stage->reload = (struct reload){.invocation = &stage->invocation, .apply = apply, .context = stage};
    *state = stage;
    return 0;
}

static int finish(void **state)
{
    struct stage *stage = *state;
    reload_clear(&stage->reload);
    log_close(stage->invocation.log);
    config_close(stage->invocation.config);
    (void)fclose(stage->log);
    (void)unlink(stage->path);
    free(stage);
    for (size_t i = 0; i < COUNT(table); i++)
        (void)unsetenv(table[i].name);
    return 0;
}

/* Reloads, and returns what that logged. */
static const char *reloaded(struct stage *stage, bool applied)
{
    static char text[4096];
    rewind(stage->log);
    assert_int_equal(ftruncate(fileno(stage->log), 0), 0);
    assert_int_equal(reload_run(&stage->reload, 0), applied);
    rewind(stage->log);
    text[fread(text, 1, sizeof text - 1, stage->log)] = '\0';
    return text;
}

static void nothing_changed(void **state)
{
    const char *log = reloaded(*state, true);
    assert_non_null(strstr(log, "Reloaded: 0 applied, 0 in need of a restart, 6 unchanged"));
    assert_non_null(
        strstr(log, "unchanged=ALPINE_LOG_FORMAT,ALPINE_LOG_LEVEL,ALPINE_LOG_STREAM,UT_KEY,UT_PLACE,UT_FILE"));
}

static void a_secret_is_applied_and_never_shown(void **state)
{
    struct stage *stage = *state;
    (void)setenv("UT_KEY", "new-secret", 1);
    const char *log = reloaded(stage, true);
    assert_non_null(strstr(log, "UT_KEY is changed: applied"));
    assert_null(strstr(log, "secret"));
    assert_string_equal(stage->key, "new-secret");
    log = reloaded(stage, true);
    assert_non_null(strstr(log, "0 applied"));
}

static void what_goes_back_to_its_first_value_is_a_change_too(void **state)
{
    struct stage *stage = *state;
    (void)setenv("UT_KEY", "new-secret", 1);
    (void)reloaded(stage, true);
    (void)setenv("UT_KEY", "old-secret", 1);
    assert_non_null(strstr(reloaded(stage, true), "UT_KEY is changed: applied"));
    assert_string_equal(stage->key, "old-secret");
    (void)unsetenv("UT_KEY");
    assert_non_null(strstr(reloaded(stage, true), "UT_KEY is changed: applied"));
    assert_string_equal(stage->key, "");
}

static void a_restart_is_asked_for_again_and_again(void **state)
{
    struct stage *stage = *state;
    (void)setenv("UT_PLACE", "there", 1);
    for (int i = 0; i < 3; i++) {
        const char *log = reloaded(stage, true);
        assert_non_null(strstr(log, "UT_PLACE is changed: needs a restart"));
        assert_non_null(strstr(log, "old=here"));
        assert_non_null(strstr(log, "new=there"));
        assert_non_null(strstr(log, "need_restart=UT_PLACE"));
    }
    (void)unsetenv("UT_PLACE");
    assert_null(strstr(reloaded(stage, true), "UT_PLACE is changed"));
}

static void another_content_under_the_same_name_is_a_change(void **state)
{
    struct stage *stage = *state;
    set_content(stage, "second");
    assert_non_null(strstr(reloaded(stage, true), "UT_FILE is changed: applied"));
    assert_string_equal(stage->content, "second");
    assert_string_equal(stage->values.file.content, "first");
    assert_non_null(strstr(reloaded(stage, true), "0 applied"));
}

static void a_bad_value_anywhere_changes_nothing(void **state)
{
    struct stage *stage = *state;
    (void)setenv("UT_KEY", "new-secret", 1);
    (void)setenv("ALPINE_LOG_LEVEL", "loud", 1);
    const char *log = reloaded(stage, false);
    assert_non_null(strstr(log, "Reload refused, everything stays as it was: ALPINE_LOG_LEVEL=loud"));
    assert_int_equal(stage->applied, 0);
    (void)unsetenv("ALPINE_LOG_LEVEL");
    (void)unlink(stage->path);
    assert_non_null(strstr(reloaded(stage, false), "UT_FILE="));
    assert_int_equal(stage->applied, 0);
    set_content(stage, "first");
    assert_non_null(strstr(reloaded(stage, true), "applied=UT_KEY"));
}

static void a_refusal_of_the_program_changes_nothing(void **state)
{
    struct stage *stage = *state;
    stage->refuses = true;
    (void)setenv("UT_KEY", "new-secret", 1);
    (void)setenv("ALPINE_LOG_LEVEL", "error", 1);
    assert_non_null(strstr(reloaded(stage, false), "Reload refused, everything stays as it was: no room"));
    assert_true(log_enabled(stage->invocation.log, LOG_INFO));
    stage->refuses = false;
    assert_non_null(strstr(reloaded(stage, true), "applied=ALPINE_LOG_LEVEL,UT_KEY"));
    assert_false(log_enabled(stage->invocation.log, LOG_WARN));
}

static void a_level_that_was_higher_does_not_hide_the_reload(void **state)
{
    struct stage *stage = *state;
    (void)setenv("ALPINE_LOG_LEVEL", "error", 1);
    assert_non_null(strstr(reloaded(stage, true), "applied=ALPINE_LOG_LEVEL"));
    (void)setenv("ALPINE_LOG_LEVEL", "info", 1);
    (void)setenv("ALPINE_LOG_FORMAT", "json", 1);
    const char *log = reloaded(stage, true);
    assert_non_null(strstr(log, "\"applied\":\"ALPINE_LOG_FORMAT,ALPINE_LOG_LEVEL\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_changed, start, finish),
        cmocka_unit_test_setup_teardown(a_secret_is_applied_and_never_shown, start, finish),
        cmocka_unit_test_setup_teardown(what_goes_back_to_its_first_value_is_a_change_too, start, finish),
        cmocka_unit_test_setup_teardown(a_restart_is_asked_for_again_and_again, start, finish),
        cmocka_unit_test_setup_teardown(another_content_under_the_same_name_is_a_change, start, finish),
        cmocka_unit_test_setup_teardown(a_bad_value_anywhere_changes_nothing, start, finish),
        cmocka_unit_test_setup_teardown(a_refusal_of_the_program_changes_nothing, start, finish),
        cmocka_unit_test_setup_teardown(a_level_that_was_higher_does_not_hide_the_reload, start, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
