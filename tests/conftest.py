"""What every test can ask for: a build to test, a PostgreSQL, and a stage to set things up on."""

import os

import pytest

from support.paths import BUILD, SHARED, build_folder
from support.postgres import Postgres
from support.stage import Stage


def pytest_addoption(parser):
    parser.addoption("--builds", default=os.environ.get("ALPINE_BUILD", "release"),
                     help="builds to test, separated by commas: flavors under build/, or paths")


def pytest_report_header(config):
    there = "used too" if SHARED.is_dir() else "NOT THERE: the tests that need them are left out"
    return [f"builds: {config.getoption('--builds')}", f"samples beside the repository: {there}"]


def pytest_generate_tests(metafunc):
    """Run what needs a build once for each; with the thread sanitizer only what asks for it, and with the first build
    alone what says so."""
    if "build" not in metafunc.fixturenames:
        return
    names = metafunc.config.getoption("--builds").split(",")
    if len(names) > 1 and not metafunc.definition.get_closest_marker("under_tsan"):
        names = [name for name in names if name != "tsan"]
    if metafunc.definition.get_closest_marker("one_build"):
        names = names[:1]
    metafunc.parametrize("build", names, indirect=True, scope="session")


def _has_nothing_to_run_with(item):
    return any("empty parameter set" in mark.kwargs.get("reason", "") for mark in item.iter_markers("skip"))


def pytest_collection_modifyitems(config, items):
    """What needs the samples beside the repository is left out when they are not there; the header says so."""
    left_out = [item for item in items if _has_nothing_to_run_with(item)]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """In continuous integration a skipped test is a failed one."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"


@pytest.fixture(scope="session")
def build(request):
    """The folder of the build under test."""
    folder = build_folder(request.param)
    if not folder.is_dir():
        pytest.fail(f"{folder} is not built: ./run build {request.param}", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def postgres():
    """One cluster for the whole session."""
    cluster = Postgres(BUILD / f"test-postgres-{os.getpid()}")
    cluster.start()
    cluster.create_roles()
    yield cluster
    cluster.remove()


@pytest.fixture
def own_postgres():
    """A cluster for a test that stops it."""
    cluster = Postgres(BUILD / f"test-postgres-own-{os.getpid()}")
    cluster.start()
    cluster.create_roles()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def templates():
    """Migrated databases, by build and starting point."""
    return {}


@pytest.fixture
def stage(build, tmp_path, postgres, templates):
    """A stage of this test's own."""
    own = Stage(build, tmp_path, postgres, templates)
    yield own
    own.finish()


@pytest.fixture
def own_stage(build, tmp_path, own_postgres):
    """A stage with a cluster that may be stopped."""
    own = Stage(build, tmp_path, own_postgres, {})
    yield own
    own.finish()


@pytest.fixture(scope="module")
def module_stage(build, tmp_path_factory, postgres, templates):
    """A stage that the tests of a file share."""
    own = Stage(build, tmp_path_factory.mktemp("stage"), postgres, templates)
    yield own
    own.finish()
