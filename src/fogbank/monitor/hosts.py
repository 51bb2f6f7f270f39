"""The hosts of one analysis: each reads its share of the data, and the first puts together what all have read, part by part, in an order
that no timing changes.

In: the job's configuration, as a processing container finds it; out: an iterator in place of `together.in_order`. The other hosts come to a
port of the first one, say who they are, and tell their parts as fast as those are taken: no more of them waits than the connection
holds. Where all hosts have the same files, the parts are those of one host, and so is the result, to the last byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self, TypeVar

from fogbank.contracts.hosts import ISOLATED, MEETING, PORT, Meeting
from fogbank.contracts.processing import SHARDED
from fogbank.monitor.frames import Frames, LineError
from fogbank.monitor.hello import Reception, hello
from fogbank.monitor.spans import listing
from fogbank.monitor.together import EndedError, in_order

ROOT = "/opt/ml"
COME_S = 300.0
"""So long a host may take to come, or to be there to come to: those of one job start within minutes."""
AGAIN_S, WAITING = 0.2, 128
OTHER_FILES = "{} has not the files that {} has: what is in S3 changed while they read it; run the job again"
Item = TypeVar("Item")
Result = TypeVar("Result")


class ToldError(Exception):
    """Not the first host, and it has told its parts: the rest is the first one's. The text says so."""


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The hosts of a job; of its inputs, by the folders where they lie, some are `sharded`: each host has files of its own there."""

    current: str
    names: Sequence[str]
    meeting: Meeting
    sharded: Sequence[PurePosixPath] = ()
    replicated: Sequence[PurePosixPath] = ()

    @property
    def leads(self) -> bool:
        """Whether this is the first one."""
        return self.current == self.names[0]

    @property
    def number(self) -> int:
        """Which one it is, from 0."""
        return self.names.index(self.current)

    def differ(self, folder: PurePosixPath) -> bool:
        """Whether each host has files of its own below a folder (of /opt/ml), which may lie in an input or have some below it. Raises
        ValueError where it is so for some of them."""
        sharded, replicated = (
            any(place.is_relative_to(folder) or folder.is_relative_to(place) for place in places)
            for places in (self.sharded, self.replicated)
        )
        if sharded and replicated:
            raise ValueError(f"S3DataDistributionType must be the same for all inputs below {folder} or around it")
        return sharded


def hosts_of(env: Mapping[str, str]) -> Hosts | None:
    """The hosts of this job; None where there is one. Raises ValueError where they cannot work together."""
    config = Path(env.get("SAGEMAKER_BASE_DIR", ROOT)) / "config"
    try:
        told = json.loads((config / "resourceconfig.json").read_bytes())
        names, current = [str(name) for name in told["hosts"]], str(told["current_host"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if len(names) < 2:
        return None
    if current not in names:
        raise ValueError(f"resourceconfig.json has the current host {current!r}, which is none of its hosts {names}")
    job = _job(config / "processingjobconfig.json")
    if (job.get("NetworkConfig") or {}).get("EnableNetworkIsolation"):
        raise ValueError(ISOLATED)
    token = hashlib.sha256(str(job.get("ProcessingJobArn")).encode()).hexdigest()
    meeting = Meeting.of(env[MEETING]) if env.get(MEETING) else Meeting(address=names[0], port=PORT, token=token)
    places: dict[bool, list[PurePosixPath]] = {True: [], False: []}
    for item in job.get("ProcessingInputs") or ():
        given = item.get("S3Input") or {}
        if given.get("LocalPath"):
            places[given.get("S3DataDistributionType") == SHARDED].append(PurePosixPath(given["LocalPath"]))
    return Hosts(current=current, names=names, meeting=meeting, sharded=places[True], replicated=places[False])


def _job(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"a job of several instances needs its {file.name}, which cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


@dataclass
class Crew:
    """A job's hosts at work, seen from one of them, and its lines to others: a context, which leaves no connection open.

    `differ`: each host has files of its own; else all have the same, below `folder`, which the first one compares.
    """

    hosts: Hosts
    differ: bool = False
    folder: Path | None = None
    come_s: float = COME_S
    _listener: socket.socket | None = None
    _lines: dict[str, Frames] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Be there to be met, or come. Raises EndedError."""
        first, meeting = self.hosts.names[0], self.hosts.meeting
        if self.hosts.leads:
            try:
                self._listener = socket.create_server((meeting.address, meeting.port), backlog=WAITING)
            except OSError as error:
                raise EndedError(f"{first} cannot be met at {meeting.address}:{meeting.port}: {error}") from error
        else:
            self._lines[first] = self._come()
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines.values():
            line.close()
        if self._listener is not None:
            self._listener.close()

    def share(
        self, work: Callable[[Item], Result], items: Sequence[Item], processes: int | None = None
    ) -> Iterator[Result]:
        """What `work` gives for each item, of which each host does its share: on the first host all of them in their order (where hosts have
        files of their own, one of each host in turn); the others tell theirs.

        Raises what `work` raised first, on all hosts; EndedError where a host does not come, or ends, or has other files; ToldError on the others.
        """
        own = items if self.differ else items[self.hosts.number :: len(self.hosts.names)]
        found = in_order(work, own, processes)
        if self.hosts.leads:
            yield from self._gathered(found)
        else:
            self._tell(found)

    def _gathered(self, found: Iterator[Any]) -> Iterator[Any]:
        """One part of each host in turn, this one's first; at the end, or at an error, all are told."""
        try:
            self._meet()
            own = self._listing()
            turns = [found, *(self._told(name, self._lines[name], own) for name in self.hosts.names[1:])]
            while turns:
                for turn in list(turns):
                    try:
                        part = next(turn)
                    except StopIteration:
                        turns.remove(turn)
                    else:
                        yield part
        except Exception as error:
            self._all_hear(error)
            raise
        self._all_hear(None)

    def _meet(self) -> None:
        """Wait for the other hosts; who has no token, or no name, is sent away. Raises EndedError."""
        assert self._listener is not None  # noqa: S101 - the first host has one
        others = self.hosts.names[1:]
        lacking = [name for name in others if name not in self._lines]
        try:
            for name, connection in Reception(self._listener, self.hosts.meeting.token, lacking).met(
                time.monotonic() + self.come_s
            ):
                self._lines[name] = Frames(connection)
        except OSError as error:
            late = next(name for name in others if name not in self._lines)
            raise EndedError(
                f"{late} has not come to {self.hosts.names[0]} within {self.come_s:g} s: {error}"
            ) from error

    def _listing(self) -> str:
        """What all hosts must have, if they share files."""
        return "" if self.differ or self.folder is None else listing(self.folder)

    def _told(self, name: str, line: Frames, own: str) -> Iterator[Any]:
        """The parts that a host tells, behind what files it has, until it says that there are no more. Raises what it raised; EndedError."""
        while True:
            try:
                kind, part = line.get()
            except LineError as error:
                raise EndedError(f"{name} ended before all of its data was read: {error}") from error
            if kind == "end":
                return
            if kind == "error":
                raise part
            if kind == "part":
                yield part
            elif part != own:
                raise EndedError(OTHER_FILES.format(name, self.hosts.names[0]))

    def _all_hear(self, error: Exception | None) -> None:
        """All hosts are told how this round ended; after an error what they still tell is let pass."""
        for line in self._lines.values():
            with contextlib.suppress(LineError):
                line.put("over", error)
        for line in self._lines.values() if error is not None else ():
            with contextlib.suppress(LineError):
                while line.get()[0] != "over":
                    pass

    def _come(self) -> Frames:
        """A line to the first host. Raises EndedError."""
        meeting, until = self.hosts.meeting, time.monotonic() + self.come_s
        while True:
            try:
                connection = socket.create_connection((meeting.address, meeting.port), timeout=self.come_s)
                connection.sendall(hello(meeting.token, self.hosts.current))
                return Frames(connection)
            except OSError as error:
                if time.monotonic() > until:
                    raise EndedError(
                        f"{self.hosts.names[0]} cannot be reached at {meeting.address}:{meeting.port} within {self.come_s:g} s: {error}"
                    ) from error
                time.sleep(AGAIN_S)

    def _tell(self, found: Iterator[Any]) -> None:
        """Tell the parts, until there are none or the first host has heard enough. Raises ToldError, and what ended the round."""
        first = self.hosts.names[0]
        line = self._lines[first]
        try:
            line.put("files", self._listing())
            _tell_parts(line, found)
            _, error = line.get()
            if isinstance(error, Exception):
                line.put("over")
                raise error
        except LineError as ended:
            raise EndedError(f"{first} ended before it had heard everything: {ended}") from ended
        raise ToldError(f"{self.hosts.current} has told {first} what it has read.")


def _tell_parts(line: Frames, found: Iterator[Any]) -> None:
    """Raises LineError."""
    try:
        for part in found:
            if select.select([line], [], [], 0)[0]:
                return
            line.put("part", part)
    except LineError:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised where its turn is, and then on all hosts
        line.put("error", error)
        return
    line.put("end")
