/* wire_batch: the pieces of a batch, whatever is in them, and where an array is broken. */
#include "support.h"

#include <string.h>

#include "format/wire.h"
#include "format/wire_batch.h"

/* Cuts the text; the pieces must be those of `expected`, separated by '|', with `result` at the end. */
static void check(enum batch_layout layout, const char *text, const char *expected, int result)
{
    struct wire_batch batch;
    struct batch_piece piece;
    struct err err = {0};
    const char *at = expected;
    int more;
    wire_batch_init(&batch, layout, text, strlen(text));
    while ((more = wire_batch_next(&batch, &piece, &err)) == 1) {
        size_t len = strcspn(at, "|");
        if (piece.len != len || memcmp(piece.text, at, len) != 0)
            fail_msg("%s: piece '%.*s' instead of '%.*s'", text, (int)piece.len, piece.text, (int)len, at);
        at += len + (at[len] == '|');
    }
    if (*at || more != result)
        fail_msg("%s: ended with %d, '%s' is left", text, more, at);
    if (more < 0)
        assert_true(err.message[0] != '\0');
    assert_int_equal(wire_batch_next(&batch, &piece, &err), result);
}

static void lines(void **state)
{
    (void)state;
    check(BATCH_LINES, "", "", 0);
    check(BATCH_LINES, "\n\r\n \t \n", "", 0);
    check(BATCH_LINES, "{}", "{}", 0);
    check(BATCH_LINES, "{}\n", "{}", 0);
    check(BATCH_LINES, "{\"a\":1}\n\n  {\"b\":2} \r\n{\"c\":3}", "{\"a\":1}|{\"b\":2}|{\"c\":3}", 0);
    check(BATCH_LINES, "broken\n{}\n[", "broken|{}|[", 0);
    check(BATCH_LINES, "[{},\n{}]", "[{},|{}]", 0);
}

static void arrays(void **state)
{
    (void)state;
    check(BATCH_ARRAY, "[]", "", 0);
    check(BATCH_ARRAY, " [ ] \n", "", 0);
    check(BATCH_ARRAY, "[{}]", "{}", 0);
    check(BATCH_ARRAY, " [ {} , {\"a\": [1, 2]} ] ", "{}|{\"a\": [1, 2]}", 0);
    check(BATCH_ARRAY, "[1,\"a\",null]", "1|\"a\"|null", 0);
    check(BATCH_ARRAY, "[\"[{,\\\"]}\",{\"x\":\"]\\\\\"}]", "\"[{,\\\"]}\"|{\"x\":\"]\\\\\"}", 0);
    check(BATCH_ARRAY, "[\n{}\n,\n{}\n]\n", "{}|{}", 0);
}

static void one_bad_element_spoils_no_other(void **state)
{
    (void)state;
    check(BATCH_ARRAY, "[{\"a\":1},{\"b\":},{\"c\":3}]", "{\"a\":1}|{\"b\":}|{\"c\":3}", 0);
    check(BATCH_ARRAY, "[{\"a\":1},nonsense x,{\"c\":3}]", "{\"a\":1}|nonsense x|{\"c\":3}", 0);
    check(BATCH_ARRAY, "[{\"a\":1},{\"a\":1,\"a\":2},{}]", "{\"a\":1}|{\"a\":1,\"a\":2}|{}", 0);
    check(BATCH_ARRAY, "[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]],{}]", "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]|{}", 0);
    check(BATCH_ARRAY, "[\"\xff\",{}]", "\"\xff\"|{}", 0);
}

static void broken_arrays(void **state)
{
    (void)state;
    check(BATCH_ARRAY, "", "", -1);
    check(BATCH_ARRAY, "  ", "", -1);
    check(BATCH_ARRAY, "{}", "", -1);
    check(BATCH_ARRAY, "{}\n{}", "", -1);
    check(BATCH_ARRAY, "null", "", -1);
    check(BATCH_ARRAY, "[", "", -1);
    check(BATCH_ARRAY, "[{}", "", -1);
    check(BATCH_ARRAY, "[{},", "{}", -1);
    check(BATCH_ARRAY, "[{},]", "{}", -1);
    check(BATCH_ARRAY, "[,{}]", "", -1);
    check(BATCH_ARRAY, "[{}},{}]", "", -1);
    check(BATCH_ARRAY, "[{\"a\": \"open},{}]", "", -1);
    check(BATCH_ARRAY, "[{}] {}", "{}", -1);
    check(BATCH_ARRAY, "[{}],[{}]", "{}", -1);
    check(BATCH_ARRAY, "[]]", "", -1);
}

/* The text may end anywhere, behind a backslash too: nothing beyond it is touched, however often one asks. */
static void cut_off_anywhere(void **state)
{
    (void)state;
    static const char text[] = "[{\"a\\\\\": \"b\\\"c\"}, \"\\\"\"]";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *exact = test_malloc(len ? len : 1);
        struct wire_batch batch;
        struct batch_piece piece;
        int more = 1;
        memcpy(exact, text, len);
        wire_batch_init(&batch, BATCH_ARRAY, exact, len);
        while (more == 1)
            more = wire_batch_next(&batch, &piece, NULL);
        assert_int_equal(more, -1);
        for (int i = 0; i < 3; i++)
            assert_int_equal(wire_batch_next(&batch, &piece, NULL), -1);
        test_free(exact);
    }
}

static void both_layouts_hold_the_same_signals(void **state)
{
    (void)state;
    struct wire_batch batch;
    struct batch_piece piece;
    struct buf text = {0};
    size_t count = 0;
    buf_add_char(&text, '[');
    for (int i = 0; i < 100; i++)
        buf_add_format(&text, "%s%s", i ? ",\n" : "", signal_json(NULL, NULL));
    buf_add_char(&text, ']');
    wire_batch_init(&batch, BATCH_ARRAY, text.data, text.len);
    while (wire_batch_next(&batch, &piece, NULL) == 1) {
        struct signal signal = {0};
        assert_int_equal(wire_read_checked(piece.text, piece.len, &signal, NULL), FAULT_NONE);
        signal_clear(&signal);
        count++;
    }
    assert_int_equal(count, 100);
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(arrays),
        cmocka_unit_test(one_bad_element_spoils_no_other),
        cmocka_unit_test(broken_arrays),
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(both_layouts_hold_the_same_signals),
    };
    return cmocka_run_group_tests_name("wire_batch", tests, NULL, NULL);
}
