/* state_letters: one letter for one signal and hash, bounded in number and size, and what people do with them. */
#include "state_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/state_letters.h"

static const struct dead_selection all = {0};

static void bury(struct stage *stage, enum origin origin, int64_t position, const char *signal_id,
                 const char *sha256)
{
    if (stage_bury(stage, origin, position, signal_id, sha256, "{\"a\":1}"))
        fail_msg("not buried: %s", stage->err.message);
}

/* --- burying ----------------------------------------------------------------------------------------------- */

static void a_letter_is_kept_whole(void **state)
{
    struct stage *stage = *state;
    bury(stage, ORIGIN_LOG, 1234, "signal-1", "abcd");
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
    assert_true(stage->seen[0].id > 0);
    assert_int_equal(stage->seen[0].origin, ORIGIN_LOG);
    assert_int_equal(stage->seen[0].position, 1234);
    assert_string_equal(stage->seen[0].signal_id, "signal-1");
    assert_string_equal(stage->seen[0].sha256, "abcd");
    assert_string_equal(stage->seen[0].reason, "hash_mismatch");
    assert_string_equal(stage->seen[0].json, "{\"a\":1}");
    assert_false(stage->seen[0].retry);
    assert_int_equal(state_letters_count(stage->state), 1);
}

static void the_same_signal_and_hash_is_one_letter(void **state)
{
    struct stage *stage = *state;
    bury(stage, ORIGIN_LOG, 100, "same", "aa");
    bury(stage, ORIGIN_TABLE, 7, "same", "aa");
    bury(stage, ORIGIN_TABLE, 8, "same", "aa");
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
    assert_int_equal(stage->seen[0].id, 1);
    assert_int_equal(stage->seen[0].origin, ORIGIN_TABLE);
    assert_int_equal(stage->seen[0].position, 8);
    bury(stage, ORIGIN_TABLE, 8, "same", "bb"); /* another hash is another letter */
    bury(stage, ORIGIN_TABLE, 8, "other", "aa");
    stage_see(stage);
    assert_int_equal(stage->letters, 3);
}

/* Without a signal_id it is told by where it stands. */
static void what_names_no_signal_is_told_by_its_place(void **state)
{
    struct stage *stage = *state;
    bury(stage, ORIGIN_TABLE, 7, "", "");
    bury(stage, ORIGIN_TABLE, 7, "", "");
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
    bury(stage, ORIGIN_TABLE, 8, "", "");
    bury(stage, ORIGIN_LOG, 7, "", "");
    stage_see(stage);
    assert_int_equal(stage->letters, 3);
}

static void burying_it_again_by_its_id(void **state)
{
    struct stage *stage = *state;
    bury(stage, ORIGIN_TABLE, 7, "signal", "aa");
    assert_int_equal(state_letters_retry(stage->state, &all, &stage->err), 1);
    struct dead_letter again = {.id = 1,
                                .signal_id = "signal",
                                .sha256 = "aa",
                                .symbol = "AAPL",
                                .action = "BUY",
                                .reason = "conflict",
                                .detail = "still not",
                                .json = "{\"changed\":1}",
                                .created_us = 5};
    assert_int_equal(stage->state->ops->bury(stage->state->self, &again, &stage->err), 0);
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
    assert_string_equal(stage->seen[0].reason, "conflict");
    assert_string_equal(stage->seen[0].json, "{\"a\":1}"); /* as it was read first */
    assert_int_equal(stage->seen[0].position, 7);
    assert_false(stage->seen[0].retry);
}

/* --- bounds ------------------------------------------------------------------------------------------------ */

static void fill(struct stage *stage)
{
    char id[] = "letter-0";
    for (int i = 0; i < LETTERS_MAX; i++) {
        id[7] = (char)('0' + i);
        bury(stage, ORIGIN_TABLE, i + 1, id, "aa");
    }
}

static void so_many_and_no_more(void **state)
{
    struct stage *stage = *state;
    fill(stage);
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 50, "one more", "aa", "{}"), -1);
    assert_non_null(strstr(stage->err.message, "ALPINE_DEAD_LETTERS_MAX"));
    stage_crash(stage);
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 50, "one more", "aa", "{}"), -1);
    assert_int_equal(state_letters_count(stage->state), LETTERS_MAX);
    stage_sql(stage, "DELETE FROM dead_letters WHERE id = 2"); /* as another program does it */
    bury(stage, ORIGIN_TABLE, 50, "one more", "aa");
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 51, "and another", "aa", "{}"), -1);
}

/* What has its letter already needs no room: after a start from an older place it must not stand in the way. */
static void one_that_is_there_already_needs_no_room(void **state)
{
    struct stage *stage = *state;
    fill(stage);
    bury(stage, ORIGIN_LOG, 99, "letter-3", "aa");
    assert_int_equal(state_letters_count(stage->state), LETTERS_MAX);
}

/* A log's positions begin anew with each file, so the same position may be another line. */
static void two_without_an_id_at_the_same_position(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(stage_bury(stage, ORIGIN_LOG, 77, "", "", "{\"unreadable\":\"one\"}"), 0);
    assert_int_equal(stage_bury(stage, ORIGIN_LOG, 77, "", "", "{\"unreadable\":\"two\"}"), 0);
    assert_int_equal(stage_bury(stage, ORIGIN_LOG, 77, "", "", "{\"unreadable\":\"two\"}"), 0);
    stage_see(stage);
    assert_int_equal(stage->letters, 2);
}

static void letters_that_were_delivered_make_room(void **state)
{
    struct stage *stage = *state;
    fill(stage);
    assert_int_equal(stage->state->ops->remove_delivered(stage->state->self, "letter-0", "aa", &stage->err), 0);
    bury(stage, ORIGIN_TABLE, 50, "one more", "aa");
    assert_int_equal(stage->state->ops->remove(stage->state->self, 2, &stage->err), 0);
    bury(stage, ORIGIN_TABLE, 51, "and another", "aa");
    assert_int_equal(state_letters_count(stage->state), LETTERS_MAX);
}

/* A letter that is sent again, and is refused again, is the same letter. */
static void when_full_a_letter_can_still_come_back(void **state)
{
    struct stage *stage = *state;
    fill(stage);
    struct dead_letter again = {
        .id = 3, .signal_id = "letter-2", .sha256 = "aa", .reason = "conflict", .detail = "", .json = "{}"};
    again.symbol = again.action = "";
    assert_int_equal(stage->state->ops->bury(stage->state->self, &again, &stage->err), 0);
}

static void a_large_one_is_kept_as_its_beginning(void **state)
{
    struct stage *stage = *state;
    size_t len = 70000;
    char *json = calloc(1, len + 1);
    for (size_t i = 0; i < len; i += 2)
        memcpy(json + i, "é", 2);
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 1, "large", "aa", json), 0);
    json[len - 2] = '\0';
    memmove(json + 1, json, len - 1);
    json[0] = 'x'; /* now the cut falls into a character */
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 2, "odd", "aa", json), 0);
    json[65536] = '\0';
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 3, "fits", "aa", json), 0);
    stage_see(stage);
    assert_int_equal(stage->letters, 3);
    assert_non_null(strstr(stage->seen[0].json, "{\"bytes\":70000,\"begins\":\""));
    assert_non_null(strstr(stage->seen[1].json, "{\"bytes\":69999,\"begins\":\"x"));
    for (int i = 0; i < 2; i++) {
        const char *kept = stage->seen[i].json;
        assert_in_range(strlen(kept), 16384, 65536);
        assert_string_equal(kept + strlen(kept) - strlen("\\u00e9\"}"), "\\u00e9\"}");
    }
    assert_string_equal(stage->seen[2].json, json);
    free(json);
}

/* --- leaving ----------------------------------------------------------------------------------------------- */

static void remove_delivered(struct stage *stage, const char *signal_id, const char *sha256, int left)
{
    assert_int_equal(stage->state->ops->remove_delivered(stage->state->self, signal_id, sha256, &stage->err), 0);
    stage_see(stage);
    assert_int_equal(stage->letters, left);
}

static void delivered_after_all_it_leaves(void **state)
{
    struct stage *stage = *state;
    bury(stage, ORIGIN_LOG, 1, "one", "aa");
    bury(stage, ORIGIN_LOG, 2, "one", "bb");
    bury(stage, ORIGIN_LOG, 3, "two", "aa");
    bury(stage, ORIGIN_LOG, 4, "", "");
    remove_delivered(stage, "one", "cc", 4);
    remove_delivered(stage, "", "", 4);
    remove_delivered(stage, "one", "aa", 3);
    assert_string_equal(stage->seen[0].sha256, "bb");
    stage_save(stage, 1);
    stage_crash(stage);
    stage_see(stage);
    assert_int_equal(stage->letters, 3);
    assert_int_equal(stage->state->ops->remove(stage->state->self, stage->seen[1].id, &stage->err), 0);
    assert_int_equal(stage->state->ops->remove(stage->state->self, 4711, &stage->err), 0);
    stage_see(stage);
    assert_int_equal(stage->letters, 2);
}

/* A fresh owner knows of the letters of the one before. */
static void delivered_after_a_restart_it_leaves(void **state)
{
    struct stage *stage = *state;
    bury(stage, ORIGIN_LOG, 1, "one", "aa");
    stage_crash(stage);
    remove_delivered(stage, "one", "aa", 0);
}

/* --- for people -------------------------------------------------------------------------------------------- */

static void three_letters(struct stage *stage)
{
    bury(stage, ORIGIN_TABLE, 1, "one", "aa");
    bury(stage, ORIGIN_TABLE, 2, "two", "bb");
    bury(stage, ORIGIN_TABLE, 3, "three", "cc");
    stage_sql(stage, "UPDATE dead_letters SET reason = 'conflict' WHERE id = 3");
}

static void retry_by_id_by_reason_or_all(void **state)
{
    struct stage *stage = *state;
    three_letters(stage);
    stage_see_retries(stage);
    assert_int_equal(stage->letters, 0);
    assert_int_equal(state_letters_retry(stage->state, &(struct dead_selection){.id = 2}, &stage->err), 1);
    stage_see_retries(stage);
    assert_int_equal(stage->letters, 1);
    assert_int_equal(stage->seen[0].id, 2);
    assert_true(stage->seen[0].retry);
    assert_int_equal(state_letters_retry(stage->state, &(struct dead_selection){.id = 22}, &stage->err), 0);
    assert_int_equal(state_letters_retry(stage->state, &(struct dead_selection){.reason = "conflict"}, &stage->err),
                     1);
    stage_see_retries(stage);
    assert_int_equal(stage->letters, 2);
    assert_int_equal(state_letters_retry(stage->state, &(struct dead_selection){.reason = "none"}, &stage->err), 0);
    assert_int_equal(
        state_letters_retry(stage->state, &(struct dead_selection){.id = 1, .reason = "conflict"}, &stage->err), 0);
    assert_int_equal(state_letters_retry(stage->state, &all, &stage->err), 3);
    stage_see_retries(stage);
    assert_int_equal(stage->letters, 3);
}

static void dropped_ones_leave_a_trace(void **state)
{
    struct stage *stage = *state;
    three_letters(stage);
    assert_int_equal(state_letters_drop(stage->state, &(struct dead_selection){.id = 22}, &stage->err), 0);
    assert_int_equal(state_letters_drop(stage->state, &(struct dead_selection){.reason = "conflict"}, &stage->err),
                     1);
    assert_int_equal(state_letters_drop(stage->state, &(struct dead_selection){.id = 1}, &stage->err), 1);
    stage_crash(stage);
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
    assert_int_equal(stage->seen[0].id, 2);
    assert_int_equal(state_letters_drop(stage->state, &all, &stage->err), 1);
    assert_int_equal(state_letters_count(stage->state), 0);
    assert_int_equal(stage_number(stage, "SELECT count(*) FROM dropped WHERE dropped_us > 0"), 3);
    assert_int_equal(
        stage_number(stage, "SELECT count(*) FROM dropped WHERE signal_id = 'three' AND reason = 'conflict'"), 1);
}

/* Ids are never given twice: a dropped one's trace stays. */
static void ids_are_never_given_again(void **state)
{
    struct stage *stage = *state;
    three_letters(stage);
    assert_int_equal(state_letters_drop(stage->state, &all, &stage->err), 3);
    bury(stage, ORIGIN_TABLE, 9, "nine", "dd");
    stage_see(stage);
    assert_int_equal(stage->seen[0].id, 4);
}

/* The command beside the running sender, which notes something at the time. */
static void edited_beside_the_one_that_sends(void **state)
{
    struct stage *stage = *state;
    three_letters(stage);
    struct state *editor = stage_open(stage, STATE_EDIT);
    assert_non_null(editor);
    assert_int_equal(state_letters_count(editor), 3);
    assert_int_equal(state_letters_retry(editor, &(struct dead_selection){.id = 1}, &stage->err), 1);
    stage_see_retries(stage);
    assert_int_equal(stage->letters, 1);
    assert_int_equal(state_letters_drop(editor, &(struct dead_selection){.id = 1}, &stage->err), 1);
    stage_see_retries(stage);
    assert_int_equal(stage->letters, 0);
    state_sqlite_close(editor);
    bury(stage, ORIGIN_TABLE, 4, "four", "dd");
    stage_save(stage, 4);
}

static void a_reader_may_not_edit(void **state)
{
    struct stage *stage = *state;
    three_letters(stage);
    struct state *reader = stage_open(stage, STATE_READ);
    assert_non_null(reader);
    assert_int_equal(state_letters_count(reader), 3);
    assert_int_equal(state_letters_retry(reader, &all, &stage->err), -1);
    assert_int_equal(state_letters_drop(reader, &all, &stage->err), -1);
    assert_true(stage->err.message[0]);
    state_sqlite_close(reader);
    assert_int_equal(state_letters_count(stage->state), 3);
}

struct reasons {
    char text[200];
};

static void note_reason(void *self, const char *reason, int64_t count)
{
    struct reasons *reasons = self;
    size_t len = strlen(reasons->text);
    (void)snprintf(reasons->text + len, sizeof reasons->text - len, "%s %lld, ", reason, (long long)count);
}

static void letters_are_counted_by_reason(void **state)
{
    struct stage *stage = *state;
    struct reasons none = {0};
    struct reasons some = {0};
    assert_int_equal(state_letters_each_reason(stage->state, note_reason, &none, &stage->err), 0);
    assert_string_equal(none.text, "");
    bury(stage, ORIGIN_TABLE, 1, "a", "aa");
    bury(stage, ORIGIN_TABLE, 2, "b", "bb");
    bury(stage, ORIGIN_TABLE, 3, "c", "cc");
    stage_sql(stage, "UPDATE dead_letters SET reason = 'conflict' WHERE signal_id = 'b'");
    assert_int_equal(state_letters_each_reason(stage->state, note_reason, &some, &stage->err), 0);
    assert_string_equal(some.text, "conflict 1, hash_mismatch 2, ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_start, stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(a_letter_is_kept_whole),
        TEST(the_same_signal_and_hash_is_one_letter),
        TEST(what_names_no_signal_is_told_by_its_place),
        TEST(burying_it_again_by_its_id),
        TEST(so_many_and_no_more),
        TEST(one_that_is_there_already_needs_no_room),
        TEST(letters_that_were_delivered_make_room),
        TEST(two_without_an_id_at_the_same_position),
        TEST(when_full_a_letter_can_still_come_back),
        TEST(a_large_one_is_kept_as_its_beginning),
        TEST(delivered_after_all_it_leaves),
        TEST(delivered_after_a_restart_it_leaves),
        TEST(retry_by_id_by_reason_or_all),
        TEST(dropped_ones_leave_a_trace),
        TEST(ids_are_never_given_again),
        TEST(edited_beside_the_one_that_sends),
        TEST(a_reader_may_not_edit),
        TEST(letters_are_counted_by_reason),
    };
    return cmocka_run_group_tests_name("state_letters", tests, NULL, NULL);
}
