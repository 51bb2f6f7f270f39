"""The analyzer: what runs as a processing container, over a baseline data set or over the captured records of a window.

In: the environment that Model Monitor sets; out: statistics.json, constraints.json, constraint_violations.json, shifts.json,
CloudWatch metric lines and the verdict; bad_records.json where records could not be read. A monitor's own scripts run in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from fogbank.contracts.monitoring import (
    BAD_RECORDS,
    CONSTRAINTS,
    NO_DATA,
    PREPROCESSOR,
    SHIFTS,
    STATISTICS,
    STREAM,
    VIOLATIONS,
    AnalyzerSettings,
    exit_message,
)
from fogbank.monitor.baseline import encode
from fogbank.monitor.captures import read_captures
from fogbank.monitor.constraints import monitoring_config, suggest_constraints, violations
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.documents import read_document
from fogbank.monitor.edited import constraint_problems
from fogbank.monitor.edited_statistics import statistics_problems
from fogbank.monitor.emitted import publish, text
from fogbank.monitor.files import Profiled, profile_files
from fogbank.monitor.profile import Document
from fogbank.monitor.scripts import Preprocessor, Script, postprocess
from fogbank.monitor.shifts import shifts
from fogbank.monitor.stream import Window, continued, digest, evidence
from fogbank.monitor.together import Sharing, in_order

SAID = 5
"""So many problems of a file are told."""


def analyze(settings: AnalyzerSettings, window: Window | None = None, share: Sharing = in_order) -> str:
    """Run the analysis, write its files and return the exit message; with a `window` the evidence of its stream goes on. Of a job of several
    hosts each does its `share` of the reading, and the first one all else.

    Raises DatasetError, ScriptError, and what `share` raises.
    """
    constraints = _constraints(settings.baseline_constraints)
    base = _checked(settings.baseline_statistics, statistics_problems)
    names = [item["name"] for item in constraints["features"]] if constraints else []
    read = _read(settings, names, share)
    now = read.profile.of_words(_words(constraints)).document()
    settings.output_path.mkdir(parents=True, exist_ok=True)
    _write(settings.output_path / STATISTICS, now)
    _write(settings.output_path / CONSTRAINTS, constraints or suggest_constraints(now))
    failures = violations(read.profile, now, constraints, base) if constraints else []
    if constraints:
        _write(settings.output_path / VIOLATIONS, {"violations": failures})
    if base:
        _shifts(settings.output_path, base, now, read.outputs, window)
    if read.aside.count:
        named = [asdict(bad) for bad in read.aside.named]
        _write(settings.output_path / BAD_RECORDS, {"count": read.aside.count, "records": named})
    if settings.publish_metrics and monitoring_config(constraints)["emit_metrics"] == "Enabled":
        publish(settings, now, base, monitoring_config(constraints)["distribution_constraints"])
    if settings.postprocessor is not None:
        postprocess(settings.postprocessor)
    first = str(read.aside.named[0]) if read.aside.named else ""
    message = exit_message(len(failures), read.aside.count, first)
    text(settings.base_dir / "output" / "message", message)
    return message


def _shifts(folder: Path, base: Document, now: Document, outputs: tuple[str, ...], window: Window | None) -> None:
    """What has shifted in this window, and in the stream that it continues."""
    found = shifts(base, now, outputs=outputs)
    if window is not None:
        found["stream"], columns = _stream(folder, base, now, window)
        for item in found["features"]:
            if item["name"] in columns:
                item["stream"] = columns[item["name"]]
    _write(folder / SHIFTS, found)


def _stream(folder: Path, base: Document, now: Document, window: Window) -> tuple[Document, dict[str, Document]]:
    """What all windows together say, as shifts.json has it; of one that is left out what those before it say, if that is known, and why."""
    reference = digest(base)
    if left_out := window.left_out(reference):
        whole, columns = evidence(window.before) if window.before is not None else ({}, {})
        return {**whole, "left_out": left_out}, columns
    stream = continued(window, base, now, reference=reference)
    _write(folder / STREAM, stream)
    return evidence(stream)


def _read(settings: AnalyzerSettings, names: list[str], share: Sharing) -> Profiled:
    kind, options = next(iter(settings.dataset_format.items()), ("", {}))
    if kind == "sagemakerCaptureJson":
        source, start, end = settings.dataset_source, settings.start, settings.end
        if settings.preprocessor is None:
            return read_captures(source, start, end, names, share=share)
        with Script(settings.preprocessor, "preprocess") as script:
            return read_captures(source, start, end, names, Preprocessor(script), share=share)
    if settings.preprocessor is not None:
        raise DatasetError(f"{PREPROCESSOR} reads captured records, and dataset_format is {kind}")
    files = sorted(path for path in settings.dataset_source.rglob("*") if path.is_file())
    return profile_files(files, kind, options, names, share=share).some(NO_DATA)


def _words(constraints: Document | None) -> Iterator[str]:
    """The features that the baseline knows to be texts: they are compared as such, also where all of a window looks like numbers."""
    for item in constraints["features"] if constraints else ():
        if item.get("inferred_type") == "String":
            yield item["name"]


def _constraints(path: Path | None) -> Document | None:
    """A baseline's constraints, which may have been edited. Raises DatasetError with what is wrong with them."""
    return _checked(path, constraint_problems)


def _checked(path: Path | None, problems: Callable[[Document], Iterable[str]]) -> Document | None:
    """A baseline's file. Raises DatasetError with the first of its problems."""
    document = read_document(path)
    if path is None or document is None:
        return None
    if not _has_features(document):
        raise DatasetError(f"the baseline file {path.name} has no features with names")
    if first := list(islice(problems(document), SAID)):
        raise DatasetError(f"the baseline file {path.name} is not right: {'; '.join(first)}")
    return document


def _has_features(document: Document) -> bool:
    features = document.get("features")
    return isinstance(features, list) and all(isinstance(item, dict) and "name" in item for item in features)


def _write(path: Path, document: Document) -> None:
    path.write_bytes(encode(document))
