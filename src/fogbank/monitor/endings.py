"""How analyses of Clarify's kind end: what was set aside is named, and the verdict lies where the platform looks for it."""

from __future__ import annotations

from pathlib import Path

from fogbank.contracts.monitoring import BAD_RECORDS, exit_message
from fogbank.monitor.baseline import encode
from fogbank.monitor.dataset import Aside
from fogbank.monitor.emitted import text


def set_aside(folder: Path, aside: Aside) -> None:
    """Name what could not be read."""
    if aside.count:
        records = [vars(bad) for bad in aside.named]
        (folder / BAD_RECORDS).write_bytes(encode({"count": aside.count, "records": records}))


def ended(base: Path, aside: Aside, failures: int) -> str:
    """Leave the verdict where the platform looks for it, and give it."""
    message = exit_message(failures, aside.count, str(aside.named[0]) if aside.named else "")
    text(base / "output" / "message", message)
    return message
