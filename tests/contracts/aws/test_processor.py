"""The container of a processing job as a process: it ends with the job, and takes what it started with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.cloud.jobs.processor import ProcessingContainer, ProcessProcessor, is_analyzer
from fogbank.cloud.jobs.processor import run_process as run_command
from fogbank.contracts.analysis import ENTRYPOINT
from fogbank.ground.processes import working_below
from tests.waiting import until

FOLLOWS = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
time.sleep(60)
"""


def container(home: Path, limit_s: float = 30, **environment: str) -> ProcessingContainer:
    return ProcessingContainer(
        image="i", environment=environment, home=home, log=home / "logs" / "x.log", limit_s=limit_s
    )


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def run_process(command: list[str], of: ProcessingContainer, stop: threading.Event) -> int:
    return run_command(command, of, stop, programs=[Path(sys.executable)])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started(home: Path) -> None:
    """Wait until both processes are there; their numbers are those of their own namespace, where they have one."""
    until(lambda: (home / "pids").is_file() and len((home / "pids").read_text().split()) == 2)


def test_the_exit_status_and_what_it_prints(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['IN'], os.getcwd(), sorted(os.environ)); sys.exit(7)"

    status = run_process(python(code), container(tmp_path, IN="/opt/ml/processing/x"), threading.Event())

    assert status == 7
    printed = (tmp_path / "logs" / "x.log").read_text()
    assert printed.startswith(f"{tmp_path}/processing/x {tmp_path} ")
    assert "AWS" not in printed


def test_the_limit_ends_it(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"longer than MaxRuntimeInSeconds \(0.5 s\)"):
        run_process(python("import time; time.sleep(600)"), container(tmp_path, limit_s=0.5), threading.Event())


def test_a_stop_ends_it_and_all_that_it_started_though_it_does_not_listen(tmp_path: Path) -> None:
    stop, ends = threading.Event(), list[Exception]()
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOLLOWS

    def work() -> None:
        try:
            run_process(python(deaf), container(tmp_path), stop)
        except JobStoppedError as end:
            ends.append(end)

    thread = threading.Thread(target=work)
    thread.start()
    started(tmp_path)
    assert len(list(working_below(tmp_path))) >= 2
    stop.set()
    thread.join(20)

    assert len(ends) == 1
    until(lambda: not list(working_below(tmp_path)))


def test_what_it_left_running_does_not_outlive_it(tmp_path: Path) -> None:
    code = FOLLOWS.rpartition("time.sleep")[0]

    assert run_process(python(code), container(tmp_path), threading.Event()) == 0
    started(tmp_path)
    until(lambda: not list(working_below(tmp_path)))


def test_it_does_not_outlive_a_cloud_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import threading
from dataclasses import replace
from pathlib import Path
from fogbank.cloud.jobs.processor import ProcessingContainer, run_process
home = Path({str(tmp_path)!r})
run_process({[sys.executable, "-m", "fogbank.monitor"]!r}, ProcessingContainer(
    image="i", home=home, log=home / "x.log", limit_s=60,
    environment={{"dataset_format": "{{}}", "dataset_source": "/opt/ml/in", "output_path": "/opt/ml/out", "baseline_statistics": "/opt/ml/pipe"}},
), threading.Event(), programs=[Path({sys.executable!r})])
"""
    os.mkfifo(tmp_path / "pipe")  # the analyzer reads it, and waits for a writer, who never comes
    cloud = os.spawnv(os.P_NOWAIT, sys.executable, python(code))  # noqa: S606 - no shell
    analyzers: list[int] = []

    def children() -> list[int]:
        analyzers[:] = [int(pid) for pid in Path(f"/proc/{cloud}/task/{cloud}/children").read_text().split()]
        return [pid for pid in analyzers if b"fogbank.monitor" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    until(children, 60)
    os.kill(cloud, signal.SIGKILL)
    os.waitpid(cloud, 0)

    until(lambda: not any(map(alive, analyzers)))
    until(lambda: not list(working_below(tmp_path)))


def test_another_image_is_refused_by_its_name(tmp_path: Path) -> None:
    processor = ProcessProcessor(Environments(tmp_path, lambda: ()))

    with pytest.raises(
        JobError, match=r"^ClientError: the local cloud has no container engine for i, whose entry point only it knows"
    ):
        processor.run(container(tmp_path), threading.Event())


def test_programs_of_a_script_are_those_of_the_images_libraries(tmp_path: Path) -> None:
    environments = Environments(tmp_path / "cache", lambda: ())
    libraries = environments.python_for([]).parents[3]
    (libraries / "bin" / "counts").write_text(f"#!{libraries}/bin/python\nprint('counted')\n")
    (libraries / "bin" / "counts").chmod(0o755)
    script = "set -e; for each in python python3; do $each -c 'import fogbank, sys; print(sys.prefix)'; done; counts"
    ran = replace(container(tmp_path / "job"), entrypoint=("bash", "-c", script))
    ran.home.mkdir()

    status = ProcessProcessor(environments).run(ran, threading.Event())

    printed = ran.log.read_text().split()
    assert status == 0, printed
    assert [Path(word).parents[1] for word in printed[:2]] == [libraries] * 2
    assert printed[2:] == ["counted"]


@pytest.mark.parametrize(
    ("image", "entrypoint", "known"),
    [
        ("churn@sha256:1", ENTRYPOINT, True),
        ("churn@sha256:1", None, False),
        ("churn@sha256:1", ("python", "-m", "mine"), False),
        ("x/sagemaker-model-monitor-analyzer", None, True),
        ("x/sagemaker-model-monitor-analyzer", ("python", "-m", "mine"), False),
    ],
)
def test_the_analyzer_is_known_by_its_entry_point_or_stands_in_for_aws_image(
    image: str, entrypoint: tuple[str, ...] | None, known: bool
) -> None:
    assert is_analyzer(image, entrypoint) is known
