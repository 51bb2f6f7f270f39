"""A drawn model packed and served: by its handler in this process, or by a server; asked with real bodies; and what is right."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from fogbank.contracts.container import ServeSettings
from fogbank.contracts.manifest import Column, Schema
from fogbank.pack.compile import Compiled
from fogbank.pack.proof import Wish, prove
from fogbank.scoring.refusal import FAULTS
from fogbank.serve.handler import Call, load_handler
from fogbank.serve.service import failure
from tests.contracts.answers.drawn import Drawn, Rows
from tests.contracts.answers.drawn_frames import DrawnFrame
from tests.contracts.container.served import Subprocess
from tests.packages import signed

TOLERANCE = 1e-6


Ask = Callable[[bytes, str], tuple[int, Any]]
"""A body and its content type to a status and what the answer says."""


def packed(drawn: Drawn, folder: Path) -> tuple[Compiled, ServeSettings]:
    """The outcome of its proof, and the settings of a server of the package that comes of it."""
    wish = Wish(tolerance=TOLERANCE, nullable=drawn.nullable, method=drawn.method)
    outcome = prove(drawn.model, drawn.rows, wish)
    file = io.BytesIO()
    joblib.dump(drawn.model, file)
    model = ("model.joblib", file.getvalue()) if outcome.onnx is None else ("model.onnx", outcome.onnx)
    names = [f"c{place}" for place in range(drawn.rows.shape[1])]
    schema = Schema(
        columns=tuple(Column(name=name, nullable=flag) for name, flag in zip(names, drawn.nullable, strict=True))
    )
    settings = signed(
        folder,
        model=model,
        schema=schema,
        kind="joblib" if outcome.onnx is None else "onnx",
        method=drawn.method,
        compilation=outcome.compilation,
    )
    return outcome, settings


def in_process(settings: ServeSettings) -> Ask:
    """The package's handler, without a server."""
    handler = load_handler(settings)

    def ask(body: bytes, kind: str) -> tuple[int, Any]:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                reply = handler(Call(body, kind, "application/json"))
            except Exception as error:  # noqa: BLE001 - as the service does
                reply = failure(error)
        assert isinstance(reply.body, bytes)
        return _said(reply.status, reply.body)

    return ask


@contextmanager
def over_http(settings: ServeSettings) -> Iterator[Ask]:
    """The package's server in a process of its own."""
    server = Subprocess(settings)

    def ask(body: bytes, kind: str) -> tuple[int, Any]:
        answer = server.send("POST", "/invocations", body, {"content-type": kind, "accept": "application/json"})
        return _said(answer.status, answer.body)

    try:
        yield ask
    finally:
        server.stop()


def _said(status: int, body: bytes) -> tuple[int, Any]:
    return status, json.loads(body) if status == 200 else body.decode()


def differences(drawn: Drawn, outcome: Compiled, ask: Ask) -> list[str]:
    """What is wrong with the answers, all rows together and some alone, in each form."""
    wrong = []
    batches = [drawn.asked, *(drawn.asked[place : place + 1] for place in range(0, len(drawn.asked), 9))]
    for number, rows in enumerate(batches):
        right, refused = _right(drawn, rows)
        for body, kind in _bodies(rows)[: 3 if number == 0 else 1]:
            where = f"{drawn.name} ({'compiled' if outcome.onnx else 'native'}), {len(rows)} rows as {kind}"
            status, answer = ask(body, kind)
            found = (
                refused_wrong(status, answer, refused)
                if refused is not None
                else wrong_answer(drawn, outcome, right, (status, answer))
            )
            wrong += [f"{where}: {found}"] if found else []
    return wrong


def _bodies(rows: Rows) -> list[tuple[bytes, str]]:
    cells = [[None if np.isnan(cell) else cell for cell in row] for row in rows.tolist()]
    nothing = "" if rows.shape[1] > 1 else "nan"
    csv = "\n".join(",".join(nothing if cell is None else repr(cell) for cell in row) for row in cells) + "\n"
    npy = io.BytesIO()
    np.save(npy, rows)
    return [
        (json.dumps(cells).encode(), "application/json"),
        (npy.getvalue(), "application/x-npy"),
        (csv.encode(), "text/csv"),
    ]


def _right(drawn: Drawn, rows: Rows) -> tuple[Any, int | None]:
    """The model's own answer, or the first row that it refuses."""
    ask = getattr(drawn.model, drawn.method)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return ask(rows.copy()), None
        except FAULTS:
            pass
        for place in range(len(rows)):
            try:
                ask(rows[place : place + 1].copy())
            except FAULTS:
                return None, place
    raise AssertionError("the model refuses rows together that it takes alone")


def refused_wrong(status: int, answer: Any, refused: int) -> str:
    named = re.search(r"row (\d+)", str(answer))
    if status == 400 and named is not None and int(named[1]) == refused + 1:
        return ""
    return f"{status} {str(answer)[:200]!r}, and the model refuses row {refused + 1}"


def wrong_answer(drawn: Drawn | DrawnFrame, outcome: Compiled, right: Any, got: tuple[int, Any]) -> str:
    status, answer = got
    if status != 200:
        return f"{status} {str(answer)[:200]!r}, and the model answers"
    own = np.array(answer, dtype=right.dtype if right.dtype.kind != "O" else None)
    if own.shape != right.shape:
        return f"shape {own.shape}, not {right.shape}"
    if right.dtype.kind != "f" or (drawn.method == "predict" and hasattr(drawn.model, "classes_")):
        labels = right.tolist()
        if answer == labels and [type(cell) for cell in answer] == [type(cell) for cell in labels]:
            return ""
        return f"{sum(a != b for a, b in zip(answer, labels, strict=True))} labels differ"
    finite = np.isfinite(right)
    if not np.array_equal(np.isfinite(own), finite):
        return "what is no number differs"
    tolerance = 0.0 if outcome.compilation.exact else TOLERANCE
    far = np.abs(own[finite] - right[finite]) / np.maximum(1, np.abs(right[finite]))
    return "" if far.max(initial=0) <= tolerance else f"a score differs by {far.max():.3g}"
