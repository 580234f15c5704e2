/* json_doc: what is refused, what is read, and how it is walked. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_doc.h"

static bool accepted(const char *text, size_t len)
{
    struct err err = {0};
    struct json_doc *doc = json_doc_parse(text, len, &err);
    bool parsed = doc != NULL;
    if (!parsed)
        assert_true(err.message[0] != '\0');
    json_doc_free(doc);
    return parsed;
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "x",
        "null",
        "1",
        "\"text\"",
        "{",
        "}",
        "[",
        "{]",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "{'a':1}",
        "{} x",
        "{}{}",
        "{\"a\":1 \"b\":2}",
        "[1 2]",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":{\"a\":1,\"a\":1}}", /* duplicate keys */
        "[NaN]",
        "[nan]",
        "[Infinity]",
        "[-Infinity]",
        "[1e400]",
        "[-1e400]", /* no JSON numbers */
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[0x10]",
        "[1e]",
        "[- 1]",
        "[--1]",
        "[9223372036854775808]",
        "[-9223372036854775809]", /* beyond 64 bits */
        "[\"\\u0000\"]",
        "{\"\\u0000\":1}",
        "{\"a\\u0000b\":1}", /* U+0000 */
        "[\"\\ud800\"]",
        "[\"\\udc00\\ud800\"]",
        "[\"\\ud83dx\"]", /* lone surrogates */
        "[\"\xff\"]",
        "[\"\xc0\x80\"]",
        "[\"\xed\xa0\x80\"]",
        "{\"\xff\":1}", /* invalid UTF-8 */
        "[\"a\nb\"]",
        "[\"a\tb\"]",
        "[\"\x01\"]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"open]",
        "[tru]",
        "[True]",
        "[/* c */1]",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (accepted(texts[i], strlen(texts[i])))
            fail_msg("accepted: %s", texts[i]);
    assert_false(accepted("{}\0", 3));
    assert_false(accepted("[\"a\0b\"]", 7));
}

static void taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        " \t\r\n{ } \n",
        "[1,-1,0,-0,1.5,1e5,1E-5,-0.0,5e-324,1e-400]",
        "[9223372036854775807,-9223372036854775808]",
        "[true,false,null]",
        "[\"\\ud83d\\udcc8\"]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\"]",
        "[\"\x7f\"]",
        "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
        "{\"\":1}",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        if (!accepted(texts[i], strlen(texts[i])))
            fail_msg("refused: %s", texts[i]);
}

static char *nested(const char *open, const char *close, size_t depth)
{
    char *text = calloc(1, depth * (strlen(open) + strlen(close)) + 2);
    for (size_t i = 0; i < depth; i++)
        (void)strcat(text, open);
    (void)strcat(text, "1");
    for (size_t i = 0; i < depth; i++)
        (void)strcat(text, close);
    return text;
}

static void the_deepest_nesting(void **state)
{
    (void)state;
    static const char *const brackets[][2] = {{"[", "]"}, {"{\"a\":", "}"}};
    for (size_t i = 0; i < COUNT(brackets); i++) {
        char *fits = nested(brackets[i][0], brackets[i][1], JSON_DEPTH_MAX);
        char *deeper = nested(brackets[i][0], brackets[i][1], JSON_DEPTH_MAX + 1);
        char *abyss = nested(brackets[i][0], brackets[i][1], 3000);
        assert_true(accepted(fits, strlen(fits)));
        assert_false(accepted(deeper, strlen(deeper)));
        assert_false(accepted(abyss, strlen(abyss)));
        free(fits);
        free(deeper);
        free(abyss);
    }
    static const char wide[] = "[[1],[2],[3],[4],[5],[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16],[17],[18]]";
    assert_true(accepted(wide, strlen(wide)));
    static const char in_string[] = "[\"[[[[[[[[[[[[[[[[[[[[[[ \\\" [[[[[[[[[[[[[[\"]";
    assert_true(accepted(in_string, strlen(in_string)));
}

static void an_error_does_not_quote_what_came_in(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"key\": secret}", "{\"key\": \"secret\n\"}", "{\"key\": \"secret",
                                        "{\"key\": \"secret\" x}", "{\"secret\": 1, \"secret\": 2}"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct err err = {0};
        assert_null(json_doc_parse(texts[i], strlen(texts[i]), &err));
        if (strstr(err.message, "secret") || !strstr(err.message, "byte"))
            fail_msg("%s", err.message);
    }
}

static void kinds_and_values(void **state)
{
    (void)state;
    const char *text = quoted("{'n': null, 'b': true, 'i': -7, 'r': 0.5, 's': 'a\xc3\xa9', 'a': [1, [2]],"
                              " 'o': {'p': {'q': 9}}}");
    struct json_doc *doc = json_doc_parse(text, strlen(text), NULL);
    assert_non_null(doc);
    const struct json_value *root = json_doc_root(doc);
    size_t len = 0;
    assert_int_equal(json_value_kind(root), JSON_KIND_OBJECT);
    assert_int_equal(json_value_kind(json_value_member(root, "n")), JSON_KIND_NULL);
    assert_int_equal(json_value_kind(json_value_member(root, "b")), JSON_KIND_BOOL);
    assert_true(json_value_bool(json_value_member(root, "b")));
    assert_int_equal(json_value_integer(json_value_member(root, "i")), -7);
    assert_true(json_value_real(json_value_member(root, "r")) == 0.5);
    assert_string_equal(json_value_text(json_value_member(root, "s"), &len), "a\xc3\xa9");
    assert_int_equal(len, 3);
    const struct json_value *array = json_value_member(root, "a");
    assert_int_equal(json_value_length(array), 2);
    assert_int_equal(json_value_kind(json_value_element(array, 1)), JSON_KIND_ARRAY);
    assert_null(json_value_element(array, 2));
    assert_null(json_value_member(array, "a"));
    assert_int_equal(json_value_length(root), 0);
    assert_int_equal(json_value_integer(json_value_path(root, "o.p.q")), 9);
    assert_null(json_value_path(root, "o.x.q"));
    assert_null(json_value_path(root, "i.p"));
    assert_null(json_value_path(root, "none"));
    json_doc_free(doc);
    json_doc_free(NULL);
}

static void every_member_in_order(void **state)
{
    (void)state;
    const char *text = quoted("{'z': 1, 'a': 2, 'm': 3}");
    struct json_doc *doc = json_doc_parse(text, strlen(text), NULL);
    const struct json_value *root = json_doc_root(doc);
    char names[8] = "";
    int64_t sum = 0;
    for (struct json_member *member = json_member_first(root); member; member = json_member_next(root, member)) {
        (void)strcat(names, json_member_name(member));
        sum += json_value_integer(json_member_value(member));
    }
    assert_string_equal(names, "zam");
    assert_int_equal(sum, 6);
    json_doc_free(doc);
}

static void a_wiped_document_has_no_text_left(void **state)
{
    (void)state;
    static const char *const paths[] = {"a", "b.c", "b.d"};
    const char *text =
        quoted("{'a': 'secret', 'b': {'c': 'secret', 'd': 'secret'}, 'e': ['secret', 5], 'f': null}");
    struct json_doc *doc = json_doc_parse(text, strlen(text), NULL);
    const struct json_value *root = json_doc_root(doc);
    size_t len;
    json_doc_wipe(doc);
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_memory_equal(json_value_text(json_value_path(root, paths[i]), &len), "\0\0\0\0\0\0", 6);
    assert_memory_equal(json_value_text(json_value_element(json_value_member(root, "e"), 0), &len), "\0\0\0\0\0\0",
                        6);
    json_doc_free(doc);
    json_doc_wipe(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(taken),
        cmocka_unit_test(the_deepest_nesting),
        cmocka_unit_test(an_error_does_not_quote_what_came_in),
        cmocka_unit_test(kinds_and_values),
        cmocka_unit_test(every_member_in_order),
        cmocka_unit_test(a_wiped_document_has_no_text_left),
    };
    return cmocka_run_group_tests_name("json_doc", tests, NULL, NULL);
}
