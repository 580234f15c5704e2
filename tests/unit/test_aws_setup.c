/* aws/setup: what counts as configured, and which of several places counts. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/setup.h"
#include "folder.h"

struct machine {
    struct folder folder;
    char directory[256];
    struct arena arena;
    struct aws_setup setup;
    struct err err;
};

static void set(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static void set_path(struct machine *machine, const char *name, const char *file, const char *text)
{
    folder_write(&machine->folder, file, text);
    set(name, folder_path(&machine->folder, file));
}

static int start(void **state)
{
    struct machine *machine = calloc(1, sizeof *machine);
    folder_make(&machine->folder);
    (void)snprintf(machine->directory, sizeof machine->directory, "%s", folder_path(&machine->folder, "."));
    assert_int_equal(clearenv(), 0);
    set("HOME", machine->directory);
    *state = machine;
    return 0;
}

static int finish(void **state)
{
    struct machine *machine = *state;
    arena_wipe(&machine->arena);
    folder_remove(&machine->folder);
    free(machine);
    return 0;
}

static int read_setup(struct machine *machine)
{
    arena_wipe(&machine->arena);
    machine->err = (struct err){0};
    return aws_setup_read(&machine->setup, machine->directory, &machine->arena, &machine->err);
}

static const struct aws_setup *good(struct machine *machine)
{
    if (read_setup(machine))
        fail_msg("%s", machine->err.message);
    return &machine->setup;
}

static void refused(struct machine *machine, const char *reason)
{
    assert_int_equal(read_setup(machine), -1);
    assert_true(machine->setup.configured);
    if (!strstr(machine->err.message, reason))
        fail_msg("%s", machine->err.message);
}

static void nothing_is_not_configured(void **state)
{
    const struct aws_setup *setup = good(*state);
    assert_false(setup->configured);
    assert_null(setup->keys.access_key);
    assert_null(setup->metadata_url);
    set("AWS_ACCESS_KEY_ID", ""); /* set to nothing is not set */
    set("AWS_REGION", "");
    assert_false(good(*state)->configured);
}

static void the_environment_comes_before_the_profile(void **state)
{
    struct machine *machine = *state;
    set_path(machine, "AWS_SHARED_CREDENTIALS_FILE", "credentials",
             "[default]\naws_access_key_id=FILE\naws_secret_access_key=s\naws_session_token=t\nregion=file-1\n");
    const struct aws_setup *setup = good(machine);
    assert_string_equal(setup->keys.access_key, "FILE");
    assert_string_equal(setup->keys.session_token, "t");
    assert_string_equal(setup->region, "file-1");
    set("AWS_ACCESS_KEY_ID", "ENV");
    set("AWS_SECRET_ACCESS_KEY", "e");
    set("AWS_DEFAULT_REGION", "default-1");
    setup = good(machine);
    assert_string_equal(setup->keys.access_key, "ENV");
    assert_null(setup->keys.session_token); /* the other pair's */
    assert_string_equal(setup->region, "default-1");
    set("AWS_REGION", "eu-1");
    assert_string_equal(good(machine)->region, "eu-1");
}

static void the_files_have_usual_places_and_profiles(void **state)
{
    struct machine *machine = *state;
    assert_int_equal(mkdir(folder_path(&machine->folder, ".aws"), 0700), 0);
    folder_write(&machine->folder, ".aws/credentials",
                 "[default]\naws_access_key_id=D\naws_secret_access_key=s\n"
                 "[work]\naws_access_key_id=W\naws_secret_access_key=s\n");
    assert_string_equal(good(machine)->keys.access_key, "D");
    assert_true(machine->setup.configured);
    set("AWS_PROFILE", "work");
    set_path(machine, "AWS_CONFIG_FILE", "config", "[profile work]\nregion = work-1\n");
    assert_string_equal(good(machine)->keys.access_key, "W");
    assert_string_equal(machine->setup.region, "work-1");
    set("AWS_PROFILE", "nobody");
    refused(machine, "nobody");
    assert_int_equal(unlink(folder_path(&machine->folder, ".aws/credentials")), 0);
    assert_int_equal(rmdir(folder_path(&machine->folder, ".aws")), 0);
}

static void what_is_half_there_is_said(void **state)
{
    struct machine *machine = *state;
    set("AWS_ACCESS_KEY_ID", "AKID");
    refused(machine, "only one is set");
    assert_int_equal(unsetenv("AWS_ACCESS_KEY_ID"), 0);
    set("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials");
    refused(machine, "/nowhere/credentials");
    set_path(machine, "AWS_SHARED_CREDENTIALS_FILE", "half", "[default]\naws_access_key_id=A\n");
    refused(machine, "aws_secret_access_key");
    set_path(machine, "AWS_SHARED_CREDENTIALS_FILE", "role", "[default]\nrole_arn=arn:aws:iam::1:role/x\n");
    refused(machine, "role_arn, which is not supported");
    set_path(machine, "AWS_SHARED_CREDENTIALS_FILE", "none", "");
    set("AWS_REGION", "eu.evil.example/");
    refused(machine, "region");
}

static void a_container_says_where_its_credentials_are(void **state)
{
    struct machine *machine = *state;
    set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
    assert_string_equal(good(machine)->container_url, "http://169.254.170.2/v2/credentials/1");
    assert_true(machine->setup.configured);
    assert_int_equal(unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), 0);
    static const char *const fine[] = {"https://any.example/x", "http://127.0.0.1:8080/x", "http://localhost/x",
                                       "http://[::1]:1/", "http://169.254.170.23/v1/credentials"};
    for (size_t i = 0; i < COUNT(fine); i++) {
        set("AWS_CONTAINER_CREDENTIALS_FULL_URI", fine[i]);
        assert_string_equal(good(machine)->container_url, fine[i]);
    }
    static const char *const bad[] = {"http://any.example/x",
                                      "http://127.0.0.1.evil.example/",
                                      "ftp://localhost/",
                                      "file:///etc/passwd",
                                      "http://127.0.0.1@evil.example/",
                                      "http://127.0.0.1:80@evil.example/",
                                      "http://localhost:@evil.example/"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        set("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i]);
        refused(machine, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    }
}

static void a_containers_token_may_stand_in_a_file(void **state)
{
    struct machine *machine = *state;
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/x");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from the variable");
    assert_string_equal(good(machine)->container_token, "from the variable");
    set_path(machine, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token", "from the file\n");
    assert_string_equal(good(machine)->container_token, "from the file");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere/token");
    refused(machine, "/nowhere/token");
}

static void the_instance_is_asked_where_something_speaks_for_it(void **state)
{
    struct machine *machine = *state;
    static const char *const marks[][2] = {
        {"sys_vendor", "Amazon EC2\n"}, {"board_asset_tag", "i-0abc\n"}, {"bios_version", "4.11.amazon\n"}};
    for (size_t i = 0; i < COUNT(marks); i++) {
        folder_write(&machine->folder, "sys_vendor", "QEMU\n");
        folder_write(&machine->folder, "board_asset_tag", "none\n");
        folder_write(&machine->folder, "bios_version", "1.0\n");
        assert_false(good(machine)->configured);
        folder_write(&machine->folder, marks[i][0], marks[i][1]);
        assert_string_equal(good(machine)->metadata_url, "http://169.254.169.254");
        assert_true(machine->setup.configured && machine->setup.metadata_guessed);
    }
    set("AWS_EC2_METADATA_DISABLED", "true");
    assert_false(good(machine)->configured);
    assert_null(machine->setup.metadata_url);
}

static void a_region_speaks_for_it_too(void **state)
{
    struct machine *machine = *state;
    set("AWS_REGION", "eu-1");
    assert_non_null(good(machine)->metadata_url);
    assert_false(machine->setup.metadata_guessed);
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    assert_string_equal(good(machine)->metadata_url, "http://[fd00:ec2::254]");
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/");
    assert_string_equal(good(machine)->metadata_url, "http://127.0.0.1:1/");
}

static void the_endpoint_of_the_service_comes_first(void **state)
{
    struct machine *machine = *state;
    set("AWS_ENDPOINT_URL", "http://all.example");
    assert_string_equal(good(machine)->endpoint, "http://all.example");
    set("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://one.example");
    assert_string_equal(good(machine)->endpoint, "http://one.example");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_not_configured),
        TEST(the_environment_comes_before_the_profile),
        TEST(the_files_have_usual_places_and_profiles),
        TEST(what_is_half_there_is_said),
        TEST(a_container_says_where_its_credentials_are),
        TEST(a_containers_token_may_stand_in_a_file),
        TEST(the_instance_is_asked_where_something_speaks_for_it),
        TEST(a_region_speaks_for_it_too),
        TEST(the_endpoint_of_the_service_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
