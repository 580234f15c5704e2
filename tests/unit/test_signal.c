/* signal: the field table holds together, and values and aliases are found. */
#include "support.h"

#include <string.h>

#include "format/wire.h"

static void every_field_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        const struct signal_field_info *info = &signal_fields[i];
        assert_non_null(info->name);
        assert_int_equal(info->name_len, strlen(info->name));
        assert_int_equal(info->column == NULL, info->column_type == NULL);
        assert_false(info->needed && info->fallback);
    }
}

static void names_and_columns_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++)
        for (size_t k = 0; k < SIGNAL_FIELD_COUNT; k++) {
            const char *alias = signal_fields[k].alias;
            const char *column = signal_fields[k].column;
            if (i != k)
                assert_string_not_equal(signal_fields[i].name, signal_fields[k].name);
            if (alias)
                assert_string_not_equal(signal_fields[i].name, alias);
            if (i != k && column && signal_fields[i].column)
                assert_string_not_equal(signal_fields[i].column, column);
        }
}

/* The contract's lists, written down once more: a row that is lost or changed shows here. */
static void the_table_is_the_contract(void **state)
{
    (void)state;
    static const char needed[] = "signal_id symbol action entry_price confidence timestamp sha256 ";
    static const char hashed[] =
        "signal_id symbol action entry_price target_price stop_price confidence timestamp strategy ";
    char needed_here[512] = "";
    char hashed_here[512] = "";
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        if (signal_fields[i].needed)
            (void)strcat(strcat(needed_here, signal_fields[i].name), " ");
        if (signal_fields[i].hashed)
            (void)strcat(strcat(hashed_here, signal_fields[i].name), " ");
    }
    assert_string_equal(needed_here, needed);
    assert_string_equal(hashed_here, hashed);
    assert_int_equal(SIGNAL_FIELD_COUNT, 21);
}

static void a_slot_for_every_name(void **state)
{
    (void)state;
    struct signal signal = {0};
    for (size_t i = 0; i < SIGNAL_FIELD_COUNT; i++) {
        const char *name = signal_fields[i].name;
        const char *alias = signal_fields[i].alias;
        assert_ptr_equal(signal_slot(&signal, name, strlen(name)), &signal.given[i]);
        assert_null(signal_slot(&signal, name, strlen(name) - 1));
        if (alias)
            assert_ptr_equal(signal_slot(&signal, alias, strlen(alias)), &signal.alias[i]);
    }
    assert_null(signal_slot(&signal, "", 0));
    assert_null(signal_slot(&signal, "Symbol", 6));
    assert_null(signal_slot(&signal, "symbol ", 7));
    assert_null(signal_slot(&signal, "order_id", 8));
}

static void texts_are_copied(void **state)
{
    (void)state;
    struct signal signal = {0};
    char text[] = "momentum";
    size_t len = 0;
    assert_int_equal(signal_set_text(&signal, &signal.given[FIELD_STRATEGY], text, strlen(text)), 0);
    memset(text, 'x', sizeof text - 1);
    assert_string_equal(signal_text(&signal, FIELD_STRATEGY, &len), "momentum");
    assert_int_equal(len, 8);
    assert_string_equal(signal_text(&signal, FIELD_REGIME, &len), "");
    assert_int_equal(len, 0);
    signal_clear(&signal);
    assert_int_equal(signal.given[FIELD_STRATEGY].kind, VALUE_ABSENT);
}

static double effective(struct signal *signal, struct value given, struct value alias)
{
    signal->given[FIELD_STOP_PRICE] = given;
    signal->alias[FIELD_STOP_PRICE] = alias;
    struct value value = signal_effective(signal, FIELD_STOP_PRICE);
    return value_is_number(&value) ? value_number(&value) : value.kind == VALUE_NULL ? -1 : -2;
}

static void which_price_counts(void **state)
{
    (void)state;
    const struct value absent = {.kind = VALUE_ABSENT};
    const struct value null = {.kind = VALUE_NULL};
    struct signal signal = {0};
    assert_true(effective(&signal, value_real(5), absent) == 5);
    assert_true(effective(&signal, value_real(5), value_real(6)) == 5);
    assert_true(effective(&signal, absent, value_real(6)) == 6);
    assert_true(effective(&signal, null, value_integer(6)) == 6);
    assert_true(effective(&signal, value_real(0), value_real(6)) == 6);
    assert_true(effective(&signal, value_integer(0), value_real(6)) == 6);
    assert_true(effective(&signal, value_real(-0.0), value_real(6)) == 6);
    assert_true(effective(&signal, value_real(5), null) == 5);
    assert_true(effective(&signal, null, null) == -1);
    assert_true(effective(&signal, absent, absent) == -2);
}

static void verification_hash_wins(void **state)
{
    (void)state;
    struct signal signal = {0};
    size_t len;
    signal.given[FIELD_SHA256] = value_text("given", 5);
    assert_string_equal(signal_text(&signal, FIELD_SHA256, &len), "given");
    signal.alias[FIELD_SHA256] = value_text("alias", 5);
    assert_string_equal(signal_text(&signal, FIELD_SHA256, &len), "alias");
    signal.given[FIELD_SHA256] = (struct value){.kind = VALUE_ABSENT};
    assert_string_equal(signal_text(&signal, FIELD_SHA256, NULL), "alias");
    signal.alias[FIELD_SHA256] = (struct value){.kind = VALUE_NULL};
    signal.given[FIELD_SHA256] = value_text("given", 5);
    assert_string_equal(signal_text(&signal, FIELD_SHA256, NULL), "given");
}

static void codes_of_faults(void **state)
{
    (void)state;
    assert_string_equal(fault_code(FAULT_NONE), "");
    assert_string_equal(fault_code(FAULT_MALFORMED), "malformed");
    assert_string_equal(fault_code(FAULT_INVALID_FIELD), "invalid_field");
    assert_string_equal(fault_code(FAULT_TOO_LARGE), "too_large");
    assert_string_equal(fault_code(FAULT_HASH_MISMATCH), "hash_mismatch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_whole),      cmocka_unit_test(names_and_columns_are_unique),
        cmocka_unit_test(the_table_is_the_contract), cmocka_unit_test(a_slot_for_every_name),
        cmocka_unit_test(texts_are_copied),          cmocka_unit_test(which_price_counts),
        cmocka_unit_test(verification_hash_wins),    cmocka_unit_test(codes_of_faults),
    };
    return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
