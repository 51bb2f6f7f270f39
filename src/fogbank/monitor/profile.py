"""A profile of data, in one pass and in memory that its rows do not grow; and its statistics.json, in SageMaker's format.

Two profiles merge into the profile of both: numbers of rows, moments and ends exactly, quantiles, frequent texts and numbers of different
values within the bounds that their sketches state.
Source of the format: AWS Developer Guide, "Schema for statistics"; std_dev is the population's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fogbank.monitor.counts import CAPACITY, Distinct, Frequent, number_text
from fogbank.monitor.dataset import Dataset
from fogbank.monitor.moments import Moments
from fogbank.monitor.numbers import Plain, is_integral, is_number, numbers_of
from fogbank.monitor.sketch import SHRINK, SIZE, Floats, Quantiles, buckets
from fogbank.monitor.waiting import Values, Waiting, cells

SHOWN = 100
"""So many of a text's values are in its statistics."""
Document = dict[str, Any]
HELD, LEAST = 8_000_000, 64
"""So many values wait at most, of all columns together: their texts keep the bytes that they were read from. A chunk counts as `LEAST` at least."""
LARGEST_TEXT = 1e15
"""A smaller whole number has one text."""


class Column:
    """What is known of one column. Of values that are there: `integral` are whole numbers, `numbers` finite ones (whole ones too).

    Where it is known to hold `words` (postcodes, say), it is a String, whatever its values look like.
    """

    def __init__(self) -> None:
        self.present = self.integral = self.numbers = 0
        self.words = False
        self.moments: Moments | None = None
        self.quantiles, self.frequent, self.distinct = Quantiles(), Frequent(), Distinct()

    @property
    def kind(self) -> str:
        """SageMaker's inferred_type: Integral, Fractional, String, or Unknown where nothing is present."""
        if not self.present:
            return "Unknown"
        if self.words:
            return "String"
        if self.integral == self.present:
            return "Integral"
        return "Fractional" if self.numbers == self.present else "String"

    def add(self, values: Values) -> None:
        """Take a chunk: texts, of which an absent one is None, or numbers, of which one that is none (NaN) is absent."""
        if isinstance(values, np.ndarray):
            self._array(values)
            return
        if isinstance(values, Plain):
            self._plain(values)
            return
        present = [value for value in values if value is not None]
        if present:
            plain = numbers_of(present)
            if plain is not None:
                self._plain(plain)
            else:
                self.present += len(present)
                self._texts(Counter(present))

    def merge(self, other: Column) -> None:
        """Take what another one has seen."""
        self.present += other.present
        self.integral += other.integral
        self.numbers += other.numbers
        if other.moments:
            self.moments = self.moments.merge(other.moments) if self.moments else other.moments
        self.quantiles.merge(other.quantiles)
        self.frequent.merge(other.frequent)
        self.distinct.merge(other.distinct)

    def document(self, name: str, rows: int) -> Document:
        """The feature of statistics.json, in a data set of so many rows."""
        common = {"num_present": self.present, "num_missing": rows - self.present}
        kind = self.kind
        if kind in {"Integral", "Fractional"} and self.moments:
            return {
                "name": name,
                "inferred_type": kind,
                "numerical_statistics": {"common": common, **self.moments.document(), "distribution": self._sketch()},
            }
        texts: Document = {"common": common, "distinct_count": self.distinct.count()}
        if kind == "String":
            shown = [{"value": value, "count": count} for value, count in self.frequent.most(SHOWN)]
            texts["distribution"] = {"categorical": {"buckets": shown}}
        return {"name": name, "inferred_type": kind, "string_statistics": texts}

    def _sketch(self) -> Document:
        levels, moments = self.quantiles.levels(), self.moments
        assert moments is not None  # noqa: S101 - a column of numbers has some
        shown = buckets(levels, moments.low, moments.high, moments.count)
        return {"kll": {"buckets": shown, "sketch": {"parameters": {"c": SHRINK, "k": float(SIZE)}, "data": levels}}}

    def _array(self, values: NDArray[Any]) -> None:
        if values.dtype.kind == "b":
            self.add(["true" if value else "false" for value in values.tolist()])
            return
        numbers = values.astype(np.float64)
        numbers = numbers[~np.isnan(numbers)]
        if not np.isfinite(numbers).all():
            self.add([number_text(value) for value in numbers.tolist()])
        elif len(numbers):
            self.present += len(numbers)
            self.integral += len(numbers) if values.dtype.kind in "iu" else 0
            self._take(np.sort(numbers), None)

    def _plain(self, plain: Plain) -> None:
        """Take numbers that are written somehow: as which texts is counted where there are few different ones."""
        self.present += len(plain.numbers)
        self.integral += plain.integral
        ordered = np.sort(plain.numbers)
        one_text = plain.json and plain.integral == len(ordered) and max(-ordered[0], ordered[-1]) < LARGEST_TEXT
        many = self.frequent.full or len(ordered) - int((ordered[1:] == ordered[:-1]).sum()) > 2 * CAPACITY
        self._take(ordered, None if many or one_text else Counter(plain.texts()))

    def _take(self, ordered: Floats, counted: Counter[str] | None) -> None:
        """Take finite numbers in ascending order, and how often they are written as which text where that is counted."""
        self.numbers += len(ordered)
        moments = Moments.of(ordered)
        self.moments = self.moments.merge(moments) if self.moments else moments
        self.quantiles.add(ordered)
        self.distinct.add_numbers(ordered)
        if counted is None:
            self.frequent.add_numbers(ordered)
        else:
            self.frequent.add(counted)

    def _texts(self, counted: Counter[str]) -> None:
        """Take texts of which some may be numbers."""
        numeric = {text: count for text, count in counted.items() if is_number(text)}
        self.integral += sum(count for text, count in numeric.items() if is_integral(text))
        self.distinct.add_texts(text for text in counted if text not in numeric)
        if numeric:
            values = np.repeat(np.array([float(text) for text in numeric]), list(numeric.values()))
            self._take(np.sort(values), counted)
        else:
            self.frequent.add(counted)


class Profile:
    """A profile of a data set: its number of rows, and its columns by name. Of what comes in short chunks, as wide data does, numbers wait
    until there are enough of a column (waiting.py); whoever looks at the columns sees all of them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.rows = 0
        self._columns: dict[str, Column] = {name: Column() for name in names}
        self._waiting: dict[str, Waiting] = {}
        self._held = 0

    def __getstate__(self) -> dict[str, Any]:
        """What another process is told: nothing waits."""
        return {"rows": self.rows, "_columns": self.columns, "_waiting": {}, "_held": 0}

    @property
    def columns(self) -> dict[str, Column]:
        """What is known of each column."""
        self._taken()
        return self._columns

    @classmethod
    def of(cls, chunks: Iterable[Dataset]) -> Profile:
        """Of a data set that comes in chunks."""
        profile = cls()
        for chunk in chunks:
            profile.add(chunk.columns, chunk.item_count)
        return profile

    def add(self, columns: Mapping[str, Values], rows: int) -> None:
        """Take a chunk of so many rows; what it has of a column may be fewer, of which the others are absent."""
        self.rows += rows
        for name, values in columns.items():
            column = self._columns.setdefault(name, Column())
            for ready in self._waiting.setdefault(name, Waiting()).add(values):
                column.add(ready)
        self._held += sum(max(LEAST, cells(values)) for values in columns.values())
        if self._held >= HELD:
            self._taken()

    def merge(self, other: Profile) -> None:
        """Take what another profile has seen: a column that one of them lacks has missing values there."""
        self.rows += other.rows
        columns = self.columns
        for name, column in other.columns.items():
            columns.setdefault(name, Column()).merge(column)

    def first(self, names: Iterable[str]) -> Profile:
        """The same with these of its columns before the others."""
        columns = self.columns
        self._columns = {name: columns[name] for name in (*(name for name in names if name in columns), *columns)}
        return self

    def of_words(self, names: Iterable[str]) -> Profile:
        """The same with these of its columns known to hold words."""
        for name in names:
            if name in self._columns:
                self._columns[name].words = True
        return self

    def _taken(self) -> None:
        """Nothing waits any longer."""
        for name, waiting in self._waiting.items():
            for values in waiting.taken():
                self._columns[name].add(values)
        self._waiting.clear()
        self._held = 0

    def document(self) -> Document:
        """The statistics.json document."""
        return {
            "version": 0.0,
            "dataset": {"item_count": self.rows},
            "features": [column.document(name, self.rows) for name, column in self.columns.items()],
        }


def statistics(data: Dataset) -> Document:
    """The statistics.json document of a data set."""
    return Profile.of([data]).document()


def feature(name: str, values: Sequence[str | None]) -> Document:
    """One feature's statistics."""
    document: Document = statistics(Dataset({name: values}))["features"][0]
    return document
