/* state_sqlite: the file itself: missing, damaged, from an older or a newer version, or another sender's. */
#include "state_stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* state.db as version 1 wrote it, which did not number its schema. */
static const char version_1[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,"
    " signal_id TEXT NOT NULL, delivered INTEGER NOT NULL, last_success_us INTEGER NOT NULL);"
    "CREATE TABLE dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL,"
    " signal_id TEXT NOT NULL, symbol TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL,"
    " detail TEXT NOT NULL, json TEXT NOT NULL, created_us INTEGER NOT NULL, retry INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX dead_letters_once ON dead_letters (position, signal_id);"
    "CREATE TABLE dropped (id INTEGER PRIMARY KEY, signal_id TEXT NOT NULL, reason TEXT NOT NULL,"
    " dropped_us INTEGER NOT NULL);";

static void close_own(struct stage *stage)
{
    state_sqlite_close(stage->state);
    stage->state = NULL;
}

static void make_version_1(struct stage *stage, const char *rows)
{
    close_own(stage);
    (void)unlink(folder_path(&stage->folder, "state.db"));
    stage_sql(stage, version_1);
    stage_sql(stage, rows);
}

static void reopen(struct stage *stage)
{
    stage->state = stage_open(stage, STATE_OWN);
    if (!stage->state)
        fail_msg("not opened: %s", stage->err.message);
}

/* --- versions ---------------------------------------------------------------------------------------------- */

static void an_older_version_keeps_its_place_and_letters(void **state)
{
    struct stage *stage = *state;
    struct state_progress progress;
    make_version_1(
        stage,
        "INSERT INTO progress VALUES (1, 41, 'signal-41', 40, 1795000000000000);"
        "INSERT INTO dead_letters VALUES (3, 7, 'seven', 'AAPL', 'BUY', 'hash_mismatch', 'why',"
        " '{\"signal_id\":\"seven\",\"sha256\":\"ABCD\"}', 5, 1);"
        "INSERT INTO dead_letters VALUES (4, 8, '', '', '', 'malformed', 'why', '{\"unreadable\":\"x\"}', 6, 0);"
        "INSERT INTO dead_letters VALUES (5, 9, '', '', '', 'malformed', 'why', 'no JSON {', 7, 0);"
        "INSERT INTO dropped VALUES (2, 'six', 'conflict', 99);");
    reopen(stage);
    assert_int_equal(stage->state->ops->load(stage->state->self, &progress, &stage->err), 0);
    assert_int_equal(progress.places[ORIGIN_TABLE].position, 41);
    assert_string_equal(progress.places[ORIGIN_TABLE].mark, "signal-41");
    assert_true(place_is_start(&progress.places[ORIGIN_LOG]));
    assert_int_equal(progress.delivered, 40);
    assert_int_equal(progress.last_success_us, 1795000000000000);
    stage_see(stage);
    assert_int_equal(stage->letters, 3);
    assert_int_equal(stage->seen[0].id, 3);
    assert_string_equal(stage->seen[0].signal_id, "seven");
    assert_string_equal(stage->seen[0].sha256, "abcd");
    assert_int_equal(stage->seen[0].origin, ORIGIN_TABLE);
    assert_true(stage->seen[0].retry);
    assert_string_equal(stage->seen[2].json, "no JSON {");
    assert_int_equal(stage_number(stage, "SELECT count(*) FROM dropped"), 1);
    /* It is as good as a new one, and is not brought up to date again. */
    assert_int_equal(stage_bury(stage, ORIGIN_LOG, 1, "seven", "abcd", "{}"), 0);
    assert_int_equal(stage->state->ops->note_sent(stage->state->self, "one", "1", &stage->err), 0);
    stage_save(stage, 42);
    stage_crash(stage);
    stage_see(stage);
    assert_int_equal(stage->letters, 3);
    assert_int_equal(stage_saved(stage), 42);
    assert_int_equal(stage->damages, 0);
}

/* Version 1 kept one for each position; of the same signal and hash the newest stays. */
static void letters_that_are_one_now(void **state)
{
    struct stage *stage = *state;
    make_version_1(stage,
                   "INSERT INTO dead_letters VALUES (1, 7, 'same', '', '', 'old', '', '{\"sha256\":\"aa\"}', 5, 0),"
                   " (2, 8, 'same', '', '', 'new', '', '{\"sha256\":\"AA\"}', 5, 0),"
                   " (3, 9, 'same', '', '', 'other', '', '{\"sha256\":\"bb\"}', 5, 0),"
                   " (4, 10, 'same', '', '', 'none', '', '{\"sha256\":null}', 5, 0),"
                   " (5, 11, 'same', '', '', 'number', '', '{\"sha256\":12}', 5, 0),"
                   " (6, 12, 'same', '', '', 'list', '', '[1]', 5, 0)");
    reopen(stage);
    stage_see(stage);
    assert_string_equal(stage->seen[0].reason, "new");
    assert_string_equal(stage->seen[1].reason, "other");
    assert_int_equal(stage->letters, 4);
}

static void an_empty_older_one(void **state)
{
    struct stage *stage = *state;
    make_version_1(stage, "");
    reopen(stage);
    assert_int_equal(stage_saved(stage), 0);
    stage_save(stage, 3);
    assert_int_equal(stage_saved(stage), 3);
}

/* A step that fails half-way changes nothing: what was there is moved aside as it was. */
static void bringing_up_to_date_is_all_or_nothing(void **state)
{
    struct stage *stage = *state;
    make_version_1(stage, "INSERT INTO progress VALUES (1, 41, 'signal-41', 40, 5);"
                          "CREATE TABLE tallies (in_the_way INTEGER)");
    reopen(stage);
    assert_int_equal(stage->damages, 1);
    assert_int_equal(stage_saved(stage), 0);
    close_own(stage);
    assert_int_equal(rename(stage->moved_to, folder_path(&stage->folder, "state.db")), 0);
    assert_int_equal(stage_number(stage, "SELECT count(*) FROM progress WHERE signal_id = 'signal-41'"), 1);
    assert_int_equal(stage_number(stage, "PRAGMA user_version"), 0);
    stage_sql(stage, "DROP TABLE tallies");
    reopen(stage);
    assert_int_equal(stage_saved(stage), 41);
}

/* Who only looks sees it as it would be; the file stays as it is. */
static void only_its_owner_brings_it_up_to_date(void **state)
{
    struct stage *stage = *state;
    struct state_progress progress;
    make_version_1(stage, "INSERT INTO progress VALUES (1, 41, 'signal-41', 40, 5)");
    struct state *reader = stage_open(stage, STATE_READ);
    assert_non_null(reader);
    assert_int_equal(reader->ops->load(reader->self, &progress, &stage->err), 0);
    assert_int_equal(progress.places[ORIGIN_TABLE].position, 41);
    assert_string_equal(progress.places[ORIGIN_TABLE].mark, "signal-41");
    state_sqlite_close(reader);
    assert_null(stage_open(stage, STATE_EDIT));
    assert_non_null(strstr(stage->err.message, "older version"));
    assert_non_null(strstr(stage->err.message, "run or sync"));
    assert_int_equal(stage_number(stage, "SELECT count(*) FROM progress WHERE signal_id = 'signal-41'"), 1);
}

static void a_newer_version_is_refused(void **state)
{
    struct stage *stage = *state;
    static const enum state_access accesses[] = {STATE_OWN, STATE_READ, STATE_EDIT};
    stage_save(stage, 7);
    close_own(stage);
    int64_t version = stage_number(stage, "PRAGMA user_version");
    stage_sql(stage, "PRAGMA user_version = 99");
    for (size_t i = 0; i < COUNT(accesses); i++) {
        assert_null(stage_open(stage, accesses[i]));
        assert_non_null(strstr(stage->err.message, "99"));
        assert_non_null(strstr(stage->err.message, "upgrade"));
    }
    assert_int_equal(stage->damages, 0); /* it is not moved aside: it is somebody's */
    assert_int_equal(version, 3);
    stage_sql(stage, "PRAGMA user_version = 3");
    reopen(stage);
    assert_int_equal(stage_saved(stage), 7);
}

/* --- damage ------------------------------------------------------------------------------------------------ */

/* Writes over a part of state.db. */
static void spoil(struct stage *stage, int64_t offset, size_t len)
{
    char noise[4096];
    memset(noise, 0xA5, sizeof noise);
    int fd = open(folder_path(&stage->folder, "state.db"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t done = 0; done < len; done += sizeof noise)
        assert_true(pwrite(fd, noise, sizeof noise, offset + (int64_t)done) == (ssize_t)sizeof noise);
    assert_int_equal(close(fd), 0);
}

static void check_moved_aside(struct stage *stage)
{
    struct stat file;
    assert_int_equal(stage->damages, 1);
    assert_non_null(strstr(stage->moved_to, "state.db.damaged-"));
    assert_int_equal(stat(stage->moved_to, &file), 0);
    assert_int_equal(stage_saved(stage), 0);
    stage_save(stage, 3);
    stage_crash(stage);
    assert_int_equal(stage_saved(stage), 3);
    assert_int_equal(stage->damages, 1);
}

static void no_database_at_all(void **state)
{
    struct stage *stage = *state;
    close_own(stage);
    folder_write(&stage->folder, "state.db",
                 "this is no database, and never was one; it is longer than a header is,"
                 " so that nobody takes it for an empty one by its size alone");
    reopen(stage);
    check_moved_aside(stage);
}

static void a_page_that_is_damaged(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < LETTERS_MAX; i++) {
        char id[] = "letter-0";
        char json[20001] = "";
        memset(json, 'x', sizeof json - 1);
        id[7] = (char)('0' + i);
        assert_int_equal(stage_bury(stage, ORIGIN_TABLE, i + 1, id, "aa", json), 0);
    }
    stage_save(stage, 7);
    close_own(stage);
    spoil(stage, 4096, 4096);
    reopen(stage);
    check_moved_aside(stage);
}

static void a_header_that_is_damaged(void **state)
{
    struct stage *stage = *state;
    stage_save(stage, 7);
    close_own(stage);
    spoil(stage, 0, 4096);
    reopen(stage);
    check_moved_aside(stage);
}

/* An empty file is a database without tables. */
static void an_empty_file(void **state)
{
    struct stage *stage = *state;
    close_own(stage);
    folder_write(&stage->folder, "state.db", "");
    reopen(stage);
    assert_int_equal(stage->damages, 0);
    assert_int_equal(stage_saved(stage), 0);
    stage_save(stage, 1);
}

/* What only looks moves nothing. */
static void others_leave_a_damaged_one(void **state)
{
    struct stage *stage = *state;
    static const enum state_access others[] = {STATE_READ, STATE_EDIT};
    close_own(stage);
    folder_write(&stage->folder, "state.db", "this is no database, and never was one");
    for (size_t i = 0; i < COUNT(others); i++)
        assert_null(stage_open(stage, others[i]));
    assert_int_equal(stage->damages, 0);
    struct stat file;
    assert_int_equal(stat(folder_path(&stage->folder, "state.db"), &file), 0);
    assert_int_equal(file.st_size, 38);
}

/* Two in a row, faster than the clock's seconds: the first one moved aside is not written over. */
static void damaged_twice(void **state)
{
    struct stage *stage = *state;
    char first[PATH_MAX];
    struct stat file;
    struct stat again;
    close_own(stage);
    folder_write(&stage->folder, "state.db", "the first of two files that are no databases");
    reopen(stage);
    memcpy(first, stage->moved_to, sizeof first);
    assert_int_equal(stat(first, &file), 0);
    close_own(stage);
    (void)unlink(folder_path(&stage->folder, "state.db-wal"));
    folder_write(&stage->folder, "state.db", "the second of two files that are no databases");
    reopen(stage);
    assert_int_equal(stage->damages, 2);
    assert_int_equal(stat(first, &again), 0);
    assert_int_equal(again.st_ino, file.st_ino);
}

/* --- access ------------------------------------------------------------------------------------------------ */

static void what_only_looks_creates_nothing(void **state)
{
    struct stage *stage = *state;
    static const enum state_access others[] = {STATE_READ, STATE_EDIT};
    close_own(stage);
    (void)unlink(folder_path(&stage->folder, "state.db"));
    assert_false(state_sqlite_exists(stage->folder.path));
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_null(stage_open(stage, others[i]));
        assert_non_null(strstr(stage->err.message, "state.db"));
    }
    assert_false(state_sqlite_exists(stage->folder.path));
    reopen(stage);
    assert_true(state_sqlite_exists(stage->folder.path));
}

static bool is_refused(struct stage *stage)
{
    return !stage_open(stage, STATE_OWN) && strstr(stage->err.message, "another alpine-sender");
}

static bool can_look(struct stage *stage)
{
    struct state *reader = stage_open(stage, STATE_READ);
    state_sqlite_close(reader);
    return reader != NULL;
}

static void check_in_a_child(struct stage *stage, bool (*run)(struct stage *stage))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        _exit(run(stage) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void one_owner_at_a_time(void **state)
{
    struct stage *stage = *state;
    stage_save(stage, 7);
    check_in_a_child(stage, is_refused);
    check_in_a_child(stage, can_look);
    assert_int_equal(stage_saved(stage), 7);
}

static void its_directory_is_made(void **state)
{
    struct stage *stage = *state;
    struct stat file;
    struct err err = {0};
    char path[PATH_MAX];
    (void)strcpy(path, folder_path(&stage->folder, "deep/er"));
    struct state_options options = {.directory = path, .access = STATE_OWN, .letters_max = 1};
    struct state *made = state_sqlite_open(&options, &err);
    assert_non_null(made);
    state_sqlite_close(made);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0700);
    folder_write(&stage->folder, "file", "");
    (void)strcpy(path, folder_path(&stage->folder, "file/state"));
    assert_null(state_sqlite_open(&options, &err));
    assert_true(err.message[0]);
}

/* The disk is full for a while: what failed can be done again, and the place stays before what was not kept. */
static void it_cannot_be_written_for_a_while(void **state)
{
    struct stage *stage = *state;
    stage_save(stage, 7);
    stage_sql(stage, "CREATE TRIGGER full BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(ABORT, 'full'); END;"
                     "CREATE TRIGGER full_too BEFORE INSERT ON sent BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 8, "dead", "aa", "{}"), -1);
    assert_non_null(strstr(stage->err.message, "full"));
    assert_int_equal(stage->state->ops->note_sent(stage->state->self, "one", "1", &stage->err), -1);
    stage_save(stage, 8);
    stage_sql(stage, "DROP TRIGGER full; DROP TRIGGER full_too");
    assert_int_equal(stage_bury(stage, ORIGIN_TABLE, 9, "dead", "aa", "{}"), 0);
    stage_crash(stage);
    assert_int_equal(stage_saved(stage), 8);
    stage_see(stage);
    assert_int_equal(stage->letters, 1);
}

/* What was noted since the last save goes as a whole, never in part: a place without its notes, or the reverse. */
static void what_fails_takes_along_what_was_noted(void **state)
{
    struct stage *stage = *state;
    const struct state_ops *ops = stage->state->ops;
    char found[DIGEST_HEX_LEN + 1];
    assert_int_equal(ops->note_sent(stage->state->self, "saved", "1", &stage->err), 0);
    stage_save(stage, 7);
    stage_sql(stage, "CREATE TRIGGER full BEFORE INSERT ON tallies BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_int_equal(ops->note_sent(stage->state->self, "noted", "2", &stage->err), 0);
    assert_int_equal(ops->add_tally(stage->state->self, 0, &(struct state_tally){1, 1}, &stage->err), -1);
    assert_int_equal(ops->find_sent(stage->state->self, "noted", found, &stage->err), 0);
    assert_int_equal(ops->find_sent(stage->state->self, "saved", found, &stage->err), 1);
    assert_int_equal(ops->note_sent(stage->state->self, "later", "3", &stage->err), 0);
    stage_save(stage, 8);
    stage_crash(stage);
    assert_int_equal(stage->state->ops->find_sent(stage->state->self, "later", found, &stage->err), 1);
    assert_int_equal(stage_saved(stage), 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_start, stage_finish)
    const struct CMUnitTest tests[] = {
        TEST(an_older_version_keeps_its_place_and_letters),
        TEST(letters_that_are_one_now),
        TEST(an_empty_older_one),
        TEST(bringing_up_to_date_is_all_or_nothing),
        TEST(only_its_owner_brings_it_up_to_date),
        TEST(a_newer_version_is_refused),
        TEST(no_database_at_all),
        TEST(a_page_that_is_damaged),
        TEST(a_header_that_is_damaged),
        TEST(an_empty_file),
        TEST(others_leave_a_damaged_one),
        TEST(damaged_twice),
        TEST(what_only_looks_creates_nothing),
        TEST(one_owner_at_a_time),
        TEST(its_directory_is_made),
        TEST(it_cannot_be_written_for_a_while),
        TEST(what_fails_takes_along_what_was_noted),
    };
    return cmocka_run_group_tests_name("state_files", tests, NULL, NULL);
}
