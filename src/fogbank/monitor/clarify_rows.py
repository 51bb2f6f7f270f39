"""The rows of a bias analysis: of a data set's files, or of merged records, whose request has the features and whose answer the prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fogbank.contracts.clarify import BiasConfig
from fogbank.contracts.monitoring import NO_DATA, AnalyzerSettings
from fogbank.contracts.quality import QualitySettings, lines_of, read_merged
from fogbank.monitor.captures import records_of
from fogbank.monitor.dataset import Aside, DatasetError, header_names, numbered_rows, positional
from fogbank.monitor.facets import Table
from fogbank.monitor.fields import flat, read_json
from fogbank.monitor.labelled import prediction, rows_and_labels
from fogbank.monitor.numbers import is_number
from fogbank.monitor.payloads import Part, parts_of

Fields = Mapping[str, str]


def dataset_table(folder: Path, headers: Sequence[str], dataset_type: str, aside: Aside) -> Table:
    """A data set; what of it cannot be read is set aside. Raises DatasetError."""
    rows: list[Fields] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if dataset_type == "text/csv":
            rows += _whole_csv(file, headers, aside)
        elif dataset_type == "application/jsonlines":
            rows += _json(file, aside)
        else:
            raise DatasetError(
                f"dataset_type {dataset_type!r} is not supported here: text/csv and application/jsonlines are"
            )
    return _table(rows, aside)


def monitored_table(settings: AnalyzerSettings, headers: Sequence[str]) -> tuple[Table, Aside]:
    """The features of captured requests, or of what batch transform jobs were given. Raises DatasetError."""
    aside = Aside()
    [(kind, options)] = settings.dataset_format.items()
    if kind != "sagemakerCaptureJson":
        return _given_table(settings.dataset_source, kind, options, headers, aside), aside
    rows: list[Fields] = []
    for file, number, record in records_of(settings.dataset_source, settings.start, settings.end, aside):
        try:
            if record.input is None:
                raise DatasetError("it has no endpointInput: capture requests")  # noqa: TRY301 - set aside like the others
            rows += [_named(part, headers) for part in parts_of(record.input)]
        except DatasetError as error:
            aside.add(file, number, str(error))
    return _table(rows, aside), aside


def _given_table(folder: Path, kind: str, options: Mapping[str, object], headers: Sequence[str], aside: Aside) -> Table:
    if kind == "json":
        return dataset_table(folder, (), "application/jsonlines", aside)
    return dataset_table(folder, () if options.get("header") else headers, "text/csv", aside)


def _named(part: Part, headers: Sequence[str]) -> Fields:
    """A row's features by name."""
    if isinstance(part, list):
        return dict(zip(positional(len(part), headers), part, strict=True))
    return {name: value or "" for name, value in part.items()}


def merged_table(settings: QualitySettings, config: BiasConfig) -> tuple[Table, list[str], Aside]:
    """The features and labels of merged records, and their predictions: with the configuration's threshold their probabilities.

    Raises DatasetError.
    """
    aside = Aside()
    rows: list[Fields] = []
    predictions: list[str] = []
    names = [name for name in config.headers if name != config.label]
    for file in sorted(settings.analyzer.dataset_source.rglob("*.jsonl")):
        for number, line in lines_of(file.read_bytes()):
            try:
                own = _record(line, settings, config, names)
            except (ValueError, DatasetError) as error:
                aside.add(file.name, number, str(error))
            else:
                rows += [fields for fields, _ in own]
                predictions += [predicted for _, predicted in own]
    return _table(rows, aside), predictions, aside


def _record(line: bytes, settings: QualitySettings, config: BiasConfig, names: list[str]) -> list[tuple[Fields, str]]:
    """Features with the label, and the prediction, of a merged record's rows. Raises ValueError, DatasetError."""
    own = rows_and_labels(settings, line)
    if not own:
        return []
    record = read_merged(line)
    if record.input is None:
        raise DatasetError("it has no features: capture both sides, or give the batch transform job JoinSource Input")
    parts = parts_of(record.input)
    if len(parts) != len(own):
        raise DatasetError(f"the request has {len(parts)} rows and its answer {len(own)}")
    found: list[tuple[Fields, str]] = []
    for part, (label, predicted, probability) in zip(parts, own, strict=True):
        if isinstance(part, list) and len(part) < len(names):
            raise DatasetError(f"it has {len(part)} columns, and there are {len(names)} features")
        features = _named(part, names)
        truth, guess, score = prediction(settings, label, predicted, probability)
        if config.threshold is not None:
            guess = guess if score is None else repr(score)
            if not is_number(guess):
                raise DatasetError(f"probability_threshold is set, and the prediction {guess!r:.80} is no number")
        found.append(({**features, str(config.label): truth}, guess))
    return found


def _table(rows: list[Fields], aside: Aside) -> Table:
    if not rows:
        raise DatasetError(f"{aside.named[0]} (of {aside.count} records none can be read)" if aside.named else NO_DATA)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table({name: [row.get(name, "") for row in rows] for name in names})


def _whole_csv(file: Path, headers: Sequence[str], aside: Aside) -> Iterator[Fields]:
    """The rows of a file as far as it is CSV; where it is none it is set aside, and the others count."""
    try:
        yield from _csv(file, headers, aside)
    except (DatasetError, OSError) as error:
        aside.add(file.name, 0, str(error))


def _csv(file: Path, headers: Sequence[str], aside: Aside) -> Iterator[Fields]:
    with file.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as stream:
        rows = numbered_rows(stream)
        names = list(headers) or header_names(next(rows, (0, []))[1])
        for number, row in rows:
            if number == 1 and row == names:
                continue  # a header in spite of `headers`
            if len(row) == len(names):
                yield dict(zip(names, (cell.strip() for cell in row), strict=True))
            else:
                aside.add(file.name, number, f"a row has {len(row)} columns, the headers {len(names)}")


def _json(file: Path, aside: Aside) -> Iterator[Fields]:
    for number, line in lines_of(file.read_bytes()):
        try:
            yield {name: value or "" for name, value in flat(read_json(line.decode("utf-8", "replace"))).items()}
        except DatasetError as error:
            aside.add(file.name, number, str(error))
