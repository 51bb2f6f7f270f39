"""The rows of a bias analysis: a table of texts, and which rows are a facet's, or of the positive label.

Source: AWS Developer Guide, "Analysis Configuration Files": one value for a continuous column is a threshold, else values are categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fogbank.contracts.clarify import BiasConfig, Facet
from fogbank.monitor.bias import Flags, Rows
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.labelled import plain
from fogbank.monitor.numbers import is_number
from fogbank.monitor.sketch import Floats

CONTINUOUS = 0.05
"""A column of whole numbers is continuous if more than this share of its values differ, and more than two; one with fractions is."""


@dataclass(frozen=True)
class Table:
    """Columns of texts by name, all of one length; a value that is absent is empty."""

    columns: Mapping[str, Sequence[str]]

    def name(self, column: str | int) -> str:
        """The name of a column. Raises DatasetError."""
        names = list(self.columns)
        if isinstance(column, int) and 0 <= column < len(names):
            return names[column]
        if column not in self.columns:
            raise DatasetError(f"there is no column {column!r}; there are {', '.join(names[:20])}")
        return str(column)

    def without(self, columns: Sequence[str | int | None]) -> Table:
        """The same without some columns. Raises DatasetError."""
        gone = {self.name(column) for column in columns if column is not None}
        return Table({name: cells for name, cells in self.columns.items() if name not in gone})

    def rows(self) -> int:
        """Their number."""
        return len(next(iter(self.columns.values()), ()))


def flagged(values: Sequence[str], wanted: Sequence[object]) -> tuple[Flags, str]:
    """Which values are wanted, and how analysis.json says it."""
    if len(wanted) == 1 and is_number(str(wanted[0])) and is_continuous(values):
        numbers = np.array([float(value) if is_number(value) else np.nan for value in values])
        limit = float(str(wanted[0]))
        return numbers > limit, f"({limit}, {np.nanmax(numbers)}]"
    texts = {plain("true" if want is True else "false" if want is False else str(want)) for want in wanted}
    return np.array([plain(value) in texts for value in values], dtype=bool), ",".join(str(want) for want in wanted)


def is_continuous(values: Sequence[str]) -> bool:
    """Whether a column is one of measures rather than of categories."""
    present = [value for value in values if value]
    if not present or not all(map(is_number, present)):
        return False
    numbers = np.array(present, dtype=float)
    return bool((numbers % 1 != 0).any()) or len(np.unique(numbers)) > max(2, CONTINUOUS * len(numbers))


def facet_rows(table: Table, config: BiasConfig, facet: Facet, predicted: Flags | None) -> Iterator[tuple[str, Rows]]:
    """Of each of a facet's values, as analysis.json says them, the rows."""
    name = table.name(facet.column)
    label, _ = flagged(table.columns[table.name(config.label)], config.positive)
    values = table.columns[name]
    group = None if config.group is None else np.array(table.columns[table.name(config.group)])
    features = table.without([name, config.label, config.predicted, *config.aside])
    numbers = _numbers(list(features.columns.values()))
    for wanted in [facet.values] if facet.values else [[value] for value in sorted({*values})]:
        flags, said = flagged(values, wanted) if facet.values else (np.array(values) == wanted[0], str(wanted[0]))
        yield said, Rows(facet=flags, label=label, predicted=predicted, group=group, numbers=numbers)


def _numbers(columns: Sequence[Sequence[str]]) -> Floats | None:
    """The columns as numbers, if all are."""
    if not columns or not all(is_number(value) for column in columns for value in column):
        return None
    return np.array(columns, dtype=float).T
