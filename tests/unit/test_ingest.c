/* ingest: an entry for each signal, in order; what is bad in one says nothing of the others. */
#include "support.h"

#include <string.h>

#include "engine/ingest.h"
#include "signals.h"

static const struct ingest_rules rules = {.provider = "argo", .signal_bytes_max = 2000, .batch_signals_max = 5};

static struct submission *single(const char *text)
{
    struct buf body = {0};
    buf_add_text(&body, text);
    struct submission *submission = ingest_single(&rules, &body, 1234);
    buf_clear(&body);
    assert_non_null(submission);
    assert_int_equal(submission->count, 1);
    return submission;
}

static void check_good(const struct submission *submission, size_t index, const char *id)
{
    const struct submission_entry *entry = &submission->entries[index];
    char digits[DIGEST_HEX_LEN + 1];
    assert_int_equal(entry->fault, FAULT_NONE);
    assert_ptr_equal(entry->row.signal, &entry->signal);
    assert_string_equal(entry->row.provider, "argo");
    assert_int_equal(entry->row.received_us, 1234);
    assert_int_equal(entry->row.verdict, STORE_UNKNOWN);
    assert_string_equal(signal_text(&entry->signal, FIELD_SIGNAL_ID, NULL), id);
    hash_of(entry->row.canonical, digits);
    assert_string_equal(digits, entry->signal.sha256);
}

static void check_bad(const struct submission *submission, size_t index, enum fault fault, const char *field)
{
    const struct submission_entry *entry = &submission->entries[index];
    assert_int_equal(entry->fault, fault);
    assert_non_null(entry->detail);
    assert_true(entry->detail[0] != '\0');
    if (field)
        assert_string_equal(entry->field, field);
    else
        assert_null(entry->field);
}

static void a_good_one(void **state)
{
    (void)state;
    struct buf json = {0};
    valid_signal(&json, "one");
    struct submission *submission = single(json.data);
    check_good(submission, 0, "one");
    assert_int_equal(submission->to_store, 1);
    submission_free(submission);
    buf_clear(&json);
}

/* Older Alpine hashed all nine fields, every number as a float. */
static void the_receiver_form_keeps_its_own_text(void **state)
{
    (void)state;
    const char *hashed =
        "{\"action\": \"BUY\", \"confidence\": 80.0, \"entry_price\": 267.0, \"signal_id\": \"i\", "
        "\"stop_price\": null, \"strategy\": \"weighted_consensus_v6\", \"symbol\": \"A\", "
        "\"target_price\": null, \"timestamp\": \"2026-11-01T13:30:02\"}";
    char digits[DIGEST_HEX_LEN + 1];
    struct buf json = {0};
    hash_of(hashed, digits);
    buf_add_format(&json,
                   "{\"action\":\"buy\",\"confidence\":80,\"entry_price\":267,\"signal_id\":\"i\",\"symbol\":\"A\","
                   "\"timestamp\":\"2026-11-01T13:30:02\",\"sha256\":\"%s\"}",
                   digits);
    struct submission *submission = single(json.data);
    check_good(submission, 0, "i");
    assert_string_equal(submission->entries[0].row.canonical, hashed);
    submission_free(submission);
    buf_clear(&json);
}

static void bad_ones(void **state)
{
    (void)state;
    struct buf json = {0};
    valid_signal(&json, "one");
    json.data[strlen("{\"action\": \"BUY\", \"confidence\": 8")]++;
    static const struct {
        const char *text;
        enum fault fault;
        const char *field;
    } cases[] = {
        {"", FAULT_MALFORMED, NULL},
        {"null", FAULT_MALFORMED, NULL},
        {"[]", FAULT_MALFORMED, NULL},
        {"{", FAULT_MALFORMED, NULL},
        {"{\"a\":1,\"a\":2}", FAULT_MALFORMED, NULL},
        {"{}", FAULT_INVALID_FIELD, "signal_id"},
        {"{\"signal_id\":7}", FAULT_INVALID_FIELD, "signal_id"},
        {"{\"signal_id\":\"i\",\"symbol\":\"A\",\"action\":\"HOLD\"}", FAULT_INVALID_FIELD, "action"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct submission *submission = single(cases[i].text);
        check_bad(submission, 0, cases[i].fault, cases[i].field);
        assert_int_equal(submission->to_store, 0);
        submission_free(submission);
    }
    struct submission *submission = single(json.data);
    check_bad(submission, 0, FAULT_HASH_MISMATCH, NULL);
    assert_string_equal(submission->entries[0].detail, "Signal hash verification failed");
    submission_free(submission);
    buf_clear(&json);
}

static void an_empty_body(void **state)
{
    (void)state;
    struct buf nothing = {0};
    enum ingest_problem problem;
    struct err err = {0};
    struct submission *submission = ingest_single(&rules, &nothing, 1);
    check_bad(submission, 0, FAULT_MALFORMED, NULL);
    submission_free(submission);
    submission = ingest_batch(&rules, BATCH_LINES, &nothing, 1, &problem, &err);
    assert_int_equal(submission->count, 0);
    submission_free(submission);
    assert_null(ingest_batch(&rules, BATCH_ARRAY, &nothing, 1, &problem, &err));
    assert_int_equal(problem, INGEST_MALFORMED);
}

static struct submission *batch(enum batch_layout layout, const char *const *texts, size_t count,
                                enum ingest_problem *problem)
{
    struct buf body = {0};
    struct err err = {0};
    if (layout == BATCH_ARRAY)
        buf_add_char(&body, '[');
    for (size_t i = 0; i < count; i++) {
        buf_add_text(&body, !i ? "" : layout == BATCH_ARRAY ? "," : "\n");
        buf_add_text(&body, texts[i]);
    }
    if (layout == BATCH_ARRAY)
        buf_add_char(&body, ']');
    struct submission *submission = ingest_batch(&rules, layout, &body, 1234, problem, &err);
    buf_clear(&body); /* the entries do not live in it */
    if (!submission)
        assert_true(err.message[0] != '\0');
    return submission;
}

static void one_bad_one_spoils_no_other(void **state)
{
    (void)state;
    static const enum batch_layout layouts[] = {BATCH_LINES, BATCH_ARRAY};
    struct buf first = {0};
    struct buf last = {0};
    char large[2100];
    valid_signal(&first, "first");
    valid_signal(&last, "last");
    memset(large, ' ', sizeof large);
    memcpy(large, "{", 1);
    memcpy(large + sizeof large - 2, "}", 2);
    for (size_t i = 0; i < COUNT(layouts); i++) {
        enum ingest_problem problem = INGEST_MALFORMED;
        const char *const texts[] = {first.data, "nonsense", "{}", large, last.data};
        struct submission *submission = batch(layouts[i], texts, COUNT(texts), &problem);
        assert_int_equal(submission->count, 5);
        assert_int_equal(submission->to_store, 2);
        check_good(submission, 0, "first");
        check_bad(submission, 1, FAULT_MALFORMED, NULL);
        check_bad(submission, 2, FAULT_INVALID_FIELD, "signal_id");
        check_bad(submission, 3, FAULT_TOO_LARGE, NULL);
        check_good(submission, 4, "last");
        submission_free(submission);
    }
    buf_clear(&first);
    buf_clear(&last);
}

static void the_largest_signal_that_is_let_through(void **state)
{
    (void)state;
    struct buf json = {0};
    valid_signal(&json, "large");
    buf_truncate(&json, json.len - 1);
    while (json.len < rules.signal_bytes_max - 1)
        buf_add_char(&json, ' ');
    buf_add_char(&json, '}');
    struct submission *submission = single(json.data);
    check_good(submission, 0, "large");
    submission_free(submission);
    buf_truncate(&json, json.len - 1);
    buf_add_text(&json, " }");
    submission = single(json.data);
    check_bad(submission, 0, FAULT_TOO_LARGE, NULL);
    submission_free(submission);
    buf_clear(&json);
}

static void too_many_signals(void **state)
{
    (void)state;
    const char *const texts[] = {"{}", "{}", "{}", "{}", "{}", "{}"};
    enum ingest_problem problem;
    for (int layout = BATCH_LINES; layout <= BATCH_ARRAY; layout++) {
        struct submission *submission = batch((enum batch_layout)layout, texts, 5, &problem);
        assert_int_equal(submission->count, 5);
        submission_free(submission);
        assert_null(batch((enum batch_layout)layout, texts, 6, &problem));
        assert_int_equal(problem, INGEST_TOO_MANY);
    }
}

static void what_is_no_batch(void **state)
{
    (void)state;
    const char *const texts[] = {"[{}", "{}", "{}]", "{\"a\":1"};
    enum ingest_problem problem = INGEST_TOO_MANY;
    assert_null(batch(BATCH_ARRAY, texts, 4, &problem));
    assert_int_equal(problem, INGEST_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one),
        cmocka_unit_test(the_receiver_form_keeps_its_own_text),
        cmocka_unit_test(bad_ones),
        cmocka_unit_test(an_empty_body),
        cmocka_unit_test(one_bad_one_spoils_no_other),
        cmocka_unit_test(the_largest_signal_that_is_let_through),
        cmocka_unit_test(too_many_signals),
        cmocka_unit_test(what_is_no_batch),
    };
    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
