#!/usr/bin/env python3
"""Makes the sample of Argo's files that lies beside this program: a plain table with the log of the same run, and a
wide table. The same content every time.

usage: make_sample.py [FOLDER]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.argo import Argo  # noqa: E402  pylint: disable=wrong-import-position

PLAIN_SIGNALS, WIDE_SIGNALS = 200, 50


def make_plain(folder):
    """200 signals in Argo's usual transactions; now and then a neutral one, which only the log gets."""
    argo = Argo(folder, seed=2026)
    for number in range(PLAIN_SIGNALS):
        if number % 33 == 5:
            argo.emit([argo.maker.neutral()])
        argo.write(1)
    _finish(argo)


def make_wide(folder):
    """50 signals in a table with all the columns, between rows that were deleted since."""
    argo = Argo(folder, seed=396, wide=True, name="signals_unified")
    argo.write(2 * WIDE_SIGNALS)
    argo.connection.execute("DELETE FROM signals WHERE id % 2 = 1")
    argo.log.unlink()
    _finish(argo)


def _finish(argo):
    """Take out what depends on the day on which this runs, and leave one file."""
    argo.connection.execute("UPDATE signals SET created_at = timestamp")
    argo.connection.execute("VACUUM")
    argo.close()


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("signals.db", "signals.log", "signals_unified.db"):
        (folder / old).unlink(missing_ok=True)
    make_plain(folder)
    make_wide(folder)


if __name__ == "__main__":
    main()
