"""What the system tests share."""

import itertools

import pytest

from support.argo import Maker

_seeds = itertools.count(1000)


@pytest.fixture
def maker():
    """Makes signals that no other test of this session makes."""
    return Maker(next(_seeds))


@pytest.fixture(scope="module")
def api(module_stage):
    """A receiver that the tests of a file share; each uses signals of its own."""
    return module_stage.receiver()
