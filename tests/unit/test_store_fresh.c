/* store_fresh: of what comes twice the first, in the order of the group. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "adapters/store_fresh.h"
#include "chance.h"

enum { ROWS_MAX = 200 };

static struct signal signals[ROWS_MAX];
static struct store_row rows[ROWS_MAX];
static struct store_row *group[ROWS_MAX];
static size_t count;

static void add(const char *id, const char *hash)
{
    struct signal *signal = &signals[count];
    memset(signal, 0, sizeof *signal);
    assert_int_equal(signal_set_text(signal, &signal->given[FIELD_SIGNAL_ID], id, strlen(id)), 0);
    (void)snprintf(signal->sha256, sizeof signal->sha256, "%64s", hash);
    rows[count] = (struct store_row){.signal = signal};
    group[count] = &rows[count];
    count++;
}

static int finish(void **state)
{
    (void)state;
    while (count)
        signal_clear(&signals[--count]);
    return 0;
}

static void check(const size_t *expected, size_t expected_count)
{
    struct store_row *fresh[ROWS_MAX];
    size_t fresh_count;
    assert_int_equal(store_fresh_pick(group, count, fresh, &fresh_count), 0);
    assert_int_equal(fresh_count, expected_count);
    for (size_t i = 0; i < expected_count; i++)
        assert_ptr_equal(fresh[i], &rows[expected[i]]);
}

static void all_that_differ_in_their_order(void **state)
{
    (void)state;
    add("c", "3");
    add("a", "2");
    add("b", "1");
    check((const size_t[]){0, 1, 2}, 3);
}

static void the_first_with_a_hash_or_an_id(void **state)
{
    (void)state;
    add("b", "9");
    add("a", "1");
    add("b", "9");  /* the same again */
    add("a", "95"); /* a conflict, and others' hashes between the two */
    add("c", "0");
    check((const size_t[]){0, 1, 4}, 3);
}

static void what_has_a_verdict_is_left_out(void **state)
{
    (void)state;
    add("a", "1");
    add("b", "2");
    add("a", "1");
    rows[0].verdict = STORE_DUPLICATE;
    rows[1].verdict = STORE_REFUSED;
    check((const size_t[]){2}, 1);
    rows[2].verdict = STORE_CONFLICT;
    check(NULL, 0);
}

static void no_rows(void **state)
{
    (void)state;
    check(NULL, 0);
}

static bool came_before(size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (!strcmp(signals[i].sha256, signals[at].sha256) ||
            !strcmp(signal_text(&signals[i], FIELD_SIGNAL_ID, NULL),
                    signal_text(&signals[at], FIELD_SIGNAL_ID, NULL)))
            return true;
    return false;
}

/* Against the slow way to say it; signals with the same hash have the same id. */
static void any_group(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct store_row *fresh[ROWS_MAX];
        size_t fresh_count;
        size_t expected = 0;
        for (size_t size = (size_t)chance(ROWS_MAX); count < size;) {
            char id[8];
            char hash[16];
            int number = chance(60);
            (void)snprintf(id, sizeof id, "%d", number);
            (void)snprintf(hash, sizeof hash, "%d%d", number, chance(2));
            add(id, hash);
        }
        assert_int_equal(store_fresh_pick(group, count, fresh, &fresh_count), 0);
        for (size_t i = 0; i < count; i++)
            if (!came_before(i))
                assert_ptr_equal(fresh[expected++], &rows[i]);
        assert_int_equal(fresh_count, expected);
        (void)finish(state);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, finish)
    const struct CMUnitTest tests[] = {
        TEST(all_that_differ_in_their_order),
        TEST(the_first_with_a_hash_or_an_id),
        TEST(what_has_a_verdict_is_left_out),
        TEST(no_rows),
        TEST(any_group),
    };
    return cmocka_run_group_tests_name("store_fresh", tests, NULL, NULL);
}
