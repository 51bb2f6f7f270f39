"""`python -P run_module.py MODULE`: run a project's module; when it fails, its last line says where and why.

In: a module's name, in the project's folder; out: the module's own output, its traceback on stderr, and exit code 1 after a
line `file line N: source: Error: text` on stdout.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path


def main() -> None:
    """Run the module as `python -m` would."""
    name = sys.argv[1]
    sys.path.insert(0, str(Path.cwd()))
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except Exception as error:  # noqa: BLE001 - whatever the user's module raises is told, not interpreted
        traceback.print_exc()
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(Path.cwd()))
        ]
        where = (
            f"{Path(frames[-1].filename).relative_to(Path.cwd())} line {frames[-1].lineno}: {frames[-1].line}: "
            if frames
            else ""
        )
        sys.stdout.write(f"{where}{type(error).__name__}: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
