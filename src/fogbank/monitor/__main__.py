"""`python -m fogbank.monitor`: the analyzer's entry point. Exit codes: 0 completed (with or without violations), 1 failed."""

from __future__ import annotations

import io
import os
import sys
import traceback
from pathlib import Path

from fogbank.contracts.container import ENV_PARENT_FD
from fogbank.ground.processes import end_with_parent
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.emitted import text
from fogbank.monitor.scripts import ScriptError
from fogbank.monitor.tasks import task
from fogbank.monitor.together import EndedError
from fogbank.monitor.told import told

LONGEST = 1024
"""What SageMaker keeps of a message."""


def main() -> int:
    """Analyze what the environment says; a failure's reason goes to /opt/ml/output/message."""
    if ENV_PARENT_FD in os.environ:
        end_with_parent(int(os.environ[ENV_PARENT_FD]))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of columns and files may be any text
    try:
        work = task(os.environ)
    except KeyError as error:
        return _failed(f"the environment variable {error} is missing")
    except ValueError as error:
        return _failed(str(error))
    try:
        said = work()
        if untold := told(os.environ):
            said = f"{said} {untold}"
            text(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "output" / "message", said[:LONGEST])
        sys.stdout.write(said + "\n")
    except (DatasetError, ScriptError, EndedError) as error:
        return _failed(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the job says it, and the log has the traceback
        traceback.print_exc()
        return _failed(repr(error))
    return 0


def _failed(reason: str) -> int:
    message = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "output" / "message"
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(reason[:LONGEST], encoding="utf-8", errors="backslashreplace")
    sys.stderr.write(reason + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
