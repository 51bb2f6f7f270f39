"""Which captured files an execution reads: those of an endpoint's variants that hold a record of the window.

In: an endpoint and a window; out: the files' URIs and folders. A file of which no line can be read is among them: the analyzer
names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.resource import Record
from fogbank.cloud.hosting.deployment import EndpointState
from fogbank.cloud.jobs.objects import Objects
from fogbank.contracts.capture import hour_prefix, read_lines
from fogbank.ground.aws import join_key, split_uri

HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """[start, end), in whole seconds of UTC."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.start <= moment < self.end

    def hours(self) -> Iterator[datetime]:
        """Every hour that it touches, by its beginning."""
        hour = self.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        while hour < self.end:
            yield hour
            hour += HOUR


@dataclass(frozen=True, kw_only=True)
class CaptureSource:
    """Where an endpoint's captured records lie: below `uri`, a folder for each variant. Those of `shadows` are not looked at."""

    uri: str
    endpoint: str
    shadows: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class CaptureFile:
    """A captured file; `folder` is its place below the capture's URI: `<endpoint>/<variant>/yyyy/mm/dd/HH`.

    Of batch transform jobs it is a `manifest` of the objects that are captured, and its folder is its hour's.
    """

    uri: str
    folder: str
    manifest: bool = False


class Captures:
    """Captured records in S3; `source` looks an endpoint's up, `flush` delivers what is captured so far."""

    def __init__(
        self, objects: Objects, source: Callable[[str, str], CaptureSource | None], flush: Callable[[], object]
    ) -> None:
        self._objects, self._source, self._flush = objects, source, flush

    def files(self, region: str, endpoint: str, window: Window) -> list[CaptureFile]:
        """The files that hold records of a window: of every variant that has captured some, also one that an update has replaced since.

        Raises ObjectError.
        """
        self._flush()
        source = self._source(region, endpoint)
        if source is None:
            return []
        bucket, prefix = split_uri(source.uri)
        variants = self._objects.folders(bucket, join_key(prefix, f"{source.endpoint}/"))
        return [
            CaptureFile(uri=f"s3://{bucket}/{key}", folder=folder.rstrip("/"))
            for variant in variants
            if variant not in source.shadows
            for hour in window.hours()
            for folder in [hour_prefix(source.endpoint, variant, hour)]
            for key in self._objects.list(bucket, join_key(prefix, folder))
            if self._holds(bucket, key, window)
        ]

    def captured(self, region: str, endpoint: str) -> bool:
        """Whether an endpoint is there, and captures."""
        return self._source(region, endpoint) is not None

    def labels(self, uri: str, window: Window) -> list[CaptureFile]:
        """The files of ground truth of a window's hours, which are those at which it was uploaded. Raises ObjectError."""
        bucket, prefix = split_uri(uri)
        return [
            CaptureFile(uri=f"s3://{bucket}/{key}", folder=folder)
            for hour in window.hours()
            for folder in [f"{hour:%Y/%m/%d/%H}"]
            for key in self._objects.list(bucket, join_key(prefix, folder + "/"))
            if not key.endswith("/")
        ]

    def manifests(self, uri: str, side: str, window: Window) -> list[CaptureFile]:
        """The manifests of a side (`input`, `output`) of the batch transform jobs that started in a window's hours. Raises ObjectError."""
        return [
            CaptureFile(uri=file.uri, folder=file.folder, manifest=True)
            for file in self.labels(f"{uri.rstrip('/')}/{side}", window)
        ]

    def below(self, uri: str) -> list[CaptureFile]:
        """Every file of records below a URI, each with its folder there. Raises ObjectError."""
        bucket, prefix = split_uri(uri.rstrip("/") + "/")
        return [
            CaptureFile(uri=f"s3://{bucket}/{key}", folder=key.removeprefix(prefix).rpartition("/")[0])
            for key in self._objects.list(bucket, prefix)
            if key.endswith(".jsonl")
        ]

    def _holds(self, bucket: str, key: str, window: Window) -> bool:
        records = [line.record for line in read_lines(self._objects.get(bucket, key))]
        times = [record.time for record in records if record is not None]
        return any(map(window.holds, times)) or (bool(records) and not times)


def capture_source(
    find: Callable[[str, str], Record[EndpointState] | None], region: str, endpoint: str
) -> CaptureSource | None:
    """Where the records of an endpoint lie, if it is there and captures."""
    record = find(region, endpoint)
    capture = record.state.capture if record else None
    if record is None or capture is None:
        return None
    shadows = [item["VariantName"] for item in record.state.live.shadows] if record.state.live else []
    return CaptureSource(uri=capture.destination, endpoint=record.name, shadows=shadows)


def check_captured(find: Callable[[str, str], Record[EndpointState] | None], region: str, endpoint: str) -> None:
    """Refuse an endpoint that cannot be monitored; one that is not there yet may come. Raises ValidationException.

    Source: the Developer Guide's "Feature exclusions" of serverless inference.
    """
    record = find(region, endpoint)
    deployment = (record.state.pending or record.state.live) if record else None
    if deployment is not None and deployment.serverless:
        raise validation(
            f'Endpoint "{endpoint}" is serverless: Model Monitor and data capture are not supported there.'
        )
