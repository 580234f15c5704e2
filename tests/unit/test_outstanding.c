/* outstanding: the safe place never goes beyond a signal without an answer, whatever order answers come in. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "chance.h"
#include "engine/outstanding.h"

static struct place place_at(int64_t position)
{
    struct place place = {.position = position};
    if (position)
        (void)snprintf(place.mark, sizeof place.mark, "id-%d", (int)position);
    return place;
}

/* A batch with the items first … first + count - 1, read right behind first - 1. */
static struct batch *add(struct outstanding *list, int64_t first, int count)
{
    struct place before = place_at(first - 1);
    struct batch *batch = batch_new(&before);
    for (int i = 0; i < count; i++) {
        struct place here = place_at(first + i);
        struct batch_item item = {
            .position = here.position, .signal_id = here.mark, .mark = here.mark, .symbol = "A", .action = "BUY"};
        assert_int_equal(batch_add(batch, &item, "{}", 2), 0);
    }
    outstanding_append(list, batch);
    return batch;
}

static void check_safe(const struct outstanding *list, int64_t read, int64_t expected)
{
    struct place until = place_at(read);
    struct place wanted = place_at(expected);
    const struct place *safe = outstanding_safe(list, &until);
    assert_int_equal(safe->position, expected);
    assert_string_equal(safe->mark, wanted.mark);
}

static void nothing_outstanding_all_that_was_read_is_safe(void **state)
{
    (void)state;
    struct outstanding list = {0};
    check_safe(&list, 0, 0);
    check_safe(&list, 17, 17);
    outstanding_clear(&list);
}

static void answers_in_order(void **state)
{
    (void)state;
    struct outstanding list = {0};
    struct batch *first = add(&list, 1, 10);
    struct batch *second = add(&list, 11, 5);
    check_safe(&list, 15, 0);
    outstanding_remove(&list, first);
    check_safe(&list, 15, 10);
    outstanding_remove(&list, second);
    check_safe(&list, 15, 15);
    assert_int_equal(list.batches, 0);
    assert_int_equal(list.signals, 0);
}

static void a_gap_is_waited_for(void **state)
{
    (void)state;
    struct outstanding list = {0};
    struct batch *first = add(&list, 1, 1);
    struct batch *second = add(&list, 2, 3);
    struct batch *third = add(&list, 5, 2);
    outstanding_remove(&list, third);
    check_safe(&list, 6, 0);
    outstanding_remove(&list, second);
    check_safe(&list, 6, 0);
    assert_int_equal(list.signals, 1);
    outstanding_remove(&list, first);
    check_safe(&list, 6, 6);
}

/* What was passed over while reading (a dead letter, say) lies between two batches. */
static void passed_rows_between_batches(void **state)
{
    (void)state;
    struct outstanding list = {0};
    struct batch *first = add(&list, 3, 2);
    struct batch *second = add(&list, 8, 1);
    check_safe(&list, 9, 2);
    outstanding_remove(&list, first);
    check_safe(&list, 9, 7);
    outstanding_remove(&list, second);
    check_safe(&list, 9, 9);
}

static void both_halves_of_a_split_count(void **state)
{
    (void)state;
    struct outstanding list = {0};
    struct batch *whole = add(&list, 1, 10);
    struct batch *behind = add(&list, 11, 2);
    struct batch *rest = batch_split(whole, 4);
    outstanding_insert_after(&list, whole, rest);
    assert_int_equal(list.batches, 3);
    assert_int_equal(list.signals, 12);
    check_safe(&list, 12, 0);
    assert_ptr_equal(whole->next, rest);
    assert_ptr_equal(rest->next, behind);
    outstanding_remove(&list, whole);
    check_safe(&list, 12, 4);
    outstanding_remove(&list, behind);
    check_safe(&list, 12, 4);
    outstanding_remove(&list, rest);
    check_safe(&list, 12, 12);
    assert_int_equal(list.signals, 0);
}

static void the_last_one_can_be_split_and_appended_to(void **state)
{
    (void)state;
    struct outstanding list = {0};
    struct batch *whole = add(&list, 1, 2);
    struct batch *rest = batch_split(whole, 1);
    outstanding_insert_after(&list, whole, rest);
    struct batch *third = add(&list, 3, 1);
    assert_ptr_equal(rest->next, third);
    assert_null(third->next);
    outstanding_clear(&list);
}

static void the_next_one_is_not_in_flight(void **state)
{
    (void)state;
    struct outstanding list = {0};
    assert_null(outstanding_next(&list));
    struct batch *first = add(&list, 1, 1);
    struct batch *second = add(&list, 2, 1);
    assert_ptr_equal(outstanding_next(&list), first);
    first->in_flight = true;
    assert_ptr_equal(outstanding_next(&list), second);
    second->in_flight = true;
    assert_null(outstanding_next(&list));
    first->in_flight = false;
    assert_ptr_equal(outstanding_next(&list), first);
    outstanding_clear(&list);
    assert_null(list.first);
    assert_int_equal(list.batches, 0);
    assert_int_equal(list.signals, 0);
}

static void one_that_is_not_there_changes_nothing(void **state)
{
    (void)state;
    struct outstanding list = {0};
    struct batch *batch = add(&list, 1, 1);
    struct batch *other = batch_new(&(struct place){0});
    outstanding_remove(&list, other);
    assert_int_equal(list.batches, 1);
    assert_ptr_equal(list.first, batch);
    outstanding_clear(&list);
    batch_free(other);
}

/* Reads, splits and answers in any order, and looks after each step at every single signal. */
static void any_order(void **state)
{
    (void)state;
    enum { SIGNALS = 200 };
    for (int round = 0; round < 200; round++) {
        struct outstanding list = {0};
        struct batch *batches[SIGNALS] = {0};
        bool answered[SIGNALS + 1] = {true};
        int count = 0;
        int read = 0;
        while (read < SIGNALS || count) {
            int size = 1 + chance(20);
            int which = count ? chance(count) : 0;
            struct batch *batch = count ? batches[which] : NULL;
            if (read < SIGNALS && (!count || chance(3) == 0)) {
                size = size < SIGNALS - read ? size : SIGNALS - read;
                batches[count++] = add(&list, read + 1, size);
                read += size;
            } else if (batch->count > 1 && chance(3) == 0) {
                struct batch *rest = batch_split(batch, 1 + (size_t)chance((int)batch->count - 1));
                outstanding_insert_after(&list, batch, rest);
                batches[count++] = rest;
            } else {
                for (size_t i = 0; i < batch->count; i++)
                    answered[batch->items[i].position] = true;
                outstanding_remove(&list, batch);
                batches[which] = batches[--count];
            }
            int safe = 0;
            while (safe < read && answered[safe + 1])
                safe++;
            check_safe(&list, read, safe);
            assert_int_equal(list.batches, count);
        }
        check_safe(&list, read, SIGNALS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_outstanding_all_that_was_read_is_safe),
        cmocka_unit_test(answers_in_order),
        cmocka_unit_test(a_gap_is_waited_for),
        cmocka_unit_test(passed_rows_between_batches),
        cmocka_unit_test(both_halves_of_a_split_count),
        cmocka_unit_test(the_last_one_can_be_split_and_appended_to),
        cmocka_unit_test(the_next_one_is_not_in_flight),
        cmocka_unit_test(one_that_is_not_there_changes_nothing),
        cmocka_unit_test(any_order),
    };
    return cmocka_run_group_tests_name("outstanding", tests, NULL, NULL);
}
