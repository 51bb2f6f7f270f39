"""Words as numbers: a fitted model whose encoders take a code for each word, so that what remains of it is numbers and compiles.

In: a model that was trained on a DataFrame, and which of its columns hold words; out: the same model on codes, and the words of each
column by their code. A word that no encoder knows is `UNSEEN`; one that is missing is NaN, or a code where an encoder counts it.
Raises UnsupportedError where a word goes to anything but an encoder, or an imputer before one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from fogbank.contracts.schema import Missing
from fogbank.pack.graph import UnsupportedError
from fogbank.scoring.plan import METADATA, UNSEEN, Words, decode_plan

Rows = NDArray[np.float64]
ENCODERS = ("OneHotEncoder", "OrdinalEncoder")
IMPUTER = "SimpleImputer"
STANDS: Mapping[Missing, Any] = {"nan": np.nan, "none": None, "empty": ""}


@dataclass(frozen=True, kw_only=True, eq=False)
class Worded:
    """`model` takes codes where the trained one takes words; `words` are those of each column by their code, None for a missing one.

    `missing` says of each of the columns what stands for a word that is not there.
    """

    model: Any
    words: Words
    missing: Mapping[int, Missing] = field(default_factory=dict)

    def codes(self, rows: Rows) -> Rows:
        """Rows of numbers with nothing but codes in the columns of words: what is no code is a word that was never seen."""
        made = rows.copy()
        for place, words in self.words.items():
            cells = made[:, place]
            known = np.isin(cells, np.arange(len(words)))
            nothing = float(words.index(None)) if None in words else np.nan
            made[:, place] = np.where(np.isnan(cells), nothing, np.where(known, cells, UNSEEN))
        return made

    def frame(self, rows: Rows, names: Sequence[str]) -> Any:
        """The DataFrame that such rows stand for."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for place, name in enumerate(names):
            cells = rows[:, place]
            if place not in self.words:
                columns[name] = cells
                continue
            stands, words = STANDS[self.missing.get(place, "nan")], self.words[place]
            texts = [stands if np.isnan(cell) else _word(cell, words, stands) for cell in cells.tolist()]
            columns[name] = pd.Series(texts, dtype=object)
        return pd.DataFrame(columns)


def _word(code: float, words: Sequence[str | None], stands: Any) -> Any:
    if code == UNSEEN:
        return "a word that was never seen"
    word = words[int(code)]
    return stands if word is None else word


def worded(model: Any, places: Sequence[int], missing: Mapping[int, Missing]) -> Worded:
    """The model on codes, given which columns hold words. Raises UnsupportedError."""
    model = copy.deepcopy(model)
    width = getattr(model, "n_features_in_", 0)
    sources: list[int | None] = [place if place in places else None for place in range(width)]
    found: dict[int, dict[str | None, None]] = {place: {} for place in places}
    uses = [_Use(step, inputs) for step, inputs in _uses(model, sources)]
    for use in uses:
        for place, values in use.values():
            found[place] |= dict.fromkeys(map(_known, values))
    words: Words = {
        place: tuple(sorted(known, key=lambda word: (word is None, word or ""))) for place, known in found.items()
    }
    for use in uses:
        use.code(words)
    return Worded(model=model, words=words, missing=missing)


def with_words(data: bytes, words: Words) -> bytes:
    """An ONNX file whose plan knows the words, too."""
    model = onnx.load_from_string(data)
    (text,) = (entry.value for entry in model.metadata_props if entry.key == METADATA)
    helper.set_model_props(model, {METADATA: replace(decode_plan(text), words=words).encode()})
    encoded: bytes = model.SerializeToString()
    return encoded


def _known(value: Any) -> str | None:
    """A category, or None for a missing one. Raises UnsupportedError."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    raise UnsupportedError(f"a column of words has a category of type {type(value).__name__}")


@dataclass(frozen=True)
class _Use:
    """A step that takes words in some of its columns, each from a column of the model's."""

    step: Any
    inputs: Sequence[int | None]

    def values(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """The words that the step knows of each column."""
        for place, source in enumerate(self.inputs):
            if source is not None:
                yield source, self._of(place)

    def _of(self, place: int) -> Sequence[Any]:
        if type(self.step).__name__ == IMPUTER:
            return [self.step.statistics_[place]]
        values: list[Any] = np.asarray(self.step.categories_[place], dtype=object).tolist()
        return values

    def code(self, words: Words) -> None:
        """Put codes in the place of words."""
        if type(self.step).__name__ == IMPUTER:
            statistics = [
                float(value if source is None else words[source].index(value))
                for source, value in zip(self.inputs, self.step.statistics_, strict=True)
            ]
            self.step.statistics_ = np.array(statistics)
            self.step.missing_values = np.nan
            self.step._fit_dtype = self.step._fill_dtype = np.dtype(np.float64)
            return
        self.step.categories_ = [
            categories
            if source is None
            else np.array([float(words[source].index(_known(word))) for word in categories])
            for source, categories in zip(self.inputs, self.step.categories_, strict=True)
        ]


def _uses(step: Any, inputs: Sequence[int | None]) -> Iterator[tuple[Any, Sequence[int | None]]]:
    """Every step that takes words, with the model's column behind each of its own. Raises UnsupportedError."""
    yield from _walk(step, list(inputs), [])


def _walk(step: Any, inputs: list[int | None], out: list[int | None]) -> Iterator[tuple[Any, Sequence[int | None]]]:
    """The uses inside of a step; the model's columns that are still words behind it go into `out`."""
    kind = type(step).__name__
    if step is None or step == "passthrough":
        out += inputs
    elif kind == "Pipeline":
        for _, inner in step.steps:
            made: list[int | None] = []
            yield from _walk(inner, inputs, made)
            inputs = made
        out += inputs
    elif kind == "ColumnTransformer":
        for name, inner, _ in step.transformers_:
            chosen = [inputs[int(place)] for place in step._transformer_to_input_indices[name]]
            if not (isinstance(inner, str) and inner == "drop") and chosen:
                yield from _walk(inner, chosen, out)
    elif not any(source is not None for source in inputs):
        pass
    elif kind in ENCODERS:
        yield step, inputs
    elif kind == IMPUTER and not step.add_indicator and len(step.statistics_) == len(inputs):
        yield step, inputs
        out += inputs
    else:
        raise UnsupportedError(f"{kind} takes words")
