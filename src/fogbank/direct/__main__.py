"""`python -m fogbank.direct ENGINE`: a job over a file, in the model's own environment. In: the job as JSON on stdin; out: the output.

An error that is the user's to mend goes to stdout as JSON, with exit status 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from fogbank.contracts.errors import FogbankError
from fogbank.direct.files import Work, score
from fogbank.direct.scorer import Packed

Engine = Callable[[Work, Path], None]
ENGINES: Mapping[str, str] = {"spark": "fogbank.spark", "ray": "fogbank.ray"}
"""Engines that are rooms above this one: each has a `score`."""


def main() -> int:
    """Run it; returns the exit status."""
    told = json.load(sys.stdin)
    work = Work(package=Packed(**told["package"]), request=told["request"], file=told["file"])
    engine: Engine = score if sys.argv[1] == "local" else import_module(ENGINES[sys.argv[1]]).score
    try:
        engine(work, Path(told["target"]))
    except FogbankError as error:
        json.dump({"code": error.code, "cause": error.cause, "hint": error.hint}, sys.stdout)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
