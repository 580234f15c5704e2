"""The deliberate defects: what goes wrong, and which tests have to see it. NAME.patch makes the defect.

A new one is a patch, whose first lines say the same as the row here, and a row. The tests are the quickest that catch
it; where a promise to the outside is broken, one of them looks from outside.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A case of the unit tests in tests/unit/test_<module>.c."""

    module: str
    case: str

    def __str__(self):
        return f"test_{self.module}.c {self.case}"


@dataclass(frozen=True)
class System:
    """A test in tests/system; where it has parameters, with the ones that `only` names as pytest does."""

    file: str
    test: str
    only: str = ""

    def node(self, build):
        """What pytest calls it when it runs against this build."""
        return f"tests/system/{self.file}::{self.test}[{build}{'-' if self.only else ''}{self.only}]"

    def __str__(self):
        return f"{self.file} {self.test}"


@dataclass(frozen=True)
class Defect:
    """Each of `tests` has to fail in a build with this defect."""

    name: str
    wrong: str
    tests: tuple

    @property
    def units(self):
        return [test for test in self.tests if isinstance(test, Unit)]


def _table(*rows):
    return {name: Defect(name, wrong, tests) for name, wrong, *tests in rows}


DEFECTS = _table(
    # The receiver
    ("answer-before-commit", "the COMMIT is sent, but the answer does not wait for it",
     System("test_database_commit.py", "test_the_answer_waits_for_the_commit", "2")),
    ("commit-in-doubt-is-success", "a COMMIT whose answer is lost is answered 201",
     System("test_database_commit.py", "test_a_commit_in_doubt_is_503_and_the_resend_finds_the_row", "swallow-Careful")),
    ("commit-not-flushed", "where the database does not wait for the disk by default, a COMMIT does not either",
     System("test_database_commit.py", "test_a_commit_waits_for_the_disk_whatever_the_databases_default_is", "off-on")),
    ("answer-before-the-disk", "where turns are taken, nobody waits for the disk after the COMMIT that did not",
     System("test_durability.py", "test_what_is_answered_outlives_a_crash_where_turns_are_taken", "3")),
    ("duplicate-before-the-disk", "what was found is called a duplicate, whether it is on the disk or not",
     System("test_durability.py", "test_what_is_called_a_duplicate_outlives_a_crash", "nothing")),
    ("chain-lock-not-taken", "receivers do not take turns at the chain's tip",
     System("test_database_commit.py", "test_another_receiver_waits_for_its_turn_at_the_chain")),
    ("turn-not-given-back", "after a group that failed the turn is kept, and the others wait for it",
     System("test_turns.py", "test_the_turn_is_given_back_after_a_group_that_fails"),
     System("test_turns.py", "test_the_turn_is_given_back_when_it_comes_too_late")),
    ("batch-not-sorted", "a batch is searched for what comes twice as if it were sorted, but it is not",
     Unit("store_fresh", "the_first_with_a_hash_or_an_id")),
    ("bad-row-takes-the-batch-along", "a row that the table refuses takes the others of its transaction along",
     System("test_database_refusals.py", "test_duplicates_and_conflicts_are_told_beside_refused_rows")),
    ("body-deadline-only-idle", "a body that comes byte by byte may take for ever",
     System("test_http.py", "test_a_body_that_never_ends_meets_its_deadline_with_408")),
    ("header-deadline-only-idle", "a header that comes byte by byte may take for ever",
     System("test_http.py", "test_a_header_that_never_ends_meets_its_deadline")),
    ("key-by-prefix", "only the first characters of a key are compared",
     Unit("keyring", "a_long_key"),
     System("test_errors.py", "test_without_the_right_key_nothing_is_taken", "signal-test-key-4f1d2c3b5a69788796a5b4c3d2e1f00fx")),
    ("key-in-the-log", "a key that is not valid is logged",
     System("test_errors.py", "test_a_wrong_key_is_never_logged")),
    ("key-after-the-body", "the key is looked at only when the body was read",
     System("test_errors.py", "test_the_key_is_checked_before_the_body_is_read")),
    ("conflict-told-as-duplicate", "the same signal_id with another hash is answered as a duplicate",
     System("test_api.py", "test_the_same_id_with_another_hash_is_a_conflict_and_the_row_stays")),
    ("duplicate-told-as-conflict", "a signal that is stored already is answered as a conflict",
     System("test_api.py", "test_the_same_signal_again_is_409_with_the_stored_rows_id")),
    ("half-a-hash", "only 32 of a hash's 64 digits are compared",
     Unit("verify", "any_other_hash_fails")),
    ("always-ready", "the receiver is ready whatever its database does",
     System("test_receiver_commands.py", "test_healthcheck_is_1_when_nothing_can_be_stored")),
    ("ready-while-draining", "the receiver stays ready after it was told to stop",
     Unit("api", "draining")),
    ("ready-before-it-is", "the receiver tells systemd that it is ready before it has tried its database",
     System("test_systemd.py", "test_a_receiver_is_ready_after_it_has_tried_its_database_and_says_how_that_went")),
    ("watchdog-by-time-alone", "the receiver feeds the watchdog whatever its threads do",
     System("test_systemd.py", "test_the_watchdog_starves_when_one_thread_of_the_receiver_hangs", "committer"),
     System("test_systemd.py", "test_the_watchdog_starves_when_one_thread_of_the_receiver_hangs", "http")),
    ("queue-without-a-limit", "the queue in front of the database takes whatever comes",
     Unit("committer", "a_full_queue_refuses")),
    ("waits-with-others", "an HTTP thread waits for the database though it has other clients to serve",
     System("test_unavailable.py", "test_a_thread_that_waits_for_the_database_keeps_no_other_client_waiting", "True-2")),
    ("duplicate-counted-as-stored", "the metrics count a duplicate as stored",
     Unit("receiver_metrics", "single_signals"),
     System("test_metrics.py", "test_known_traffic_is_counted_exactly")),
    ("count-lost-between-threads", "two threads that count at the same time count one",
     Unit("metrics", "no_thread_loses_a_count")),
    # The sender
    ("ready-whatever-waits", "the sender is ready however old what it could not send is",
     Unit("health", "what_waits_for_too_long_is_unready"),
     System("test_sender_pages.py", "test_unready_while_what_waits_is_too_old")),
    ("position-before-answer", "the position moves when a signal is sent, not when it is answered",
     Unit("delivery", "the_position_waits_for_the_first"),
     System("test_wrong_answers.py", "test_the_position_waits_for_the_one_that_has_no_answer", "empty")),
    ("any-200-is-an-answer", "a success is believed without a look at its body",
     Unit("answer", "what_is_no_answer_moves_nothing"),
     System("test_outages.py", "test_an_answer_that_is_none_is_tried_again_and_costs_nothing", "single-200 without a body")),
    ("redirect-followed", "the sender follows a redirect and believes whoever answers there",
     System("test_wrong_answers.py", "test_a_wrong_answer_moves_nothing", "single: 307 to elsewhere")),
    ("request-longer-than-its-limit", "an answer that never comes is waited for longer than the limit that was set",
     System("test_failure_policy.py", "test_a_request_without_an_answer_ends_at_its_limit")),
    ("results-by-count", "a batch's results are counted, but not compared with its signals",
     Unit("answer_batch", "a_result_for_another_signal_is_none")),
    ("wrong-key-is-dead", "a 401 makes dead letters instead of holding everything",
     Unit("policy", "what_a_person_must_mend_is_held"),
     Unit("delivery_failures", "a_wrong_key_holds_everything")),
    ("server-error-is-dead", "a 5xx makes dead letters instead of being tried again",
     Unit("policy", "what_passes_by_itself_is_tried_again"),
     Unit("delivery_failures", "every_passing_failure_is_tried_again")),
    ("letter-lost", "a dead letter that cannot be kept is forgotten, and passed",
     Unit("delivery_state", "a_letter_that_cannot_be_kept")),
    ("letter-not-flushed", "a dead letter is not flushed before the position passes it",
     System("test_dead_letters.py", "test_a_dead_letter_is_flushed_to_the_disk")),
    ("row-read-twice", "reading goes on at the position, not after it",
     System("test_delivery.py", "test_each_sync_goes_on_with_the_very_next_row")),
    ("row-skipped", "reading goes on one row too far after the position",
     System("test_delivery.py", "test_each_sync_goes_on_with_the_very_next_row")),
    ("read-transaction-left-open", "the read transaction stays open, and Argo's WAL grows",
     System("test_delivery.py", "test_argo_is_never_written_to_nor_slowed_down")),
    ("version-of-another-connection", "new rows are taken for nothing new, by the count of a connection that is closed",
     Unit("source_sqlite", "a_version_belongs_to_its_connection")),
    ("retry-with-another-text", "what is sent again is not what was hashed",
     System("test_failure_policy.py", "test_what_is_sent_again_is_the_same_byte_for_byte", "single")),
    ("retry-after-ignored", "the sender comes back before the time that it was asked for",
     Unit("delivery_failures", "retry_after_is_a_floor"),
     System("test_outages.py", "test_retry_after_is_a_floor")),
    ("sent-by-log-and-table", "what went by the log is sent again by the table",
     Unit("delivery_log", "the_line_goes_and_the_row_is_skipped"),
     System("test_log_source.py", "test_sync_after_sync_sends_nothing_twice")),
    ("forgotten-too-early", "what went by the log is forgotten before the position is beyond its row",
     Unit("state_sqlite", "what_the_table_has_shown")),
    ("rest-of-the-rotated-log", "the rest of a renamed log is not read",
     Unit("source_log", "changes_are_seen")),
    ("size-after-the-reading", "a line that is written while the end of the log is reached is nothing new",
     Unit("source_log", "a_line_that_comes_when_the_end_was_reached")),
    ("half-a-line", "a half-written line is taken for a whole one",
     Unit("source_log", "a_last_line_that_is_half_written")),
    ("sweep-compares-nothing", "the sweep finds every block as it was",
     Unit("delivery_sweep", "a_row_that_appears_behind_the_position")),
    ("mark-not-checked", "a replaced database is not noticed",
     Unit("source_sqlite", "an_older_backup_in_its_place")),
    ("retried-letter-stays", "a dead letter that was delivered after all stays in the list",
     Unit("state_letters", "delivered_after_all_it_leaves")),
    ("stop-drops-what-is-in-flight", "SIGTERM does not wait for the answers that are under way",
     System("test_stopping.py", "test_what_is_in_flight_is_finished_and_kept", "SIGTERM")),
    ("refused-batch-not-halved", "a batch that is refused as a whole is sent again as it is",
     Unit("delivery_failures", "too_large_is_halved")),
    ("trust-beside-the-ca-file", "with a CA file the system's certificates are trusted too",
     System("test_reload.py", "test_the_systems_certificates_are_trusted_only_without_a_ca_file")),
    # What both are made of
    ("reload-half-applied", "a reload applies what is good although another setting is wrong",
     Unit("reload", "a_bad_value_anywhere_changes_nothing"),
     System("test_reload.py", "test_a_reload_with_one_bad_value_changes_nothing", "key")),
    ("next-key-not-valid", "the next key is not valid, so that a rotation costs signals",
     System("test_reload.py", "test_a_key_is_rotated_under_load_and_no_signal_is_refused")),
    ("floats-with-17-digits", "floats have 17 digits instead of the shortest that read back",
     Unit("number", "as_cpython_writes_them")),
    ("floats-by-15-16-17", "15, 16 and 17 digits in turn, wrong near powers of two",
     Unit("number", "powers_of_two_have_a_wider_gap_above")),
    ("whole-numbers-not-found", "what SQLite made 267.0 of is not tried as 267",
     Unit("verify", "every_mixture_of_kinds_is_found"),
     System("test_delivery.py", "test_whole_numbers_that_the_table_made_floats_of_verify_again")),
    ("offset-ignored", "a timestamp's offset is ignored",
     Unit("timestamp", "offsets")),
    ("duplicate-json-keys", "of a key that is there twice the last one counts",
     Unit("json_doc", "refused")),
    ("log-not-escaped", "what came from outside can break a line of the log",
     System("test_receiver_commands.py", "test_a_text_log_has_one_line_an_event_whatever_came_in")),
    ("suppressed-in-silence", "what the log suppressed last is forgotten at the end",
     Unit("log_limit", "the_end_tells_without_waiting"),
     System("test_logs.py", "test_5000_bad_signals_are_a_few_lines_and_each_is_counted")),
    ("non-ascii-not-escaped", "text is hashed as UTF-8 instead of as CPython escapes it",
     Unit("canonical", "texts")),
)
