"""Files of a data set, read in chunks into a profile: CSV, JSON, JSON lines and Parquet, by SageMaker's `dataset_format`.

In: files and a format; out: a profile, and the records that cannot be read, set aside. Columns find one another by name.
Source: AWS Developer Guide, "Container contract inputs"; the SDK's DatasetFormat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from fogbank.monitor.blocks import Columns, Numbered, parts
from fogbank.monitor.dataset import NAMED, Aside, DatasetError, cells, chunk_rows, header_names, positional, records
from fogbank.monitor.fields import FieldsError, flat, read_json
from fogbank.monitor.profile import Profile

JSON_LINES = 4096
WIDTHS = 8
"""Of rows without names, so many different numbers of columns are kept apart until it is known which is the right one."""


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """A profile, and what was set aside; `outputs` are the columns that the model answered, where that is known."""

    profile: Profile
    aside: Aside
    outputs: tuple[str, ...] = ()

    def some(self, nothing: str) -> Profiled:
        """The same where there is a row. Raises DatasetError: with the first bad record, or `nothing`."""
        if self.profile.rows:
            return self
        named, count = self.aside.named, self.aside.count
        raise DatasetError(f"{named[0]} (of {count} records none can be read)" if named else nothing)

    def whole(self) -> Profiled:
        """The same where nothing was set aside: a row of what training wrote is no traffic. Raises DatasetError with the first."""
        if self.aside.named:
            raise DatasetError(str(self.aside.named[0]))
        return self


def profile_files(
    files: Sequence[Path], kind: str, options: Mapping[str, object], names: Sequence[str] = ()
) -> Profiled:
    """The profile of files of one format; columns without names are those of `names`. Raises DatasetError that names the file."""
    reader = READERS.get(kind)
    if reader is None:
        raise DatasetError(
            f"dataset_format {kind!r} is not supported: {', '.join(READERS)} and sagemakerCaptureJson are"
        )
    profile, aside = Profile(), Aside()
    rows = UnnamedRows(names)
    for file in files:
        try:
            reader(Source(file=file, options=options, profile=profile, aside=aside, rows=rows))
        except (OSError, UnicodeDecodeError, DatasetError) as error:
            raise DatasetError(f"{file.name}: {error}") from error
    unnamed = rows.settled(aside)
    if unnamed.rows:
        profile.merge(unnamed)
    return Profiled(profile=profile, aside=aside)


@dataclass
class _Width:
    """The rows of one number of columns: those that wait for a chunk to be full, and the profile of the others."""

    profile: Profile = field(default_factory=Profile)
    waiting: list[list[str]] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    count: int = 0


class UnnamedRows:
    """Rows without names: their columns are those of `names`, in their order, and those beyond SageMaker's `_c<i>`.

    Which number of columns is the right one is known at the end: what most rows have, of two that are as frequent that of the names.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = names
        self._widths: dict[int, _Width] = {}
        self._others = Aside()

    def add(self, file: str, line: int, row: list[str]) -> None:
        """Take a row."""
        width = self._width(file, line, len(row), 1)
        if width is None:
            return
        width.waiting.append(row)
        if len(width.waiting) >= chunk_rows(len(row)):
            self._profile(len(row), width)

    def add_columns(self, file: str, part: Columns) -> None:
        """Take rows that are read as columns already."""
        number = len(part.values)
        width = self._width(file, part.line, number, part.rows)
        if width is not None:
            width.profile.add(dict(zip(positional(number, self._names), part.values, strict=True)), part.rows)

    def _width(self, file: str, line: int, number: int, rows: int) -> _Width | None:
        """Where rows of so many columns go, and that they are there; None where that number is one too many."""
        width = self._widths.get(number)
        if width is None:
            if len(self._widths) == WIDTHS:
                for at in range(line, line + rows):
                    self._others.add(file, at, f"a row has {number} columns")
                return None
            width = self._widths[number] = _Width()
        width.count += rows
        width.places += [(file, at) for at in range(line, line + min(rows, NAMED - len(width.places)))]
        return width

    def settled(self, aside: Aside) -> Profile:
        """The profile of the rows of the right number of columns; the others are set aside."""
        if not self._widths:
            return Profile()
        right = max(self._widths, key=lambda number: (self._widths[number].count, number == len(self._names)))
        for number, width in self._widths.items():
            if number != right:
                for file, line in width.places:
                    aside.add(file, line, f"a row has {number} columns, the others {right}")
                aside.more(width.count - len(width.places))
        for bad in self._others.named:
            aside.add(bad.file, bad.line, f"{bad.reason}, the others {right}")
        aside.more(self._others.count - len(self._others.named))
        self._profile(right, self._widths[right])
        return self._widths[right].profile

    def _profile(self, number: int, width: _Width) -> None:
        add_rows(width.profile, width.waiting, positional(number, self._names))
        width.waiting.clear()


def add_rows(profile: Profile, rows: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    """Take a chunk of rows that are as long as the names."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    profile.add({name: cells(column) for name, column in zip(names, columns, strict=True)}, len(rows))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file to be read, and where its rows go."""

    file: Path
    options: Mapping[str, object]
    profile: Profile
    aside: Aside
    rows: UnnamedRows

    def bad(self, line: int, reason: str) -> None:
        """Set a record of this file aside."""
        self.aside.add(self.file.name, line, reason)


def _csv(source: Source) -> None:
    header = bool(source.options.get("header", True))
    with source.file.open("rb") as stream:
        found = parts(stream, header=header)
        first = next(found, None)
        if first is None:
            raise DatasetError("the CSV is empty")
        if not isinstance(first, Columns) and (reason := _undecoded("".join(first[0][1]))):
            raise DatasetError(reason)
        if header and not isinstance(first, Columns):
            names = header_names(first[0][1])
            source.profile.add(dict.fromkeys(names, ()), 0)
            for part in found:
                _add_named(source, part, names)
            return
        for part in chain([first], found):
            _add_unnamed(source, part)


def _add_named(source: Source, part: Columns | list[Numbered], names: Sequence[str]) -> None:
    """Take a part of a file whose header has these names: rows of other lengths are set aside."""
    if isinstance(part, Columns) and len(part.values) == len(names):
        source.profile.add(dict(zip(names, part.values, strict=True)), part.rows)
        return
    rows = part.numbered() if isinstance(part, Columns) else _readable(source, part)
    whole = [row for _, row in rows if len(row) == len(names)]
    for line, row in rows if len(whole) < len(rows) else ():
        if len(row) != len(names):
            source.bad(line, f"a row has {len(row)} columns, the header {len(names)}")
    add_rows(source.profile, whole, names)


def _add_unnamed(source: Source, part: Columns | list[Numbered]) -> None:
    """Take a part of a file without a header."""
    if isinstance(part, Columns):
        source.rows.add_columns(source.file.name, part)
        return
    for line, row in _readable(source, part):
        source.rows.add(source.file.name, line, row)


def _readable(source: Source, chunk: list[Numbered]) -> list[Numbered]:
    """The rows that are UTF-8; the others are set aside."""
    if all("".join(row).isascii() for _, row in chunk):
        return chunk
    reasons = [_undecoded("".join(row)) for _, row in chunk]
    for (line, _), reason in zip(chunk, reasons, strict=True):
        if reason:
            source.bad(line, reason)
    return [numbered for numbered, reason in zip(chunk, reasons, strict=True) if not reason]


def _undecoded(text: str) -> str:
    """Why a text that was read with `surrogateescape` is not UTF-8, or nothing."""
    if text.isascii():
        return ""
    try:
        text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError as error:
        return str(error)
    return ""


def _json(source: Source) -> None:
    if source.options.get("lines"):
        with source.file.open("rb") as stream:
            numbered = ((number, line) for number, line in enumerate(stream, 1) if line.strip())
            while chunk := list(islice(numbered, JSON_LINES)):
                _add_documents(source, ((line, _line(text)) for line, text in chunk))
        return
    document = read_json(source.file.read_bytes().decode("utf-8-sig"))
    _add_documents(source, enumerate(document if isinstance(document, list) else [document], 1))


def _line(line: bytes) -> object:
    try:
        return read_json(line.decode("utf-8-sig"))
    except (FieldsError, UnicodeDecodeError) as error:
        return FieldsError(str(error))


def _add_documents(source: Source, documents: Iterator[tuple[int, object]] | enumerate[object]) -> None:
    fields = []
    for number, document in documents:
        try:
            if isinstance(document, FieldsError):
                raise document
            fields.append(flat(document))
        except FieldsError as error:
            source.bad(number, str(error))
    if fields:
        data = records(fields)
        source.profile.add(data.columns, data.item_count)


def _parquet(source: Source) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DatasetError("reading Parquet needs pyarrow, which this image does not have: give CSV or JSON") from error
    try:
        file = parquet.ParquetFile(source.file)
        for batch in file.iter_batches(batch_size=chunk_rows(len(file.schema_arrow.names))):
            columns = {name: _arrow(pa, name, batch.column(name)) for name in batch.schema.names}
            source.profile.add(columns, batch.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"it is not Parquet: {error}") from error


def _arrow(arrow: Any, name: str, column: Any) -> Any:
    """A column's values that are there: numbers as an array, others as texts."""
    kind = arrow.types
    if kind.is_nested(column.type):
        raise DatasetError(f"the column {name!r} is nested; only flat columns can be monitored")
    there = column.drop_null()
    if kind.is_integer(column.type) or kind.is_floating(column.type) or kind.is_boolean(column.type):
        return there.to_numpy(zero_copy_only=False)
    if kind.is_dictionary(column.type):
        there = there.dictionary_decode()
    if kind.is_binary(there.type) or kind.is_large_binary(there.type):
        return cells([value.decode("utf-8", "backslashreplace") for value in there.to_pylist()])
    return cells(there.cast(arrow.large_string()).to_pylist())


READERS: Mapping[str, Callable[[Source], None]] = {"csv": _csv, "json": _json, "parquet": _parquet}
