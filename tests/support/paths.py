"""Where things are in this repository, and the samples beside it."""

from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = REPO / "build"
SAMPLE = REPO / "tests" / "sample"
SHARED = REPO.parent / "shared"


def build_folder(name):
    """The folder of a build: a flavor such as `asan`, or a path."""
    return Path(name).resolve() if "/" in name else BUILD / name


def shared(*parts):
    """A file of the material that lies beside the repository, as a list: empty when it is not there. Made for
    parametrize, so that a test that needs it is left out rather than skipped; the report's header says so."""
    path = SHARED.joinpath(*parts)
    return [path] if path.exists() else []
