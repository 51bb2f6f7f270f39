"""The ground truth merge: captured records and the labels that came for them, by inference id.

In: the merge job's environment; out: a file of merged records beside each folder of captured ones, and merge_report.json. A record
without a label is dropped and counted; of several labels of one id the newest counts, and so do those that came late.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from fogbank.contracts.capture import read_line
from fogbank.contracts.monitoring import NO_DATA, AnalyzerSettings, analyzer_settings
from fogbank.contracts.quality import (
    MERGE_REPORT,
    REPORT_PATH,
    Label,
    lines_of,
    merged_line,
    merged_output,
    read_label,
)
from fogbank.monitor.batch_output import Answered, answered
from fogbank.monitor.dataset import Aside, DatasetError
from fogbank.monitor.emitted import text


@dataclass(frozen=True, kw_only=True)
class MergeSettings:
    """The folders of captured records and of labels."""

    analyzer: AnalyzerSettings
    ground_truth: Path
    report: Path


def merge_settings(env: Mapping[str, str]) -> MergeSettings:
    """Settings from the environment, of which a merge has no dataset_format. Raises KeyError or ValueError that names the variable."""
    return MergeSettings(
        analyzer=analyzer_settings({"dataset_format": '{"sagemakerCaptureJson": {}}', **env}),
        ground_truth=Path(env["ground_truth_source"]),
        report=Path(env.get(REPORT_PATH) or env["output_path"]),
    )


def merge(settings: MergeSettings) -> str:
    """Merge, and say so. Raises DatasetError where nothing matches."""
    aside = Aside()
    labels, duplicates = _labels(settings.ground_truth, aside)
    used: set[str] = set()
    counts = {"records": 0, "merged": 0, "duplicate_records": 0}
    [(kind, options)] = settings.analyzer.dataset_format.items()
    batch = kind != "sagemakerCaptureJson"
    source = settings.analyzer.dataset_source
    for file in sorted(path for path in source.rglob("*" if batch else "*.jsonl") if path.is_file()):
        if batch:
            lines = _of_output(answered(file, kind, options, aside), labels, counts, used)
        else:
            lines = _merged(file, settings.analyzer, labels, counts, used, aside)
        if lines:
            folder = settings.analyzer.output_path / _folder(file.parent.relative_to(source))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"part-00000-{uuid.uuid4()}.c000.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not counts["records"]:
        raise DatasetError(f"{aside.named[0]} (of {aside.count} records none can be read)" if aside.named else NO_DATA)
    if not counts["merged"]:
        raise DatasetError(
            f"of {counts['records']} captured records and {len(labels)} labels none have one id: labels are matched by inferenceId, where a "
            "record has one, else by eventId; of a batch transform job by SageMakerInferenceId"
        )
    report = {
        **counts,
        "without_label": counts["records"] - counts["merged"],
        "labels": len(labels),
        "labels_without_record": len(labels) - len(used),
        "duplicate_labels": duplicates,
        "set_aside": {"count": aside.count, "records": [asdict(bad) for bad in aside.named]},
    }
    text(settings.report / MERGE_REPORT, json.dumps(report, indent=1) + "\n")
    message = f"Completed: merged {counts['merged']} of {counts['records']} captured records with ground truth."
    text(settings.analyzer.base_dir / "output" / "message", message)
    return message


def _labels(folder: Path, aside: Aside) -> tuple[dict[str, Label], int]:
    """The newest label of each id (files are named by their hours), and how many others there were; what a file is called does not matter."""
    labels: dict[str, Label] = {}
    count = 0
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        for number, line in lines_of(file.read_bytes()):
            try:
                label = read_label(line)
            except ValueError as error:
                aside.add(file.name, number, str(error))
            else:
                labels[label.id] = label
                count += 1
    if not labels:
        raise DatasetError(
            f"{NO_DATA}: there is no ground truth" + (f" that can be read: {aside.named[0]}" if aside.named else "")
        )
    return labels, count - len(labels)


def _count(label: Label, counts: dict[str, int], used: set[str]) -> None:
    """One more record has a label; where another one has had it, both count, and that is told."""
    counts["merged"] += 1
    counts["duplicate_records"] += label.id in used
    used.add(label.id)


def _folder(place: Path) -> Path:
    """Where merged records go: captured ones beside theirs, those of a batch transform job by its hour alone."""
    hour = re.match(r"\d{4}/\d\d/\d\d/\d\d(?=/)", place.as_posix())
    return Path(hour[0]) if hour else place


def _of_output(
    records: Iterator[Answered], labels: Mapping[str, Label], counts: dict[str, int], used: set[str]
) -> list[str]:
    """Records of a batch transform job's output: all are of the window, whose manifests name them."""
    lines = []
    for record in records:
        counts["records"] += 1
        label = labels.get(record.id)
        if label is not None:
            _count(label, counts, used)
            lines.append(merged_output(record.data, record.encoding, label))
    return lines


def _merged(
    file: Path,
    settings: AnalyzerSettings,
    labels: Mapping[str, Label],
    counts: dict[str, int],
    used: set[str],
    aside: Aside,
) -> list[str]:
    lines = []
    for number, line in lines_of(file.read_bytes()):
        try:
            record = read_line(line)
        except ValueError as error:
            aside.add(file.name, number, str(error))
            continue
        if (settings.start and record.time < settings.start) or (settings.end and record.time >= settings.end):
            continue
        counts["records"] += 1
        label = labels.get(record.inference_id or record.event_id)
        if label is not None:
            _count(label, counts, used)
            lines.append(merged_line(line.decode(), label))
    return lines
