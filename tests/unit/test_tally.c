/* tally: blocks cover every position once, and the sum knows a row that is missing, another, or elsewhere. */
#include "support.h"

#include <string.h>

#include "engine/tally.h"

static struct state_tally tally_of(const struct table_row *rows, size_t count)
{
    struct state_tally tally = {0};
    for (size_t i = 0; i < count; i++)
        tally_add(&tally, &rows[i]);
    return tally;
}

static void check_block(int64_t position, int64_t block)
{
    assert_true(tally_block(position) == block);
    assert_true(tally_first(block) <= position);
    assert_true(tally_last(block) >= position);
}

static void a_position_lies_in_one_block(void **state)
{
    (void)state;
    check_block(0, 0);
    check_block(1, 0);
    check_block(TALLY_BLOCK_ROWS - 1, 0);
    check_block(TALLY_BLOCK_ROWS, 1);
    check_block(-1, -1);
    check_block(-TALLY_BLOCK_ROWS, -1);
    check_block(-TALLY_BLOCK_ROWS - 1, -2);
    check_block(INT64_MAX, INT64_MAX / TALLY_BLOCK_ROWS);
    check_block(INT64_MIN, INT64_MIN / TALLY_BLOCK_ROWS);
}

static void blocks_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    for (int64_t block = -3; block < 3; block++) {
        assert_int_equal(tally_last(block) - tally_first(block) + 1, TALLY_BLOCK_ROWS);
        assert_true(tally_last(block) + 1 == tally_first(block + 1));
        assert_true(tally_block(tally_first(block)) == block);
        assert_true(tally_block(tally_last(block)) == block);
    }
    assert_true(tally_first(tally_block(INT64_MIN)) == INT64_MIN);
    assert_true(tally_last(tally_block(INT64_MAX)) == INT64_MAX);
}

static void the_order_of_rows_makes_no_difference(void **state)
{
    static const struct table_row rows[] = {{1, "a", "aa"}, {2, "b", "bb"}, {3, "c", "cc"}};
    static const struct table_row turned[] = {{3, "c", "cc"}, {1, "a", "aa"}, {2, "b", "bb"}};
    (void)state;
    struct state_tally one = tally_of(rows, COUNT(rows));
    struct state_tally other = tally_of(turned, COUNT(turned));
    assert_int_equal(one.rows, 3);
    assert_true(tally_equal(&one, &other));
}

/* Every way in which a block may change; each is another sum. */
static void every_change_is_seen(void **state)
{
    static const struct table_row sets[][2] = {
        {{1, "signal", "abc"}, {2, "next", "def"}},   {{1, "signal", "abd"}, {2, "next", "def"}},
        {{1, "signam", "abc"}, {2, "next", "def"}},   {{3, "signal", "abc"}, {2, "next", "def"}},
        {{2, "signal", "abc"}, {1, "next", "def"}},   {{1, "signal", "def"}, {2, "next", "abc"}},
        {{1, "next", "abc"}, {2, "signal", "def"}},   {{1, "signala", "bc"}, {2, "next", "def"}},
        {{1, "signal", ""}, {2, "next", "def"}},      {{1, "", "abc"}, {2, "next", "def"}},
        {{257, "signal", "abc"}, {2, "next", "def"}}, {{-1, "signal", "abc"}, {2, "next", "def"}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(sets); i++)
        for (size_t j = 0; j < i; j++) {
            struct state_tally one = tally_of(sets[i], 2);
            struct state_tally other = tally_of(sets[j], 2);
            assert_false(tally_equal(&one, &other));
        }
}

static void a_missing_row_is_seen(void **state)
{
    static const struct table_row rows[] = {{1, "a", "aa"}, {2, "b", "bb"}};
    (void)state;
    struct state_tally both = tally_of(rows, 2);
    struct state_tally first = tally_of(rows, 1);
    struct state_tally none = {0};
    assert_false(tally_equal(&both, &first));
    assert_false(tally_equal(&first, &none));
    struct state_tally fewer = both;
    fewer.rows--;
    assert_false(tally_equal(&both, &fewer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_lies_in_one_block),
        cmocka_unit_test(blocks_follow_each_other_without_a_gap),
        cmocka_unit_test(the_order_of_rows_makes_no_difference),
        cmocka_unit_test(every_change_is_seen),
        cmocka_unit_test(a_missing_row_is_seen),
    };
    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
