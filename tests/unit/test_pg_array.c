/* pg_array: byte for byte what PostgreSQL's array_recv reads. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "adapters/pg_array.h"
#include "base/hex.h"

static void check(const char *type_name, const struct value *values, size_t count, const char *expected)
{
    struct buf array = {0};
    char digits[1024];
    const struct pg_type *type = pg_type_find(type_name);
    pg_array_begin(&array, type, count);
    for (size_t i = 0; i < count; i++)
        pg_array_add(&array, type, &values[i]);
    assert_true(array.len * 2 < sizeof digits);
    hex_encode((const unsigned char *)array.data, array.len, digits);
    assert_string_equal(digits, expected);
    buf_clear(&array);
}

static void types_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned oid;
        unsigned array_oid;
    } types[] = {
        {"text", 25, 1009},          {"int4", 23, 1007},         {"float8", 701, 1022},
        {"timestamptz", 1184, 1185}, {"signalaction", 25, 1009}, {"", 25, 1009},
    };
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_int_equal(pg_type_find(types[i].name)->oid, types[i].oid);
        assert_int_equal(pg_type_find(types[i].name)->array_oid, types[i].array_oid);
    }
}

#define HEADER(oid, count) "0000000100000001" oid count "00000001"

static void texts(void **state)
{
    (void)state;
    const struct value values[] = {value_text("a\"{},\\'", 7), value_text("", 0),         {.kind = VALUE_NULL},
                                   value_text("NULL", 4),      value_text("\xc3\xa9", 2), {.kind = VALUE_ABSENT}};
    check("text", values, COUNT(values),
          HEADER("00000019", "00000006") "0000000761227b7d2c5c27"
                                         "00000000"
                                         "ffffffff"
                                         "000000044e554c4c"
                                         "00000002c3a9"
                                         "ffffffff");
}

static void integers(void **state)
{
    (void)state;
    const struct value values[] = {value_integer(0),
                                   value_integer(-1),
                                   value_integer(INT32_MAX),
                                   value_integer(INT32_MIN),
                                   {.kind = VALUE_NULL}};
    check("int4", values, COUNT(values),
          HEADER("00000017", "00000005") "0000000400000000"
                                         "00000004ffffffff"
                                         "000000047fffffff"
                                         "0000000480000000"
                                         "ffffffff");
}

static void doubles(void **state)
{
    (void)state;
    const struct value values[] = {value_real(0.0),     value_real(-0.0),   value_real(1.0),     value_real(267.44),
                                   value_real(DBL_MAX), value_integer(267), {.kind = VALUE_NULL}};
    check("float8", values, COUNT(values),
          HEADER("000002bd", "00000007") "000000080000000000000000"
                                         "000000088000000000000000"
                                         "000000083ff0000000000000"
                                         "000000084070b70a3d70a3d7"
                                         "000000087fefffffffffffff"
                                         "000000084070b00000000000"
                                         "ffffffff");
}

/* Microseconds since 2000, of ours since 1970. */
static void timestamps(void **state)
{
    (void)state;
    const struct value values[] = {
        value_integer(946684800000000), value_integer(946684800000001), value_integer(0), {.kind = VALUE_NULL}};
    check("timestamptz", values, COUNT(values),
          HEADER("000004a0", "00000004") "000000080000000000000000"
                                         "000000080000000000000001"
                                         "00000008fffca2fec4c82000"
                                         "ffffffff");
}

static void an_empty_array(void **state)
{
    (void)state;
    check("text", NULL, 0, HEADER("00000019", "00000000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_by_name), cmocka_unit_test(texts),      cmocka_unit_test(integers),
        cmocka_unit_test(doubles),       cmocka_unit_test(timestamps), cmocka_unit_test(an_empty_array),
    };
    return cmocka_run_group_tests_name("pg_array", tests, NULL, NULL);
}
