"""Which log groups and streams SageMaker has here: the files of endpoints' instances and of jobs, by AWS's names.

In: the folder of the logs, and the jobs of a region; out: streams. Source: SageMaker Developer Guide, "Log groups and streams".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fogbank.cloud.logs.marks import Marks, Times
from fogbank.ground.paths import EscapeError, inside

ENDPOINTS, COMPONENTS = "/aws/sagemaker/Endpoints/", "/aws/sagemaker/InferenceComponents/"
HOMES = {ENDPOINTS: "endpoints", COMPONENTS: "components"}
"""What has a group of its own for each name, and the folder that has its logs."""
TRANSFORMS, PROCESSING = "/aws/sagemaker/TransformJobs", "/aws/sagemaker/ProcessingJobs"
Jobs = Callable[[str], Iterable[tuple[str, float]]]
"""The names of a region's jobs of one kind, and when they were created."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One log stream: its name, the file that it is, and the times of what is in it."""

    name: str
    path: Path
    times: Times


class Streams:
    """Finds streams. `jobs` are those of each group of jobs."""

    def __init__(self, folder: Path, marks: Marks, jobs: Mapping[str, Jobs]) -> None:
        self._folder, self._marks, self._jobs = folder, marks, jobs

    def of(self, region: str, group: str) -> list[Stream]:
        """The streams of a group that have a line, by name; none where the group is not one of SageMaker's."""
        prefix = next((each for each in HOMES if group.startswith(each)), None)
        if prefix is not None:
            found = self._of_instances(HOMES[prefix], region, group.removeprefix(prefix))
        elif group in self._jobs:
            found = self._of_jobs(region, group)
        else:
            return []
        streams = [
            Stream(name=name, path=path, times=self._marks.times(path)) for name, path in found if path.is_file()
        ]
        with_lines = [stream for stream in streams if stream.times.end > stream.times.gone]
        return sorted(with_lines, key=lambda stream: stream.name)

    def groups(self, region: str) -> list[str]:
        """The groups of a region that have a stream."""
        names = [
            f"{prefix}{path.name}"
            for prefix, folder in HOMES.items()
            if (home := self._home(folder, region))
            for path in sorted(home.glob("*"))
        ]
        return [group for group in (*names, *self._jobs) if self.of(region, group)]

    def _home(self, folder: str, *names: str) -> Path | None:
        try:
            return inside(inside(self._folder, folder), "/".join(names))
        except EscapeError:
            return None

    def _of_instances(self, folder: str, region: str, name: str) -> Iterator[tuple[str, Path]]:
        """By variant and instance; of a pipeline's instance there is one for each container."""
        home = self._home(folder, region, name)
        if home is None:
            return
        for path in home.glob("*/**/*.log"):
            yield path.relative_to(home).with_suffix("").as_posix(), path

    def _of_jobs(self, region: str, group: str) -> Iterator[tuple[str, Path]]:
        for job, created in self._jobs[group](region):
            if group == PROCESSING:
                yield from self._of_hosts(job, int(created))
                continue
            name, home = f"{job}/{_instance(job)}-{int(created)}", self._folder / "transform"
            yield name, inside(home, f"{job}.log")
            yield f"{name}/data-log", inside(home, f"{job}-data-log.log")

    def _of_hosts(self, job: str, created: int) -> Iterator[tuple[str, Path]]:
        """A processing job's: algo-1 has the file of the job's name, the others one with theirs behind it."""
        home = self._folder / "processing"
        yield f"{job}/algo-1-{created}", inside(home, f"{job}.log")
        for path in home.glob(f"{job}.algo-*.log"):
            yield f"{job}/{path.suffixes[-2].removeprefix('.')}-{created}", path


def _instance(job: str) -> str:
    """An instance's id, the same for the same job."""
    return f"i-{hashlib.sha256(job.encode()).hexdigest()[:17]}"
