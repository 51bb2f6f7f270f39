"""The way into the command line: an interrupt ends it in order, also while its modules are still being read."""

from __future__ import annotations

import sys

from fogbank.ground.collector import collect_seldom

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with a documented exit code."""
    collect_seldom()
    try:
        from fogbank.cli.app import main as run

        run(arguments)
    except KeyboardInterrupt:  # one that came before `run` could heed it
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
