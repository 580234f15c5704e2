/* log_ends: see log_ends.h. */
#include "log_ends.h"

#include <string.h>

#include "signals.h"

int log_start(void **state)
{
    (void)ends_start(state);
    struct ends *ends = *state;
    ends->has_table = true;
    ends->has_lines = true;
    return 0;
}

void look(struct ends *ends)
{
    delivery_look(ends->delivery);
}

void check_settled(struct ends *ends, int sent, int64_t row, int64_t line)
{
    assert_int_equal(ends->sent, sent);
    assert_int_equal(in_flight(ends), 0);
    assert_int_equal(stats_of(ends).outstanding, 0);
    assert_true(stats_of(ends).source_at_end);
    pass(ends, NS_PER_S);
    assert_int_equal(ends->saved.places[ORIGIN_TABLE].position, row);
    assert_int_equal(ends->saved.places[ORIGIN_LOG].position, line);
}

bool is_noted(const struct ends *ends, const char *id)
{
    for (int i = 0; i < ends->sent_count; i++)
        if (!strcmp(ends->sent_notes[i].signal_id, id))
            return true;
    return false;
}

void add_spoilt_line(struct ends *ends, const char *id)
{
    struct buf json = {0};
    valid_signal(&json, id);
    char *price = strstr(json.data, "267.44");
    assert_non_null(price);
    price[5] = '9';
    add_line(ends, id, json.data, FAULT_NONE);
    buf_clear(&json);
}

void add_rich_line(struct ends *ends, const char *id)
{
    struct buf plain = {0};
    struct buf json = {0};
    valid_signal(&plain, id);
    buf_add_format(&json, "{\"regime\": \"bull\", %s", plain.data + 1);
    add_line(ends, id, json.data, FAULT_NONE);
    buf_clear(&plain);
    buf_clear(&json);
}
