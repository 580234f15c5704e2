/* err: carries a message and what it is about; nobody has to want it. */
#include "support.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void message_and_subject(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set_about(&err, "ALPINE_LISTEN", "port %d is taken", 8001), -1);
    assert_string_equal(err.message, "port 8001 is taken");
    assert_string_equal(err.subject, "ALPINE_LISTEN");
    assert_int_equal(err_set(&err, "another"), -1);
    assert_string_equal(err.message, "another");
    assert_string_equal(err.subject, "");
    err_clear(&err);
    assert_string_equal(err.message, "");
}

static void nobody_has_to_want_it(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, "%s", "x"), -1);
    assert_int_equal(err_set_about(NULL, "y", "%s", "x"), -1);
    assert_int_equal(err_set_errno(NULL, "%s", "x"), -1);
}

static void the_text_of_errno(void **state)
{
    (void)state;
    struct err err = {0};
    errno = ENOENT;
    assert_int_equal(err_set_errno(&err, "cannot read %s", "x.db"), -1);
    assert_string_equal(err.message, "cannot read x.db: No such file or directory");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    struct err err = {0};
    errno = ENOENT;
    (void)err_set_about(&err,
                        "a subject that is longer than the place there is for it, so that its end is cut off, "
                        "which is better than anything else",
                        "%1000d", 1);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.subject), sizeof err.subject - 1);
    (void)err_set_errno(&err, "%1000d", 1);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_and_subject),
        cmocka_unit_test(nobody_has_to_want_it),
        cmocka_unit_test(the_text_of_errno),
        cmocka_unit_test(a_long_message_is_cut),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
