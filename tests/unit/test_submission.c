/* submission: entries in order, however many, and all of it freed. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "engine/submission.h"

static void entries_keep_their_order(void **state)
{
    (void)state;
    struct submission *submission = submission_new();
    for (int i = 0; i < 1000; i++) {
        char id[16];
        struct submission_entry *entry = submission_add(submission);
        assert_non_null(entry);
        struct signal *signal = &entry->signal;
        int len = snprintf(id, sizeof id, "id-%d", i);
        assert_int_equal(signal_set_text(signal, &signal->given[FIELD_SIGNAL_ID], id, (size_t)len), 0);
        entry->detail = arena_copy(&submission->arena, id, (size_t)len);
    }
    assert_int_equal(submission->count, 1000);
    for (int i = 0; i < 1000; i++) {
        char id[16];
        const struct submission_entry *entry = &submission->entries[i];
        (void)snprintf(id, sizeof id, "id-%d", i);
        assert_string_equal(signal_text(&entry->signal, FIELD_SIGNAL_ID, NULL), id);
        assert_string_equal(entry->detail, id);
    }
    submission_free(submission);
}

static void a_new_one_is_empty(void **state)
{
    (void)state;
    struct submission *submission = submission_new();
    assert_int_equal(submission->count, 0);
    assert_int_equal(submission->to_store, 0);
    assert_int_equal(submission->outcome, SUBMISSION_WAITING);
    assert_false(submission->dry_run);
    for (int i = 0; i < 100; i++) {
        const struct submission_entry zero = {0};
        struct submission_entry *entry = submission_add(submission);
        assert_memory_equal(&entry->signal, &zero.signal, sizeof zero.signal);
        assert_int_equal(entry->fault, FAULT_NONE);
        assert_null(entry->field);
        assert_int_equal(entry->row.verdict, STORE_UNKNOWN);
        assert_int_equal(entry->row.id, 0);
        assert_null(entry->row.refusal);
        memset(&entry->row, 0x7f, sizeof entry->row); /* the next one must not show it */
        entry->row.refusal = NULL;
    }
    submission_free(submission);
    submission_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_keep_their_order),
        cmocka_unit_test(a_new_one_is_empty),
    };
    return cmocka_run_group_tests_name("submission", tests, NULL, NULL);
}
