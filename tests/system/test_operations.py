"""What docs/operations.md tells operators to do with the data of both ends, done."""

import re
import shutil
import subprocess

import pytest

from support.argo import pairs
from support.chain import check_chain
from support.paths import REPO
from support.postgres import OWNER


def dump(database, file):
    """A backup of Alpine's database, as pg_dump makes it."""
    program = database.postgres.programs / "pg_dump"
    subprocess.run([program, "-Fc", "-f", file, database.url("postgres")], check=True, capture_output=True)


def restore(database, file):
    """The backup in place of everything that the database has."""
    program = database.postgres.programs / "pg_restore"
    subprocess.run([program, "--clean", "--if-exists", "-d", database.url("postgres"), file], check=True,
                   capture_output=True)


@pytest.fixture
def pair(stage):
    """Both ends and Argo, with ten signals delivered."""
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    sender = stage.sender(receiver, argo)
    sender.sync()
    return receiver, argo, sender, made


def test_after_alpines_database_was_restored_sync_full_brings_back_what_the_backup_lacks(pair, tmp_path):
    receiver, argo, sender, made = pair
    dump(receiver.database, tmp_path / "backup")
    made += argo.write(7)
    sender.sync()
    receiver.stop()
    restore(receiver.database, tmp_path / "backup")
    assert receiver.database.count() == 10
    receiver.start_ready()
    made += argo.write(3)
    done = sender.command("sync", "--full")
    assert done.code == 0, done
    assert receiver.database.stored() == pairs(made)
    assert check_chain(receiver.database) == 20
    restored = receiver.database.query("SELECT count(*) FROM signals", role=OWNER)
    assert restored == [{"count": 20}], "the rights came back too"


def test_after_argos_database_was_restored_nothing_is_to_be_done(pair):
    receiver, argo, sender, made = pair
    backup = argo.back_up()
    made += argo.write(5)
    sender.sync()
    argo.replace(backup)
    made += argo.write(2)
    sender.sync()
    assert receiver.database.stored() == pairs(made)
    assert check_chain(receiver.database) == 17


def test_the_sender_moves_with_its_state(stage, pair):
    receiver, argo, sender, made = pair
    shutil.copytree(sender.state, stage.folder / "moved")
    moved = stage.sender(receiver, argo, "moved", ALPINE_STATE_DIR=stage.folder / "moved")
    assert moved.status()["delivered"] == 10 and moved.status()["pending"] == 0
    made += argo.write(4)
    moved.sync()
    assert moved.status()["delivered"] == 14, "what was delivered before is not sent again"
    assert receiver.database.stored() == pairs(made)


def test_the_sender_moves_without_its_state_too(stage, pair):
    receiver, argo, _, made = pair
    made += argo.write(4)
    fresh = stage.sender(receiver, argo, "fresh")
    fresh.sync()
    assert fresh.status()["delivered"] == 14, "everything was sent again"
    assert receiver.database.stored() == pairs(made) and check_chain(receiver.database) == 14


def test_the_audit_of_the_documentation_finds_nothing_in_a_sound_table(pair):
    receiver = pair[0]
    text = (REPO / "docs" / "operations.md").read_text()
    statements = [statement for block in re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
                  for statement in re.sub(r"--.*", "", block).split(";") if statement.strip()]
    assert len(statements) == 2
    for statement in statements:
        assert receiver.database.value(statement) == 0, statement
    with receiver.database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; UPDATE signals SET previous_hash = repeat('0', 64)"
                       " WHERE chain_index = 5")
    assert receiver.database.value(statements[1]) == 1, "a chain that was tampered with is found"
