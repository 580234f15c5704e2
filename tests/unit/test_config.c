/* config: types and bounds, what is wrong and how it is said, and that no secret is ever shown. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"

enum { NEEDED_BY_RUN = 1, NEEDED_BY_CHECK = 2 };

struct values {
    const char *url;
    bool enabled;
    int64_t count;
    int64_t pause;
    const char *format;
    const char *key;
    const char *plain;
};

static int check_plain(const char *value, struct err *err)
{
    return strchr(value, '!') ? err_set(err, "must not shout") : 0;
}

static const struct setting table[] = {
    {.name = "UT_URL", .offset = offsetof(struct values, url), .needed_by = NEEDED_BY_RUN, .help = "where to"},
    {.name = "UT_ENABLED", .type = SETTING_BOOL, .offset = offsetof(struct values, enabled), .fallback = "true"},
    {.name = "UT_COUNT",
     .type = SETTING_INTEGER,
     .offset = offsetof(struct values, count),
     .fallback = "7",
     .least = -5,
     .most = 100},
    {.name = "UT_PAUSE",
     .type = SETTING_SECONDS,
     .offset = offsetof(struct values, pause),
     .fallback = "10",
     .least = 500,
     .most = 60000},
    {.name = "UT_FORMAT",
     .type = SETTING_CHOICE,
     .offset = offsetof(struct values, format),
     .fallback = "text",
     .choices = "text|json"},
    {.name = "UT_KEY",
     .offset = offsetof(struct values, key),
     .needed_by = NEEDED_BY_RUN,
     .secret = true,
     .check = check_plain,
     .help = "the key"},
    {.name = "UT_PLAIN", .offset = offsetof(struct values, plain), .fallback = "quiet", .check = check_plain},
};
enum { URL, ENABLED, COUNTER, PAUSE, FORMAT, KEY, PLAIN };

static struct values values;

static struct config *opened(void)
{
    memset(&values, 0, sizeof values);
    struct config *config = config_open(table, COUNT(table), NULL, 0, NULL, &values);
    assert_non_null(config);
    return config;
}

static int clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        (void)unsetenv(table[i].name);
    return 0;
}

/* Whether the setting takes that value. */
static bool takes(size_t index, const char *value)
{
    struct err err = {0};
    (void)setenv(table[index].name, value, 1);
    struct config *config = opened();
    bool fine = !config_problem(config, 0, &err);
    if (!fine) {
        assert_string_equal(err.subject, table[index].name);
        assert_non_null(strstr(err.message, table[index].name));
        assert_non_null(strstr(err.message, "environment"));
    }
    config_close(config);
    (void)unsetenv(table[index].name);
    return fine;
}

static void defaults(void **state)
{
    (void)state;
    struct config *config = opened();
    assert_null(values.url);
    assert_true(values.enabled);
    assert_int_equal(values.count, 7);
    assert_int_equal(values.pause, 10 * NS_PER_S);
    assert_string_equal(values.format, "text");
    assert_string_equal(config_origin(config, COUNTER), "default");
    assert_string_equal(config_shown(config, COUNTER), "7");
    assert_string_equal(config_origin(config, URL), "not set");
    assert_string_equal(config_shown(config, URL), "");
    config_close(config);
    config_close(NULL);
}

static void booleans(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "TRUE", "1", "yes", "on"};
    static const char *const no[] = {"false", "False", "0", "no", "off"};
    for (size_t i = 0; i < COUNT(yes); i++) {
        assert_true(takes(ENABLED, yes[i]) && values.enabled);
        assert_true(takes(ENABLED, no[i]) && !values.enabled);
    }
    assert_false(takes(ENABLED, "maybe"));
    assert_false(takes(ENABLED, "2"));
    assert_false(takes(ENABLED, " true"));
    assert_false(takes(ENABLED, "truely"));
}

static void integers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "101", "-6", "x", "7x", " 7", "7 ", "7.0", "0x7", "1e1", "99999999999999999999", "-99999999999999999999",
        "-",   "\n7"};
    assert_true(takes(COUNTER, "100") && values.count == 100);
    assert_true(takes(COUNTER, "-5") && values.count == -5);
    assert_true(takes(COUNTER, "007") && values.count == 7);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (takes(COUNTER, bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void seconds(void **state)
{
    (void)state;
    static const char *const bad[] = {"0.499", "60.1", "-1", "x", "1s", " 1", "nan", "inf", "0x1p1", "1e400", "."};
    assert_true(takes(PAUSE, "0.5") && values.pause == NS_PER_S / 2);
    assert_true(takes(PAUSE, "60") && values.pause == 60 * NS_PER_S);
    assert_true(takes(PAUSE, "1.25") && values.pause == 1250 * NS_PER_MS);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (takes(PAUSE, bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void choices(void **state)
{
    (void)state;
    assert_true(takes(FORMAT, "json") && !strcasecmp(table[FORMAT].fallback, "text"));
    assert_false(takes(FORMAT, "jso"));
    assert_false(takes(FORMAT, "jsonx"));
    assert_false(takes(FORMAT, "JSON"));
    assert_false(takes(FORMAT, "text|json"));
    assert_false(takes(FORMAT, "|"));
}

static void a_rule_of_its_own(void **state)
{
    (void)state;
    assert_true(takes(PLAIN, "calm"));
    assert_false(takes(PLAIN, "loud!"));
}

static void a_bad_value_is_not_replaced_by_the_default(void **state)
{
    (void)state;
    (void)setenv("UT_COUNT", "lots", 1);
    struct config *config = opened();
    struct err err = {0};
    assert_int_equal(values.count, 0);
    assert_int_equal(config_problem(config, 0, &err), -1);
    assert_string_equal(err.subject, "UT_COUNT");
    assert_string_equal(err.message, "UT_COUNT=lots (from environment) must be a whole number");
    assert_int_equal(config_problem_of(config, COUNTER, 0, &err), -1);
    assert_int_equal(config_problem_of(config, PLAIN, 0, &err), 0);
    config_close(config);
}

static void needed_by_some_commands(void **state)
{
    (void)state;
    struct config *config = opened();
    struct err err = {0};
    assert_int_equal(config_problem(config, 0, &err), 0);
    assert_int_equal(config_problem(config, NEEDED_BY_CHECK, &err), 0);
    assert_int_equal(config_problem(config, NEEDED_BY_RUN, &err), -1);
    assert_string_equal(err.subject, "UT_URL");
    assert_non_null(strstr(err.message, "--ut-url"));
    assert_int_equal(config_problem_of(config, KEY, NEEDED_BY_RUN, &err), -1);
    assert_non_null(strstr(err.message, "UT_KEY_FILE"));
    assert_null(strstr(err.message, "--ut-key"));
    config_close(config);
}

static void a_secret_is_never_shown(void **state)
{
    (void)state;
    struct err err = {0};
    (void)setenv("UT_KEY", "s3cr3t!", 1);
    struct config *config = opened();
    assert_string_equal(config_shown(config, KEY), "(secret)");
    assert_int_equal(config_problem(config, 0, &err), -1);
    assert_string_equal(err.subject, "UT_KEY");
    assert_null(strstr(err.message, "s3cr3t"));
    config_close(config);
    (void)setenv("UT_KEY", "s3cr3t", 1);
    config = opened();
    assert_int_equal(config_problem(config, 0, &err), 0);
    assert_string_equal(values.key, "s3cr3t");
    assert_string_equal(config_shown(config, KEY), "(secret)");
    config_close(config);
}

static void names_of_options(void **state)
{
    (void)state;
    char name[32];
    assert_string_equal(config_option_name("ARGO_SIGNALS_DB", name, sizeof name), "--argo-signals-db");
    assert_string_equal(config_option_name("ARGO_SIGNALS_DB", name, 8), "--argo-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults, clean),
        cmocka_unit_test_setup(booleans, clean),
        cmocka_unit_test_setup(integers, clean),
        cmocka_unit_test_setup(seconds, clean),
        cmocka_unit_test_setup(choices, clean),
        cmocka_unit_test_setup(a_rule_of_its_own, clean),
        cmocka_unit_test_setup(a_bad_value_is_not_replaced_by_the_default, clean),
        cmocka_unit_test_setup(needed_by_some_commands, clean),
        cmocka_unit_test_setup(a_secret_is_never_shown, clean),
        cmocka_unit_test_setup(names_of_options, clean),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
