"""Captured records of a window, and their labels, out of S3: its hours alone. A job that EventBridge Scheduler starts cannot name them among its inputs, since
of the scheduled time the Scheduler gives the whole alone; so the analyzer reads them itself, under the job's role.

In: where an endpoint's records are captured, or the manifests of batch transform jobs, and a window; out: the files of its hours, below a
folder, as an input of the job would have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from fogbank.contracts.capture import hour_prefix
from fogbank.contracts.monitoring import BATCHES, CAPTURED, LABELS, AnalyzerSettings
from fogbank.contracts.object_manifests import ManifestError, manifest_keys
from fogbank.ground.paths import inside
from fogbank.monitor.bucket import Bucket
from fogbank.monitor.dataset import DatasetError

AT_ONCE = 8
HOUR = timedelta(hours=1)


def in_s3(env: Mapping[str, str]) -> bool:
    """Whether the records of a window are still to be brought."""
    return bool(env.get(CAPTURED) or env.get(BATCHES))


def bring(env: Mapping[str, str], settings: AnalyzerSettings) -> None:
    """Put the records of the window's hours below `settings.dataset_source`. Raises DatasetError."""
    if settings.start is None or settings.end is None:
        raise DatasetError("captured records are read of a window, and none is said")
    window = list(hours(settings.start, settings.end))
    settings.dataset_source.mkdir(parents=True, exist_ok=True)
    if env.get(CAPTURED):
        _bring_records(env, window, settings.dataset_source)
    else:
        _bring_objects(env, window, settings.dataset_source)


def bring_labels(env: Mapping[str, str], settings: AnalyzerSettings) -> None:
    """Put the labels of the window's first hour and all later ones below `ground_truth_source`: a label comes after its record, and late ones
    count. Raises DatasetError."""
    bucket, prefix = _split(env[LABELS])
    source, folder = Bucket(env, bucket), Path(env["ground_truth_source"])
    folder.mkdir(parents=True, exist_ok=True)
    first = f"{prefix}{settings.start:%Y/%m/%d/%H}/" if settings.start else ""
    keys = source.keys(prefix, after=first)
    _download(source, ((key, inside(folder, key.removeprefix(prefix))) for key in keys))


def hours(start: datetime, end: datetime) -> Iterator[datetime]:
    """The hours that a window touches, each by its beginning.

    >>> [f"{hour:%H}" for hour in hours(datetime(2026, 1, 1, 13, 50), datetime(2026, 1, 1, 15))]
    ['13', '14']
    """
    hour = start.replace(minute=0, second=0, microsecond=0)
    while hour < end:
        yield hour
        hour += HOUR


def _bring_records(env: Mapping[str, str], window: list[datetime], folder: Path) -> None:
    """An endpoint's: `<variant>/yyyy/mm/dd/HH/<file>` below the folder."""
    bucket, key = _split(env[CAPTURED])
    prefix, endpoint = key.rstrip("/").rpartition("/")[::2]
    source = Bucket(env, bucket)
    home = f"{prefix}/" if prefix else ""
    for variant in list(source.folders(f"{home}{endpoint}/")):
        for hour in window:
            keys = source.keys(home + hour_prefix(endpoint, variant, hour))
            _download(source, ((item, inside(folder, item.removeprefix(f"{home}{endpoint}/"))) for item in keys))


def _bring_objects(env: Mapping[str, str], window: list[datetime], folder: Path) -> None:
    """What the manifests of batch transform jobs name: `yyyy/mm/dd/HH/<number>/<name>` below the folder, a number for each job."""
    bucket, prefix = _split(env[BATCHES].rstrip("/") + "/")
    source = Bucket(env, bucket)
    for hour in window:
        place = f"{hour:%Y/%m/%d/%H}"
        for number, key in enumerate(source.keys(f"{prefix}{place}/"), 1):
            try:
                uri, names = manifest_keys(source.read(key))
            except ManifestError as error:
                raise DatasetError(f"s3://{bucket}/{key} names no captured objects: {error}") from error
            home, start = _split(uri)
            own = inside(folder, f"{place}/{number}")
            places = ((start + name, inside(own, name or start.rpartition("/")[2])) for name in names)
            _download(Bucket(env, home), places)


def _split(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _download(source: Bucket, places: Iterable[tuple[str, Path]]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(source.download, item, place) for item, place in places]:
            done.result()
