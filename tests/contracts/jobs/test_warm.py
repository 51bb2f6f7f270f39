"""The warm analyzer: a run of it is as a process of its own, and knows nothing of another."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fogbank.cloud.jobs.job import JobStoppedError
from fogbank.cloud.jobs.processor import JobTimeoutError, ProcessingContainer, run_process, run_warm
from fogbank.cloud.jobs.warm import WarmAnalyzer, WarmError
from fogbank.contracts.warm_lines import LARGEST, asked
from fogbank.ground.processes import children, working_folder
from tests.contracts.aws.test_processor import alive
from tests.waiting import until, until_answer

PYTHON = Path(sys.executable)


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[WarmAnalyzer]:
    analyzer = WarmAnalyzer(tmp_path / "analyzer")
    yield analyzer
    analyzer.close()


def container(home: Path, limit_s: float = 60, **environment: str) -> ProcessingContainer:
    home.mkdir(parents=True, exist_ok=True)
    return ProcessingContainer(
        image="i", home=home, log=home.with_suffix(".log"), limit_s=limit_s, environment=environment
    )


def waits(home: Path, limit_s: float = 60) -> ProcessingContainer:
    """One that reads a pipe, and waits for a writer, who never comes."""
    made = container(
        home, limit_s, dataset_format="{}", dataset_source="/opt/ml/in", output_path="/opt/ml/out",
        baseline_statistics="/opt/ml/pipe",
    )  # fmt: skip
    os.mkfifo(home / "pipe")
    return made


def working_in(folder: Path) -> list[int]:
    """The runs whose folder it is."""
    below = [run for analyzer in children(os.getpid()) for run in children(analyzer)]
    return [run for run in below if working_folder(run) == folder.resolve()]


def test_a_run_says_and_leaves_what_a_process_of_its_own_does(warm: WarmAnalyzer, tmp_path: Path) -> None:
    told = {}
    environments: tuple[tuple[str, dict[str, str]], ...] = (
        ("a", {"dataset_format": "{}"}),
        ("b", {}),
        ("c", {"dataset_source": "/opt/ml/ä"}),
    )
    for name, environment in environments:
        here, there = (
            container(tmp_path / name, 60, **environment),
            container(tmp_path / f"{name}-own", 60, **environment),
        )
        statuses = (
            run_warm(warm, PYTHON, here, threading.Event()),
            run_process([str(PYTHON), "-P", "-m", "fogbank.monitor"], there, threading.Event(), programs=[PYTHON]),
        )
        messages = [(each.home / "output" / "message").read_bytes() for each in (here, there)]
        assert statuses == (1, 1)
        assert messages[0] == messages[1]
        assert here.log.read_bytes() == there.log.read_bytes()
        told[name] = messages[0]
    assert told["a"] != told["b"]  # which does not have the first one's environment


@pytest.mark.parametrize("late", [False, True])
def test_a_run_that_is_stopped_or_takes_too_long_is_not_left(warm: WarmAnalyzer, tmp_path: Path, late: bool) -> None:
    stop, run = threading.Event(), waits(tmp_path / "run", limit_s=1 if late else 60)
    pids: list[int] = []

    def stops() -> None:
        pids.extend(until_answer(lambda: working_in(run.home), bool))
        if not late:
            stop.set()

    watching = threading.Thread(target=stops)
    watching.start()
    with pytest.raises(JobTimeoutError if late else JobStoppedError):
        run_warm(warm, PYTHON, run, stop)
    watching.join()

    until(lambda: not any(map(alive, pids)))


def test_one_that_dies_takes_its_runs_along_and_another_takes_its_place(warm: WarmAnalyzer, tmp_path: Path) -> None:
    run, pids = waits(tmp_path / "run"), list[int]()

    def kills() -> None:
        pids.extend(until_answer(lambda: working_in(run.home), bool))
        [analyzer] = [pid for pid in children(os.getpid()) if set(pids) & set(children(pid))]
        os.kill(analyzer, signal.SIGKILL)

    killing = threading.Thread(target=kills)
    killing.start()
    with pytest.raises(WarmError):
        run_warm(warm, PYTHON, run, threading.Event())
    killing.join()

    until(lambda: not any(map(alive, pids)))
    assert run_warm(warm, PYTHON, container(tmp_path / "again"), threading.Event()) == 1


def test_it_ends_with_the_cloud_and_where_it_cannot_start_that_is_said(tmp_path: Path) -> None:
    analyzer = WarmAnalyzer(tmp_path / "analyzer")
    run_warm(analyzer, PYTHON, container(tmp_path / "a"), threading.Event())
    before = [pid for pid in children(os.getpid()) if working_folder(pid) == (tmp_path / "analyzer").resolve()]
    assert len(before) == 1
    analyzer.close()
    until(lambda: not any(map(alive, before)))

    with pytest.raises(WarmError):
        run_warm(analyzer, tmp_path / "none", container(tmp_path / "b"), threading.Event())


def test_a_run_that_is_longer_than_a_message_is_a_process_of_its_own_and_the_others_go_on(
    warm: WarmAnalyzer, tmp_path: Path
) -> None:
    stop, run, ends = threading.Event(), waits(tmp_path / "run"), list[type[Exception]]()

    def work() -> None:
        try:
            run_warm(warm, PYTHON, run, stop)
        except (WarmError, JobStoppedError) as end:
            ends.append(type(end))

    working = threading.Thread(target=work)
    working.start()
    until(lambda: working_in(run.home))
    with pytest.raises(WarmError, match="Message too long"):
        run_warm(warm, PYTHON, container(tmp_path / "long", X="x" * LARGEST), threading.Event())
    stop.set()
    working.join()

    assert ends == [JobStoppedError]


def test_what_is_no_run_is_told_by_the_end_of_its_descriptors() -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    status, theirs = socket.socketpair()
    with here, there, status:
        for body in (b"{", b"[]", b"{}"):
            socket.send_fds(here, [body], [theirs.fileno()] * 3)
            with pytest.raises(ValueError, match="no run"):
                asked(there)
        theirs.close()
        assert status.recv(1) == b""
