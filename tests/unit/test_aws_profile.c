/* aws/profile: sections and values of AWS's own files. */
#include "support.h"

#include <string.h>

#include "aws/profile.h"

static const char credentials[] = "# a comment\n"
                                  "; another\n"
                                  "aws_access_key_id = in no section\n"
                                  "[default]\n"
                                  "aws_access_key_id=AKID1\n"
                                  "aws_secret_access_key =  with=equals/and+more  \r\n"
                                  "  aws_session_token = of the setting before\n"
                                  "[ spaced ]   # said why\n"
                                  "Aws_Access_Key_Id\t=\tAKID2 # mine\n"
                                  "aws_secret_access_key = se;cr#et ; not mine\n"
                                  "[twice]\n"
                                  "region = first\n"
                                  "[other]\n"
                                  "empty =\n"
                                  "no equals\n"
                                  "[twice]\n"
                                  "region = second\n"
                                  "[profile odd]\n"
                                  "region = odd";

static const char config[] = "[default]\nregion = home\n"
                             "[profile work]\nregion = work\n"
                             "[profile\t two ]\nregion = two\n"
                             "[work]\nregion = of no profile\n"
                             "[profilework2]\nregion = of none either\n"
                             "[sso-session work]\nregion = elsewhere\n";

static const char *value(enum aws_profile_file file, const char *text, const char *profile, const char *name)
{
    static char kept[64];
    struct arena arena = {0};
    const struct aws_profile_text profile_text = {file, text};
    const char *found = aws_profile_value(&profile_text, profile, name, &arena);
    if (found)
        (void)strcpy(kept, found);
    arena_clear(&arena);
    return found ? kept : NULL;
}

static const char *credential(const char *profile, const char *name)
{
    return value(AWS_PROFILE_CREDENTIALS, credentials, profile, name);
}

static const char *region(const char *profile)
{
    return value(AWS_PROFILE_CONFIG, config, profile, "region");
}

static void values_are_trimmed_and_their_comments_cut(void **state)
{
    (void)state;
    assert_string_equal(credential("default", "aws_access_key_id"), "AKID1");
    assert_string_equal(credential("default", "aws_secret_access_key"), "with=equals/and+more");
    assert_string_equal(credential("spaced", "aws_access_key_id"), "AKID2");
    assert_string_equal(credential("spaced", "aws_secret_access_key"), "se;cr#et");
}

static void what_is_not_there_is_null(void **state)
{
    (void)state;
    assert_null(credential("default", "aws_session_token"));
    assert_null(credential("default", "aws_access_key"));
    assert_null(credential("other", "empty"));
    assert_null(credential("nobody", "aws_access_key_id"));
    assert_null(credential("", "aws_access_key_id"));
    assert_null(value(AWS_PROFILE_CREDENTIALS, "", "default", "region"));
    assert_null(value(AWS_PROFILE_CREDENTIALS, "[default", "default", "region"));
}

static void the_last_of_several_counts(void **state)
{
    (void)state;
    assert_string_equal(credential("twice", "region"), "second");
}

static void each_file_has_its_own_kind_of_section(void **state)
{
    (void)state;
    assert_string_equal(region("default"), "home");
    assert_string_equal(region("work"), "work");
    assert_string_equal(region("two"), "two");
    assert_null(region("work2"));
    assert_string_equal(credential("profile odd", "region"), "odd");
    assert_null(credential("odd", "region"));
}

static void a_section_without_values_exists_too(void **state)
{
    (void)state;
    const struct aws_profile_text text = {AWS_PROFILE_CONFIG, "[profile bare]\n"};
    assert_true(aws_profile_exists(&text, "bare"));
    assert_false(aws_profile_exists(&text, "default"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_trimmed_and_their_comments_cut),
        cmocka_unit_test(what_is_not_there_is_null),
        cmocka_unit_test(the_last_of_several_counts),
        cmocka_unit_test(each_file_has_its_own_kind_of_section),
        cmocka_unit_test(a_section_without_values_exists_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
