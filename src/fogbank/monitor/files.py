"""Files of a data set, read in chunks into a profile: CSV, JSON, JSON lines and Parquet, by SageMaker's `dataset_format`.

In: files and a format; out: a profile, and the records that cannot be read, set aside. Columns find one another by name. Much data is read
in parts, by as many processes as there are cores: which parts those are, and in which order they merge, the files alone say.
Source: AWS Developer Guide, "Container contract inputs"; the SDK's DatasetFormat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from fogbank.monitor.blocks import Columns, Numbered, QuotedError, parts
from fogbank.monitor.dataset import Aside, DatasetError, cells, chunk_rows, header_names, records
from fogbank.monitor.fields import FieldsError, flat, read_json
from fogbank.monitor.profile import Profile
from fogbank.monitor.spans import SIZE, Span, grouped
from fogbank.monitor.together import Sharing, in_order
from fogbank.monitor.unnamed import UnnamedRows, add_rows

JSON_LINES = 4096


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
    files: Sequence[Path],
    kind: str,
    options: Mapping[str, object],
    names: Sequence[str] = (),
    processes: int | None = None,
    size: int = SIZE,
    share: Sharing = in_order,
) -> Profiled:
    """The profile of files of one format; columns without names are those of `names`. Parts have `size` bytes, by which alone sketches differ:
    `processes`, and hosts that `share` the parts, do not change the result.

    A file that cannot be read is set aside. Raises DatasetError that names it where there is no row in the others.
    """
    if kind not in READERS:
        raise DatasetError(
            f"dataset_format {kind!r} is not supported: {', '.join(READERS)} and sagemakerCaptureJson are"
        )
    split = kind == "csv" or bool(options.get("lines"))
    asked = _Group(spans=(), kind=kind, options=options, names=tuple(names))
    try:
        return _profiled(asked, grouped(files, split=split, size=size), partial(share, processes=processes))
    except QuotedError:
        return _profiled(asked, grouped(files, split=False, size=size), partial(share, processes=processes))


@dataclass(frozen=True, kw_only=True)
class _Group:
    """What one process reads at once: whole files, or a part of one."""

    spans: Sequence[Span]
    kind: str
    options: Mapping[str, object]
    names: Sequence[str]


@dataclass(kw_only=True)
class _Part:
    """What was read of a group; `lines` are those of a part of the `file`, by which the next one's count."""

    rows: UnnamedRows
    profile: Profile = field(default_factory=Profile)
    aside: Aside = field(default_factory=Aside)
    file: str = ""
    lines: int = 0


def _profiled(asked: _Group, groups: Sequence[Sequence[Span]], share: Callable[..., Iterator[_Part]]) -> Profiled:
    """Of all groups. Raises DatasetError, QuotedError."""
    whole = _Part(rows=UnnamedRows(asked.names))
    read: dict[str, int] = {}
    for part in share(_part, [replace(asked, spans=spans) for spans in groups]):
        lines = read.get(part.file, 0)
        whole.rows.merge(part.rows, lines)
        whole.aside.merge(part.aside, lines)
        if part.file:
            read[part.file] = lines + part.lines
        if whole.profile.columns:
            whole.profile.merge(part.profile)
        else:
            whole.profile = part.profile
    unnamed = whole.rows.settled(whole.aside)
    if unnamed.rows:
        whole.profile.merge(unnamed)
    gone = [bad for bad in whole.aside.named if not bad.line]
    if gone and not whole.profile.rows:
        raise DatasetError(str(gone[0]))
    return Profiled(profile=whole.profile, aside=whole.aside)


def _part(group: _Group) -> _Part:
    """Of one group. Raises QuotedError."""
    part = _Part(rows=UnnamedRows(group.names))
    for span in group.spans:
        source = Source(span=span, options=group.options, profile=part.profile, aside=part.aside, rows=part.rows)
        try:
            READERS[group.kind](source)
        except (OSError, UnicodeDecodeError, DatasetError) as error:
            part.aside.add(span.file.name, 0, str(getattr(error, "strerror", None) or error))
        if not span.whole:
            part.file, part.lines = str(span.file), span.lines
    part.rows.packed()
    return part


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file to be read, or a part of one, and where its rows go."""

    span: Span
    options: Mapping[str, object]
    profile: Profile
    aside: Aside
    rows: UnnamedRows

    @property
    def file(self) -> Path:
        """The file."""
        return self.span.file

    def bad(self, line: int, reason: str) -> None:
        """Set a record of this file aside."""
        self.aside.add(self.file.name, line, reason)


def _csv(source: Source) -> None:
    header = bool(source.options.get("header", True))
    names = header_names(_header(source.file)) if header and source.span.start else None
    with source.span.open() as stream:
        found = parts(stream, header=header and names is None, whole=source.span.whole)
        first = next(found, None)
        if first is None:
            if source.span.start:
                return
            raise DatasetError("the CSV is empty")
        if not isinstance(first, Columns) and (reason := _undecoded("".join(first[0][1]))) and not source.span.start:
            raise DatasetError(reason)
        if header and names is None and not isinstance(first, Columns):
            names = header_names(first[0][1])
            source.profile.add(dict.fromkeys(names, ()), 0)
        else:
            found = chain([first], found)
        for part in found:
            if names is None:
                _add_unnamed(source, part)
            else:
                _add_named(source, part, names)


def _header(file: Path) -> list[str]:
    """The names of a file whose first part is read elsewhere. Raises DatasetError."""
    with Span(file=file).open() as stream:
        first = next(parts(stream, header=True, whole=False))
    names = first[0][1] if not isinstance(first, Columns) else []
    if reason := _undecoded("".join(names)):
        raise DatasetError(reason)
    return names


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
        with source.span.open() as stream:
            numbered = ((number, line) for number, line in enumerate(stream.lines(), 1) if line.strip())
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
            add_batch(source.profile, batch)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"it is not Parquet: {error}") from error


def add_batch(profile: Profile, batch: Any) -> None:
    """Take an Arrow record batch. Raises DatasetError for a column that is nested."""
    import pyarrow as pa

    profile.add({name: _arrow(pa, name, batch.column(name)) for name in batch.schema.names}, batch.num_rows)


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
