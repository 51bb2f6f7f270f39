"""The unit tests in several processes, of which each reads and runs a share of the rooms: `python tools/units.py 2 [pytest's arguments]`.

What the first says is seen at once, what the others say when they have ended. pytest-xdist would have each process read all of the tests,
or one more process hear of each test: a tenth of the whole work.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTHING_THERE = 5
"""pytest's exit status where no test was to be run: `-k name` may leave a share without any."""


def begin(share: str, arguments: list[str], said: int | None) -> subprocess.Popen[bytes]:
    """A share's process; it remembers for itself what failed."""
    cache = f"cache_dir=.pytest_cache/share-{share.replace('/', '-of-')}"
    command = [sys.executable, "-m", "pytest", "-q", "-o", cache, "--share", share, "tests/unit", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)


def main(count: int, arguments: list[str]) -> int:
    """Run the shares beside each other; the exit status is 0 where all that was run passed, and something was."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(count - 1)]
        said = [None, *(file.fileno() for file in files)]
        processes = [begin(f"{place}/{count}", arguments, out) for place, out in enumerate(said, 1)]
        try:
            statuses = [process.wait() for process in processes]
        except KeyboardInterrupt:  # each was interrupted too, and says so
            statuses = [process.wait() for process in processes]
        for file in files:
            file.seek(0)
            sys.stdout.buffer.write(file.read())
    return whole(statuses)


def whole(statuses: Sequence[int]) -> int:
    """The exit status of all shares.

    >>> whole([0, 5]), whole([5, 5]), whole([0, 1])
    (0, 5, 1)
    """
    return max((status for status in statuses if status != NOTHING_THERE), default=NOTHING_THERE, key=abs)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
