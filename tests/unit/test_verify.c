/* verify: either form, nothing else; and the kinds that a database column changed are found again. */
#include "support.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "format/verify.h"
#include "format/wire.h"

static const char producer[] = "{\"action\": \"buy\", \"confidence\": 82, \"entry_price\": 267, "
                               "\"signal_id\": \"x1\", \"stop_price\": 259.5,"
                               " \"strategy\": \"mom\", \"symbol\": \"AAPL\", \"target_price\": 280, "
                               "\"timestamp\": \"2026-11-01T13:30:02\"}";
static const char receiver[] = "{\"action\": \"BUY\", \"confidence\": 82.0, \"entry_price\": 267.0, "
                               "\"signal_id\": \"x1\", \"stop_price\": 259.5,"
                               " \"strategy\": \"mom\", \"symbol\": \"AAPL\", \"target_price\": 280.0, "
                               "\"timestamp\": \"2026-11-01T13:30:02\"}";

/* A signal of these members, with the hash of `canonical`. */
static void make(struct signal *signal, const char *members, const char *canonical)
{
    char hash[DIGEST_HEX_LEN + 1];
    char json[1024];
    hash_of(canonical, hash);
    (void)snprintf(json, sizeof json, "%.*s, \"sha256\": \"%s\"}", (int)strlen(members) - 1, members, hash);
    read_signal(signal, json);
}

static void either_form_verifies(void **state)
{
    (void)state;
    static const struct {
        const char *canonical;
        enum canonical_form form;
    } cases[] = {{producer, FORM_PRODUCER}, {receiver, FORM_RECEIVER}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct signal signal;
        struct buf text = {0};
        enum canonical_form form;
        make(&signal, producer, cases[i].canonical);
        buf_add_text(&text, "left over");
        assert_true(verify_signal(&signal, &form, &text));
        assert_int_equal(form, cases[i].form);
        assert_string_equal(text.data, cases[i].canonical);
        buf_clear(&text);
        signal_clear(&signal);
    }
}

static void any_other_hash_fails(void **state)
{
    (void)state;
    struct signal signal;
    struct buf text = {0};
    enum canonical_form form;
    make(&signal, producer, producer);
    for (size_t i = 0; i < DIGEST_HEX_LEN; i++) {
        char right = signal.sha256[i];
        signal.sha256[i] = right == '0' ? '1' : '0';
        assert_false(verify_signal(&signal, &form, &text));
        assert_string_equal(text.data, producer);
        signal.sha256[i] = right;
    }
    assert_true(verify_signal(&signal, &form, &text));
    signal.sha256[0] = '\0';
    assert_false(verify_signal(&signal, &form, &text));
    buf_clear(&text);
    signal_clear(&signal);
}

static void a_changed_field_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        struct signal signal;
        struct buf text = {0};
        enum canonical_form form;
        make(&signal, producer, producer);
        if (signal_fields[i].hashed) {
            signal.given[i] = value_text("changed", 7);
            assert_false(verify_signal(&signal, &form, &text));
        }
        buf_clear(&text);
        signal_clear(&signal);
    }
}

static void upper_case_hashes_verify(void **state)
{
    (void)state;
    char hash[DIGEST_HEX_LEN + 1];
    char json[1024];
    struct signal signal;
    struct buf text = {0};
    enum canonical_form form;
    hash_of(producer, hash);
    for (char *c = hash; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    (void)snprintf(json, sizeof json, "%.*s, \"sha256\": \"bad\", \"verification_hash\": \"%s\"}",
                   (int)strlen(producer) - 1, producer, hash);
    read_signal(&signal, json);
    assert_true(verify_signal(&signal, &form, &text));
    buf_clear(&text);
    signal_clear(&signal);
}

/* As a REAL column gives it back: every number with a fraction. */
static void through_a_database(struct signal *signal)
{
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        if (signal->given[i].kind == VALUE_INTEGER)
            signal->given[i] = value_real((double)signal->given[i].as.integer);
}

static void every_mixture_of_kinds_is_found(void **state)
{
    (void)state;
    for (unsigned mixture = 0; mixture < 16; mixture++) {
        char canonical[512];
        struct signal signal;
        struct buf text = {0};
        enum canonical_form form;
        (void)snprintf(
            canonical, sizeof canonical,
            "{\"action\": \"SELL\", \"confidence\": 82%s, \"entry_price\": 267%s, \"signal_id\": \"x1\","
            " \"stop_price\": 259%s, \"strategy\": \"mom\", \"symbol\": \"AAPL\", \"target_price\": 280%s,"
            " \"timestamp\": \"2026-11-01T13:30:02\"}",
            mixture & 1 ? ".0" : "", mixture & 2 ? ".0" : "", mixture & 4 ? ".0" : "", mixture & 8 ? ".0" : "");
        make(&signal, canonical, canonical);
        through_a_database(&signal);
        assert_true(verify_find_kinds(&signal, &form, &text));
        assert_string_equal(text.data, canonical);
        assert_int_equal(signal.given[FIELD_CONFIDENCE].kind, mixture & 1 ? VALUE_REAL : VALUE_INTEGER);
        assert_int_equal(signal.given[FIELD_ENTRY_PRICE].kind, mixture & 2 ? VALUE_REAL : VALUE_INTEGER);
        buf_clear(&text);
        signal_clear(&signal);
    }
}

static void absent_fields_are_found(void **state)
{
    (void)state;
    static const char canonical[] =
        "{\"action\": \"SELL\", \"confidence\": 82, \"entry_price\": 267.5, \"signal_id\": \"x1\","
        " \"symbol\": \"AAPL\", \"timestamp\": \"2026-11-01T13:30:02\"}";
    struct signal signal;
    struct buf text = {0};
    enum canonical_form form;
    make(&signal, canonical, canonical);
    through_a_database(&signal);
    signal.given[FIELD_STRATEGY].kind = VALUE_NULL;
    signal.given[FIELD_TARGET_PRICE].kind = VALUE_NULL;
    signal.given[FIELD_STOP_PRICE].kind = VALUE_NULL;
    assert_true(verify_find_kinds(&signal, &form, &text));
    assert_string_equal(text.data, canonical);
    assert_int_equal(form, FORM_PRODUCER);
    assert_int_equal(signal.given[FIELD_STRATEGY].kind, VALUE_ABSENT);
    buf_clear(&text);
    signal_clear(&signal);
}

static void what_is_not_found_stays_as_it_was(void **state)
{
    (void)state;
    struct signal signal;
    struct buf text = {0};
    enum canonical_form form;
    make(&signal, receiver, "something else");
    signal.given[FIELD_TARGET_PRICE].kind = VALUE_NULL;
    assert_false(verify_find_kinds(&signal, &form, &text));
    assert_int_equal(signal.given[FIELD_ENTRY_PRICE].kind, VALUE_REAL);
    assert_true(signal.given[FIELD_ENTRY_PRICE].as.real == 267);
    assert_int_equal(signal.given[FIELD_TARGET_PRICE].kind, VALUE_NULL);
    assert_non_null(strstr(text.data, "\"entry_price\": 267.0"));
    buf_clear(&text);
    signal_clear(&signal);
}

static void huge_whole_numbers_stay_reals(void **state)
{
    (void)state;
    struct signal signal;
    struct buf text = {0};
    enum canonical_form form;
    make(&signal, receiver, "something else");
    signal.given[FIELD_ENTRY_PRICE] = value_real(1e300);
    assert_false(verify_find_kinds(&signal, &form, &text));
    assert_int_equal(signal.given[FIELD_ENTRY_PRICE].kind, VALUE_REAL);
    buf_clear(&text);
    signal_clear(&signal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_form_verifies),
        cmocka_unit_test(any_other_hash_fails),
        cmocka_unit_test(a_changed_field_fails),
        cmocka_unit_test(upper_case_hashes_verify),
        cmocka_unit_test(every_mixture_of_kinds_is_found),
        cmocka_unit_test(absent_fields_are_found),
        cmocka_unit_test(what_is_not_found_stays_as_it_was),
        cmocka_unit_test(huge_whole_numbers_stay_reals),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
