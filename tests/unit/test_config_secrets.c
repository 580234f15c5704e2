/* config with a secrets manager: where it stands among the places, and what becomes of its failures. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"

struct values {
    const char *key;
    const char *text;
};

enum { KEY, TEXT, NEEDED = 1 };

static int must_be_long(const char *value, struct err *err)
{
    return strlen(value) > 3 ? 0 : err_set(err, "is too short");
}

static const struct setting table[] = {
    {.name = "UT_KEY",
     .offset = offsetof(struct values, key),
     .secret = true,
     .needed_by = NEEDED,
     .check = must_be_long,
     .aws_secret = "ut/key",
     .help = "a key"},
    {.name = "UT_TEXT",
     .offset = offsetof(struct values, text),
     .fallback = "from default",
     .aws_secret = "ut/text"},
};

struct manager {
    struct secret_source source;
    enum outcome outcome;
    const char *value;
    const char *error;
    bool cached;
    size_t begun, asked, ended;
    struct values values;
    struct config *config;
    struct err err;
};

static void begin(void *self)
{
    ((struct manager *)self)->begun++;
}

static void end(void *self)
{
    ((struct manager *)self)->ended++;
}

static enum outcome get(void *self, const struct secret_query *query, struct secret_found *found, struct err *err)
{
    struct manager *manager = self;
    manager->asked++;
    assert_int_equal(manager->begun, manager->ended + 1);
    assert_true(!strcmp(query->secret_name, "ut/key") == !strcmp(query->setting_name, "UT_KEY"));
    *found = (struct secret_found){.value = manager->value, .cached = manager->cached};
    if (manager->error)
        (void)err_set(err, "%s", manager->error);
    return manager->outcome;
}

static int start(void **state)
{
    static const struct secret_source_ops ops = {begin, get, end};
    struct manager *manager = calloc(1, sizeof *manager);
    manager->source = (struct secret_source){&ops, manager, "The manager"};
    assert_int_equal(unsetenv("UT_KEY") || unsetenv("UT_TEXT"), 0);
    *state = manager;
    return 0;
}

static int finish(void **state)
{
    struct manager *manager = *state;
    config_close(manager->config);
    free(manager);
    return 0;
}

static int read_all(struct manager *manager)
{
    config_close(manager->config);
    manager->values = (struct values){0};
    manager->config = config_open(table, COUNT(table), NULL, 0, &manager->source, &manager->values);
    return config_problem(manager->config, NEEDED, &manager->err);
}

static void it_comes_after_the_environment_and_before_the_default(void **state)
{
    struct manager *manager = *state;
    manager->value = "from manager";
    assert_int_equal(read_all(manager), 0);
    assert_string_equal(manager->values.key, "from manager");
    assert_string_equal(manager->values.text, "from manager");
    assert_string_equal(config_origin(manager->config, KEY), "The manager: ut/key");
    assert_string_equal(config_shown(manager->config, KEY), "(secret)");
    manager->cached = true;
    assert_int_equal(read_all(manager), 0);
    assert_string_equal(config_origin(manager->config, TEXT), "The manager: ut/text (cached)");
    assert_int_equal(setenv("UT_KEY", "from environment", 1) || setenv("UT_TEXT", "it too", 1), 0);
    manager->asked = 0;
    assert_int_equal(read_all(manager), 0);
    assert_string_equal(manager->values.key, "from environment");
    assert_int_equal(manager->asked, 0);
    assert_int_equal(manager->begun, 3);
    assert_int_equal(manager->ended, 3);
}

static void what_it_does_not_have_others_may(void **state)
{
    struct manager *manager = *state;
    manager->error = "there is no such secret";
    assert_int_equal(read_all(manager), -1);
    assert_string_equal(manager->values.text, "from default");
    assert_null(config_warning(manager->config, TEXT));
    assert_non_null(strstr(manager->err.message, "UT_KEY is not set"));
    assert_non_null(strstr(manager->err.message, "The manager, secret ut/key: there is no such secret"));
    assert_false(config_may_recover(manager->config, NEEDED));
}

static void a_refusal_is_a_warning_where_another_place_has_the_value(void **state)
{
    struct manager *manager = *state;
    manager->outcome = OUTCOME_HOLD;
    manager->error = "denied";
    assert_int_equal(read_all(manager), -1);
    assert_non_null(strstr(manager->err.message, "denied"));
    assert_false(config_may_recover(manager->config, NEEDED));
    assert_string_equal(manager->values.text, "from default");
    assert_string_equal(config_warning(manager->config, TEXT), "The manager, secret ut/text: denied");
}

static void a_silence_may_pass(void **state)
{
    struct manager *manager = *state;
    manager->outcome = OUTCOME_AGAIN;
    manager->error = "no answer";
    assert_int_equal(read_all(manager), -1);
    assert_true(config_may_recover(manager->config, NEEDED));
    assert_false(config_may_recover(manager->config, 0));
    assert_int_equal(setenv("UT_KEY", "no", 1), 0); /* now something else is wrong, which no silence explains */
    assert_int_equal(read_all(manager), -1);
    assert_false(config_may_recover(manager->config, NEEDED));
}

static void what_cannot_be_used_is_an_error_whatever_others_have(void **state)
{
    struct manager *manager = *state;
    manager->outcome = OUTCOME_NEVER;
    manager->error = "it is binary";
    assert_int_equal(setenv("UT_KEY", "from environment", 1), 0);
    assert_int_equal(read_all(manager), -1);
    assert_string_equal(manager->err.subject, "UT_TEXT");
    assert_non_null(strstr(manager->err.message, "it is binary"));
    manager->outcome = OUTCOME_DONE;
    manager->error = NULL;
    manager->value = "no"; /* too short: the same rules as for any other place */
    assert_int_equal(unsetenv("UT_KEY"), 0);
    assert_int_equal(read_all(manager), -1);
    assert_string_equal(manager->err.message, "UT_KEY (from The manager: ut/key) is too short");
}

static void a_manager_that_is_not_set_up_says_nothing(void **state)
{
    struct manager *manager = *state;
    assert_int_equal(read_all(manager), -1);
    assert_string_equal(manager->err.message, "UT_KEY is not set: a key. Set UT_KEY or UT_KEY_FILE");
    assert_string_equal(config_origin(manager->config, KEY), "not set");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_after_the_environment_and_before_the_default),
        TEST(what_it_does_not_have_others_may),
        TEST(a_refusal_is_a_warning_where_another_place_has_the_value),
        TEST(a_silence_may_pass),
        TEST(what_cannot_be_used_is_an_error_whatever_others_have),
        TEST(a_manager_that_is_not_set_up_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
