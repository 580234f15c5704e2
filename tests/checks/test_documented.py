"""README.md and docs/ say what the programs have, and nothing else."""

import documented
import pytest


@pytest.fixture(scope="module")
def programs(build):
    return [documented.from_help(build, name) for name in documented.PROGRAMS]


def test_everything_is_documented(programs):
    wrong = documented.undocumented(programs)
    assert not wrong, "\n".join(wrong)


def test_nothing_is_invented(programs):
    wrong = documented.invented(programs)
    assert not wrong, "\n".join(wrong)


def test_links_lead_somewhere():
    wrong = documented.broken_links()
    assert not wrong, "\n".join(wrong)
