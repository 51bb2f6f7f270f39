"""Answers that carry meaning, where the caller asks for them: labels, probabilities by the class's name, columns by theirs.

In: a prediction, or rows to predict, and an accepted type with its parameters (`answer=labelled`, `header=present`); out: bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fogbank.contracts.manifest import PackageManifest
from fogbank.serve import media
from fogbank.serve.encode import delimited
from fogbank.serve.models import predictor
from fogbank.serve.plain import as_rows, json_bytes, plain
from fogbank.serve.problems import RequestError


@dataclass(frozen=True)
class Labelled:
    """A label for each row, and the probabilities of the classes where the model has them."""

    labels: Sequence[Any]
    classes: Sequence[Any]
    probabilities: Sequence[Sequence[float]] | None

    @property
    def names(self) -> list[str]:
        """The columns of a table of these."""
        return ["label", *(map(str, self.classes) if self.probabilities is not None else ())]

    def rows(self) -> list[list[Any]]:
        """The rows of that table."""
        if self.probabilities is None:
            return [[label] for label in self.labels]
        return [[label, *row] for label, row in zip(self.labels, self.probabilities, strict=True)]

    def records(self) -> list[dict[str, Any]]:
        """An object for each row."""
        if self.probabilities is None:
            return [{"label": label} for label in self.labels]
        names = self.names[1:]
        return [
            {"label": label, "probabilities": dict(zip(names, row, strict=True))}
            for label, row in zip(self.labels, self.probabilities, strict=True)
        ]


class Answers:
    """What the package says of its answers, behind the forms that a caller may ask for."""

    def __init__(self, package: PackageManifest | None, model: Any, own: Callable[[Any], Any] | None) -> None:
        self._model, self._predictor = model, own
        self._names = package.output.names if package else ()
        self._classes = package.output.classes if package else ()
        self._method = package.method if package else "predict"

    def predict(self, rows: Any, accept: str) -> Any:
        """The model's prediction; label and probabilities where these are asked for and the model has classes."""
        if self._predictor is None:
            raise TypeError("the handler's own predict_fn answers")
        if "answer=labelled" not in accept or not self._classes:
            return self._predictor(rows)
        labels = plain(predictor(self._model, "predict")(rows))
        probabilities = None
        if callable(getattr(self._model, "predict_proba", None)):
            with contextlib.suppress(AttributeError):  # a graph without scores has the method, and nothing behind it
                probabilities = plain(predictor(self._model, "predict_proba")(rows))
        return Labelled(labels, self._classes, probabilities)

    def write(self, prediction: Any, accept: str) -> tuple[bytes, str]:
        """The bytes and their content type. Raises RequestError 406, NotWritableError."""
        kind = accept.partition(";")[0]
        labelled = "answer=labelled" in accept
        if isinstance(prediction, Labelled):
            names, rows, records = prediction.names, prediction.rows(), prediction.records()
        else:
            rows = as_rows(prediction, self._names)
            names = self._columns(len(rows[0]) if rows else len(self._names))
            records = [dict(zip(names, row, strict=False)) for row in rows]
        if kind == media.CSV:
            return delimited([names, *rows]), kind
        if kind == media.JSON and labelled:
            return json_bytes({"predictions": records}), kind
        if kind == media.JSONLINES and labelled:
            return b"".join(json_bytes(record) + b"\n" for record in records), kind
        raise RequestError(
            406, f"{accept.partition(';')[2]} is not for {kind}; ask for it in text/csv or application/json"
        )

    def _columns(self, width: int) -> list[str]:
        """The names of a prediction's columns: the classes where it is their scores, else the output schema's."""
        if self._method != "predict" and width == len(self._classes):
            return list(map(str, self._classes))
        return list(self._names) if width == len(self._names) else [f"_c{i}" for i in range(width)]
