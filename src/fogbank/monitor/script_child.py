"""The process of a monitor's own script: it loads the script, and calls its handler for each record, or once at the end.

It is run by its path, in a Python of its own that knows nothing of this package. In: the script, `preprocess` or `postprocess`, and a
descriptor for answers; records as JSON lines on standard input; out: a JSON line for each: `rows`, or an `error`. What the script prints
is the job's log. Source: AWS Developer Guide, "Preprocessing and Postprocessing", whose records have these attributes.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import logging
import os
import resource
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

MEMORY = 4 << 30
"""Bytes that a script may have."""


def main() -> int:
    """Exit status 0 when the last record is done, 1 where the script cannot be loaded."""
    script, work, descriptor = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers = os.fdopen(int(descriptor), "w", encoding="utf-8", errors="backslashreplace")

    def answer(**said: Any) -> None:
        answers.write(json.dumps(said, default=str) + "\n")
        answers.flush()

    try:
        handler = _handler(script, f"{work}_handler")
    except BaseException as error:  # noqa: BLE001 - whatever a script does on import, the job says it
        answer(error=f"it cannot be loaded: {error!r}")
        return 1
    answer(rows=[])
    if work == "postprocess":
        _called(answer, handler)
        return 0
    for line in sys.stdin:
        _called(answer, handler, record_of(json.loads(line)))
    return 0


def _called(answer: Callable[..., None], handler: Callable[..., Any], *arguments: Any) -> None:
    try:
        found = handler(*arguments)
        rows = [] if not found else [found] if isinstance(found, dict) else list(found)
        answer(rows=[{str(name): row[name] for name in row} for row in rows] if arguments else [])
    except Exception as error:  # noqa: BLE001 - a record that a script cannot read is told, and the next one comes
        answer(error=repr(error))


def _handler(script: str, name: str) -> Callable[..., Any]:
    sys.path.insert(0, os.path.dirname(script))  # noqa: PTH120 - nothing but the standard library, and little of it
    spec = importlib.util.spec_from_file_location("monitor_script", script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{os.path.basename(script)} is no Python file")  # noqa: PTH119 - likewise
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler = getattr(module, name)
    if name.startswith("pre") and len(inspect.signature(handler).parameters) > 1:
        logging.basicConfig(level=logging.INFO, stream=sys.stdout)
        return lambda record: handler(record, logging.getLogger("preprocessor"))
    return handler  # type: ignore[no-any-return]  # whatever the script calls so


def record_of(document: dict[str, Any]) -> SimpleNamespace:
    """A captured record as scripts know it."""
    data, meta = document["captureData"], document["eventMetadata"]
    return SimpleNamespace(
        endpoint_input=_side(data.get("endpointInput")),
        endpoint_output=_side(data.get("endpointOutput")),
        batch_transform_output=_side(data.get("batchTransformOutput")),
        ground_truth=_side(document.get("groundTruthData")),
        event_metadata=SimpleNamespace(
            event_id=meta.get("eventId"),
            event_time=meta.get("inferenceTime"),
            inference_id=meta.get("inferenceId"),
            custom_attribute=meta.get("customAttributes"),
        ),
        event_version=document.get("eventVersion"),
        event_dict=document,
        as_dict=lambda: document,
    )


def _side(side: dict[str, Any] | None) -> SimpleNamespace | None:
    if side is None:
        return None
    names = ("data", "encoding", "observedContentType", "mode")
    return SimpleNamespace(**{name: side.get(name) for name in names}, as_dict=lambda: side)


if __name__ == "__main__":
    sys.exit(main())
