/* config_source: the order of the places, and the origin that each value is given. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"

struct values {
    const char *file;
    const char *key;
    const char *text;
    int64_t number;
    const char *folder;
};

static const struct setting table[] = {
    {.name = "UT_TEXT",
     .offset = offsetof(struct values, text),
     .fallback = "from default",
     .config_path = "ut.text|other.text"},
    {.name = "UT_KEY", .offset = offsetof(struct values, key), .config_path = "ut.key", .secret = true},
    {.name = "UT_NUMBER",
     .type = SETTING_INTEGER,
     .offset = offsetof(struct values, number),
     .config_path = "ut.number",
     .least = 0,
     .most = 100},
    {.name = "UT_FOLDER",
     .offset = offsetof(struct values, folder),
     .fallback = "/var/lib/ut",
     .fallback_env = "UT_STATE_DIRECTORY"},
    {.name = "UT_CONFIG",
     .offset = offsetof(struct values, file),
     .fallback = "/nowhere/config.json",
     .is_config_file = true},
};
enum { TEXT, KEY, NUMBER, FOLDER, CONFIG };

struct place {
    struct values values;
    struct config *config;
    struct err err;
    char document[32];
    char secret[32];
};

static int start(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    static const char *const names[] = {"UT_TEXT",   "UT_KEY",    "UT_KEY_FILE",        "UT_TEXT_FILE",
                                        "UT_NUMBER", "UT_FOLDER", "UT_STATE_DIRECTORY", "UT_CONFIG"};
    for (size_t i = 0; i < COUNT(names); i++)
        (void)unsetenv(names[i]);
    (void)strcpy(place->document, "/tmp/alpine-unit-XXXXXX");
    (void)strcpy(place->secret, "/tmp/alpine-unit-XXXXXX");
    write_file(place->document, "{}", 2);
    write_file(place->secret, "from file\r\n", 11);
    *state = place;
    return 0;
}

static int finish(void **state)
{
    struct place *place = *state;
    config_close(place->config);
    (void)unlink(place->document);
    (void)unlink(place->secret);
    free(place);
    return 0;
}

static void set_content(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Reads the settings anew. Returns what config_problem says. */
static int read_all(struct place *place, const struct config_option *options, size_t count)
{
    config_close(place->config);
    memset(&place->values, 0, sizeof place->values);
    place->config = config_open(table, COUNT(table), options, count, NULL, &place->values);
    assert_non_null(place->config);
    return config_problem(place->config, 0, &place->err);
}

static void the_first_place_wins(void **state)
{
    struct place *place = *state;
    const struct config_option option = {"UT_TEXT", "from option"};
    char origin[64];

    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.text, "from default");
    assert_string_equal(config_origin(place->config, TEXT), "default");

    set_content(place->document, "{\"ut\": {\"text\": \"from document\"}}");
    (void)setenv("UT_CONFIG", place->document, 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.text, "from document");
    (void)snprintf(origin, sizeof origin, "%s: ut.text", place->document);
    assert_string_equal(config_origin(place->config, TEXT), origin);

    (void)setenv("UT_TEXT", "from environment", 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.text, "from environment");
    assert_string_equal(config_origin(place->config, TEXT), "environment");

    assert_int_equal(read_all(place, &option, 1), 0);
    assert_string_equal(place->values.text, "from option");
    assert_string_equal(config_origin(place->config, TEXT), "command line");
}

static void a_secret_from_its_file(void **state)
{
    struct place *place = *state;
    char origin[64];
    set_content(place->document, "{\"ut\": {\"key\": \"from document\"}}");
    (void)setenv("UT_CONFIG", place->document, 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.key, "from document");

    (void)setenv("UT_KEY_FILE", place->secret, 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.key, "from file");
    (void)snprintf(origin, sizeof origin, "%s (UT_KEY_FILE)", place->secret);
    assert_string_equal(config_origin(place->config, KEY), origin);
    assert_string_equal(config_shown(place->config, KEY), "(secret)");

    (void)setenv("UT_KEY", "from environment", 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.key, "from environment");
}

/* The command line wins over the environment, for the name of a secret's file too. */
static void the_file_may_be_named_on_the_command_line(void **state)
{
    struct place *place = *state;
    const struct config_option option = {"UT_KEY_FILE", place->secret};
    (void)setenv("UT_KEY", "from environment", 1);
    (void)setenv("UT_KEY_FILE", "/nowhere/key", 1);
    assert_int_equal(read_all(place, &option, 1), 0);
    assert_string_equal(place->values.key, "from file");
}

static void only_secrets_come_from_files(void **state)
{
    struct place *place = *state;
    (void)setenv("UT_TEXT_FILE", place->secret, 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.text, "from default");
}

static void a_secret_file_that_is_no_good(void **state)
{
    struct place *place = *state;
    (void)setenv("UT_KEY_FILE", "/nowhere/key", 1);
    assert_int_equal(read_all(place, NULL, 0), -1);
    assert_string_equal(place->err.subject, "UT_KEY");
    assert_non_null(strstr(place->err.message, "/nowhere/key"));
    assert_null(place->values.key);
    (void)setenv("UT_KEY_FILE", place->secret, 1);
    set_content(place->secret, "\n\n");
    assert_int_equal(read_all(place, NULL, 0), -1);
    assert_non_null(strstr(place->err.message, "empty"));
}

static void empty_means_not_set(void **state)
{
    struct place *place = *state;
    set_content(place->document, "{\"ut\": {\"text\": \"\", \"key\": null}, \"other\": {\"text\": \"second\"}}");
    (void)setenv("UT_CONFIG", place->document, 1);
    (void)setenv("UT_TEXT", "", 1);
    (void)setenv("UT_KEY", "", 1);
    (void)setenv("UT_KEY_FILE", "", 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.text, "second");
    assert_null(place->values.key);
    assert_string_equal(config_origin(place->config, KEY), "not set");
}

static void kinds_in_the_document(void **state)
{
    struct place *place = *state;
    (void)setenv("UT_CONFIG", place->document, 1);
    set_content(place->document, "{\"ut\": {\"number\": 42, \"text\": \"true\"}}");
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_int_equal(place->values.number, 42);
    assert_string_equal(place->values.text, "true");
    set_content(place->document, "{\"ut\": {\"number\": 42.5}}");
    assert_int_equal(read_all(place, NULL, 0), -1);
    assert_string_equal(place->err.subject, "UT_NUMBER");
    assert_non_null(strstr(place->err.message, "ut.number"));
    set_content(place->document, "{\"ut\": {\"text\": true}}");
    assert_int_equal(read_all(place, NULL, 0), -1);
    assert_string_equal(place->err.subject, "UT_TEXT");
    set_content(place->document, "{\"ut\": {\"number\": [1]}}");
    assert_int_equal(read_all(place, NULL, 0), -1);
    assert_string_equal(place->err.subject, "UT_NUMBER");
}

static void a_document_that_is_no_good(void **state)
{
    struct place *place = *state;
    const struct config_option option = {"UT_CONFIG", place->document};
    set_content(place->document, "{\"ut\": {\"key\": secret}}");
    assert_int_equal(read_all(place, &option, 1), -1);
    assert_string_equal(place->err.subject, "UT_CONFIG");
    assert_non_null(strstr(place->err.message, place->document));
    assert_non_null(strstr(place->err.message, "command line"));
    assert_null(strstr(place->err.message, "secret"));
    set_content(place->document, "");
    assert_int_equal(read_all(place, &option, 1), -1);
    set_content(place->document, "[]");
    assert_int_equal(read_all(place, &option, 1), -1);
}

static void a_document_that_somebody_named_must_be_there(void **state)
{
    struct place *place = *state;
    assert_int_equal(read_all(place, NULL, 0), 0);
    (void)setenv("UT_CONFIG", "/nowhere/config.json", 1);
    assert_int_equal(read_all(place, NULL, 0), -1);
    assert_string_equal(place->err.subject, "UT_CONFIG");
}

static void the_default_may_be_in_another_variable(void **state)
{
    struct place *place = *state;
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.folder, "/var/lib/ut");
    (void)setenv("UT_STATE_DIRECTORY", "/run/first:/run/second", 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.folder, "/run/first");
    assert_string_equal(config_origin(place->config, FOLDER), "UT_STATE_DIRECTORY");
    (void)setenv("UT_FOLDER", "/mine", 1);
    assert_int_equal(read_all(place, NULL, 0), 0);
    assert_string_equal(place->values.folder, "/mine");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_place_wins),
        TEST(a_secret_from_its_file),
        TEST(the_file_may_be_named_on_the_command_line),
        TEST(only_secrets_come_from_files),
        TEST(a_secret_file_that_is_no_good),
        TEST(empty_means_not_set),
        TEST(kinds_in_the_document),
        TEST(a_document_that_is_no_good),
        TEST(a_document_that_somebody_named_must_be_there),
        TEST(the_default_may_be_in_another_variable),
    };
    return cmocka_run_group_tests_name("config_source", tests, NULL, NULL);
}
