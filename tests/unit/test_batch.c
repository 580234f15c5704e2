/* batch: what goes in comes out, split or thinned out, with its place. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/batch.h"

/* Items at positions 10, 20, 30 …: signal "id-10" with the JSON {"n":10}. */
static struct batch *batch_of(int count)
{
    struct batch *batch = batch_new(&(struct place){5, "id-5"});
    assert_non_null(batch);
    batch->read_ns = 7000;
    for (int i = 1; i <= count; i++) {
        char id[16];
        char json[16];
        (void)snprintf(id, sizeof id, "id-%d", i * 10);
        (void)snprintf(json, sizeof json, "{\"n\":%d}", i * 10);
        struct batch_item item = {.position = i * 10,
                                  .dead_id = i,
                                  .time_us = i,
                                  .mark = id,
                                  .signal_id = id,
                                  .symbol = "A",
                                  .action = "BUY"};
        assert_int_equal(batch_add(batch, &item, json, strlen(json)), 0);
    }
    return batch;
}

/* The batch holds exactly the items at these positions (0 ends the list), and stands behind `before`. */
static void check(const struct batch *batch, int64_t before, const int *positions)
{
    struct buf body = {0};
    size_t count = 0;
    for (; positions[count]; count++) {
        const struct batch_item *item = &batch->items[count];
        char expected[32];
        struct place place;
        assert_true(count < batch->count);
        assert_int_equal(item->position, positions[count]);
        assert_int_equal(item->dead_id, positions[count] / 10);
        assert_int_equal(item->time_us, positions[count] / 10);
        (void)snprintf(expected, sizeof expected, "id-%d", positions[count]);
        assert_string_equal(item->signal_id, expected);
        assert_string_equal(item->symbol, "A");
        assert_string_equal(item->action, "BUY");
        batch_place(batch, count, &place);
        assert_int_equal(place.position, positions[count]);
        assert_string_equal(place.mark, expected);
        (void)snprintf(expected, sizeof expected, "{\"n\":%d}", positions[count]);
        assert_int_equal(item->len, strlen(expected));
        assert_memory_equal(batch->body.data + item->offset, expected, item->len);
        buf_add_format(&body, "%s\n", expected);
    }
    assert_int_equal(batch->count, count);
    assert_int_equal(batch->read_ns, 7000);
    assert_int_equal(batch->body.len, body.len);
    assert_string_equal(batch->body.data, body.data);
    assert_int_equal(batch->before.position, before);
    buf_clear(&body);
}

static void everything_is_copied(void **state)
{
    (void)state;
    char id[] = "an-id";
    char json[] = "{}";
    struct batch *batch = batch_new(&(struct place){0});
    struct batch_item item = {.position = 1, .mark = "", .signal_id = id, .symbol = "SYM", .action = "SELL"};
    assert_int_equal(batch_add(batch, &item, json, 2), 0);
    memset(id, 'x', 5);
    memset(json, 'x', 2);
    assert_string_equal(batch->items[0].signal_id, "an-id");
    assert_string_equal(batch->body.data, "{}\n");
    batch_free(batch);
    batch_free(NULL);
}

static void a_line_for_each_item(void **state)
{
    (void)state;
    struct batch *batch = batch_of(100);
    int positions[101] = {0};
    for (int i = 0; i < 100; i++)
        positions[i] = (i + 1) * 10;
    check(batch, 5, positions);
    assert_string_equal(batch->before.mark, "id-5");
    batch_free(batch);
}

static void split_anywhere(void **state)
{
    (void)state;
    static const int all[] = {10, 20, 30, 40, 50, 0};
    for (size_t at = 1; at < 5; at++) {
        struct batch *batch = batch_of(5);
        struct batch *rest = batch_split(batch, at);
        int first[6] = {0};
        char before[16];
        assert_non_null(rest);
        memcpy(first, all, at * sizeof *all);
        check(batch, 5, first);
        check(rest, all[at - 1], all + at);
        (void)snprintf(before, sizeof before, "id-%d", all[at - 1]);
        assert_string_equal(rest->before.mark, before);
        assert_false(rest->in_flight);
        batch_free(batch);
        check(rest, all[at - 1], all + at); /* it owns what it has */
        batch_free(rest);
    }
}

static void split_again_and_again(void **state)
{
    (void)state;
    struct batch *rest = batch_of(50);
    for (int i = 1; i < 50; i++) {
        struct batch *batch = rest;
        rest = batch_split(batch, 1);
        check(batch, i == 1 ? 5 : (i - 1) * 10, (const int[]){i * 10, 0});
        batch_free(batch);
    }
    check(rest, 490, (const int[]){500, 0});
    batch_free(rest);
}

static void a_split_batch_can_grow(void **state)
{
    (void)state;
    struct batch *batch = batch_of(3);
    struct batch *rest = batch_split(batch, 1);
    struct batch_item item = {.position = 20,
                              .dead_id = 2,
                              .time_us = 2,
                              .mark = "id-20",
                              .signal_id = "id-20",
                              .symbol = "A",
                              .action = "BUY"};
    assert_int_equal(batch_add(batch, &item, "{\"n\":20}", 8), 0);
    check(batch, 5, (const int[]){10, 20, 0});
    batch_free(batch);
    batch_free(rest);
}

static void keeping_some(void **state)
{
    (void)state;
    for (unsigned mask = 1; mask < 32; mask++) {
        struct batch *batch = batch_of(5);
        bool keep[5];
        int positions[6] = {0};
        size_t count = 0;
        for (int i = 0; i < 5; i++) {
            keep[i] = mask >> i & 1;
            if (keep[i])
                positions[count++] = (i + 1) * 10;
        }
        batch->next = (struct batch *)&keep;
        batch->in_flight = true;
        assert_int_equal(batch_keep(batch, keep), 0);
        check(batch, 5, positions);
        assert_ptr_equal(batch->next, &keep);
        assert_true(batch->in_flight);
        batch_free(batch);
    }
}

static void a_place_holds_the_longest_id(void **state)
{
    (void)state;
    char id[SIGNAL_ID_MAX + 1];
    struct place place;
    memset(id, 'x', SIGNAL_ID_MAX);
    id[SIGNAL_ID_MAX] = '\0';
    struct batch *batch = batch_new(&(struct place){0});
    struct batch_item item = {.position = INT64_MAX, .mark = id, .signal_id = id, .symbol = "", .action = ""};
    assert_int_equal(batch_add(batch, &item, "{}", 2), 0);
    batch_place(batch, 0, &place);
    assert_true(place.position == INT64_MAX);
    assert_string_equal(place.mark, id);
    batch_free(batch);
}

/* By its timestamp, but not less than since it was read: a timestamp may be missing, or lie in the future. */
static void an_item_has_an_age(void **state)
{
    (void)state;
    struct batch *batch = batch_of(1); /* read at 7 µs */
    const int64_t hour_us = 3600000000;
    batch->items[0].time_us = hour_us;
    assert_int_equal(batch_age_us(batch, 0, hour_us + 500, 7000 + 20 * NS_PER_US), 500);
    assert_int_equal(batch_age_us(batch, 0, hour_us + 5, 7000 + 20 * NS_PER_US), 20);
    assert_int_equal(batch_age_us(batch, 0, hour_us - 500, 7000 + 20 * NS_PER_US), 20);
    batch->items[0].time_us = 0;
    assert_int_equal(batch_age_us(batch, 0, hour_us, 7000 + 20 * NS_PER_US), 20);
    batch->items[0].time_us = -hour_us;
    assert_int_equal(batch_age_us(batch, 0, hour_us, 7000), 0);
    batch_free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_has_an_age),    cmocka_unit_test(everything_is_copied),
        cmocka_unit_test(a_line_for_each_item),  cmocka_unit_test(split_anywhere),
        cmocka_unit_test(split_again_and_again), cmocka_unit_test(a_split_batch_can_grow),
        cmocka_unit_test(keeping_some),          cmocka_unit_test(a_place_holds_the_longest_id),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
