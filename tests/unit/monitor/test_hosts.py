"""Hosts that read one data set together: the files of one host, whatever they share; each way in which one fails is told by all."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from fogbank.contracts.hosts import MEETING, Meeting, host_names
from fogbank.contracts.monitoring import CAPTURE_FORMAT
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.files import profile_files
from fogbank.monitor.frames import Frames, LineError
from fogbank.monitor.hello import Reception, hello
from fogbank.monitor.hosts import Crew, ToldError, hosts_of
from fogbank.monitor.tasks import task
from fogbank.monitor.together import EndedError
from tests.unit.monitor.crews import at_once, crews, free_place, rows
from tests.unit.monitor.traffic import baseline, traffic

DOUBLED = partial(eval, "2 * item")
"""Of dictionaries with an item."""
ITEMS = [{"item": item} for item in range(50)]


@pytest.fixture
def meeting() -> Meeting:
    """A place that is free."""
    return free_place()


def shared(crew: Crew, work: Any, items: Any) -> list[Any]:
    with crew:
        return list(crew.share(work, items, 1))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_first_host_has_all_parts_in_their_order(meeting: Meeting, count: int) -> None:
    first, *others = at_once([partial(shared, crew, DOUBLED, ITEMS) for crew in crews(meeting, count)])

    assert first == [2 * number for number in range(50)]
    assert [str(other) for other in others] == [
        f"algo-{number} has told algo-1 what it has read." for number in range(2, count + 1)
    ]
    assert all(isinstance(other, ToldError) for other in others)


@pytest.mark.parametrize("own", [(3, 1), (1, 3), (0, 2), (2, 0), (0, 0)])
def test_hosts_with_data_of_their_own_take_turns(meeting: Meeting, own: tuple[int, int]) -> None:
    works = [
        partial(shared, crew, DOUBLED, [{"item": (number, index)} for index in range(own[number])])
        for number, crew in enumerate(crews(meeting, 2, differ=True))
    ]

    first, _ = at_once(works)

    turns = [(number, index) for index in range(max(own)) for number in (0, 1) if index < own[number]]
    assert first == [2 * turn for turn in turns]


@pytest.mark.parametrize("at", [0, 1, 30, 49])
def test_an_error_is_raised_by_all_hosts(meeting: Meeting, at: int) -> None:
    def work(item: dict[str, int]) -> int:
        if item["item"] == at:
            raise DatasetError("no")
        return item["item"]

    found = at_once([partial(shared, crew, work, ITEMS) for crew in crews(meeting, 3)])

    assert [(type(error), str(error)) for error in found] == [(DatasetError, "no")] * 3


def test_an_error_that_is_nothing_of_ours_is_told_by_its_words(meeting: Meeting) -> None:
    found = at_once([partial(shared, crew, partial(eval, "1 // (item % 2 - 1)"), ITEMS) for crew in crews(meeting, 2)])

    assert str(found[0]) == "ZeroDivisionError('integer division or modulo by zero')"
    assert type(found[0]) is EndedError


def test_a_host_that_does_not_come_is_named(meeting: Meeting) -> None:
    crew = crews(meeting, 2)[0]
    crew.come_s = 0.05

    with pytest.raises(EndedError, match=r"algo-2 has not come to algo-1 within 0.05 s"), crew:
        next(crew.share(DOUBLED, ITEMS))


def test_a_first_host_that_is_not_there_is_named(meeting: Meeting) -> None:
    crew = crews(meeting, 2)[1]
    crew.come_s = 0.05

    with pytest.raises(EndedError, match=rf"algo-1 cannot be reached at 127.0.0.1:{meeting.port} within 0.05 s"), crew:
        pass


def test_a_port_that_is_taken_is_told(meeting: Meeting) -> None:
    first, second = crews(meeting, 2)[0], crews(meeting, 2)[0]
    with first, pytest.raises(EndedError, match=rf"algo-1 cannot be met at 127.0.0.1:{meeting.port}"), second:
        pass


def test_a_host_that_ends_is_named(meeting: Meeting) -> None:
    def ends() -> None:
        with closing(socket.create_connection((meeting.address, meeting.port))) as connection:
            connection.sendall(hello(meeting.token, "algo-2"))

    crew = crews(meeting, 2)[0]
    with crew:
        ends()
        with pytest.raises(EndedError, match="algo-2 ended before all of its data was read"):
            list(crew.share(DOUBLED, ITEMS, 1))


def test_a_first_host_that_ends_is_named(meeting: Meeting) -> None:
    def leaves() -> None:
        with closing(socket.create_server((meeting.address, meeting.port))) as server:
            ready.set()
            connection, _ = server.accept()
            connection.close()

    ready = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(leaves)
        assert ready.wait(20)
        with pytest.raises(EndedError, match="algo-1 ended before it had heard everything"):
            shared(crews(meeting, 2)[1], DOUBLED, ITEMS)
        left.result()


STRANGERS = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\xff\xff" + b"x" * 2000,
    b"",
    b"\x00",
    hello("cd", "algo-2"),
    hello("ab", "algo-9"),
    hello("ab", "algo-2")[:-1],
    hello("\xe9", "algo-2"),
]


@pytest.mark.parametrize("said", STRANGERS)
@pytest.mark.parametrize("count", [1, 300])
def test_strangers_are_sent_away_and_hold_nobody_up(meeting: Meeting, said: bytes, count: int) -> None:
    first, second = crews(meeting, 2)
    with first, ExitStack() as strangers:

        def come() -> None:
            for _ in range(count):
                stranger = strangers.enter_context(socket.create_connection((meeting.address, meeting.port)))
                with suppress(OSError):  # it is sent away sooner than it has said all
                    stranger.sendall(said)

        def comes_late() -> list[Any]:
            come()
            return shared(second, DOUBLED, ITEMS)

        told, other = at_once([lambda: list(first.share(DOUBLED, ITEMS, 1)), comes_late])

    assert (len(told), type(other)) == (50, ToldError)


def test_who_has_begun_a_hello_must_end_it(meeting: Meeting) -> None:
    def begins() -> bytes:
        with closing(socket.create_connection((meeting.address, meeting.port))) as connection:
            connection.sendall(hello("ab", "algo-2")[:5])
            return connection.recv(1)

    with closing(socket.create_server((meeting.address, meeting.port))) as listener:
        reception = Reception(listener, "ab", ["algo-2"], hello_s=0.01)
        with ThreadPoolExecutor(1) as pool:
            begun = pool.submit(begins)
            with pytest.raises(TimeoutError):
                next(reception.met(time.monotonic() + 0.5))
            assert begun.result() == b"", "it was closed"


def test_hosts_that_have_other_files_fail(tmp_path: Path, meeting: Meeting) -> None:
    for host, names in (("algo-1", "ab"), ("algo-2", "ac")):
        (tmp_path / host).mkdir()
        for name in names:
            (tmp_path / host / name).write_text("1,2\n")
    works = [
        partial(shared, replace(crew, folder=tmp_path / crew.hosts.current), DOUBLED, ITEMS)
        for crew in crews(meeting, 2)
    ]

    reasons = {str(error) for error in at_once(works)}

    assert reasons == {
        "algo-2 has not the files that algo-1 has: what is in S3 changed while they read it; run the job again"
    }


def test_a_strangers_bytes_make_nothing(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    with closing(here), closing(there):
        Frames(here).put("part", Path(tmp_path))
        with pytest.raises(LineError, match="is nothing that hosts tell one another"):
            Frames(there).get()


def test_bytes_that_are_too_many_are_not_awaited() -> None:
    here, there = socket.socketpair()
    with closing(here), closing(there):
        here.sendall(b"\xff" * 8)
        with pytest.raises(LineError, match="a value of 18446744073709551615 bytes"):
            Frames(there).get()


def test_shards_have_lines_of_their_own(tmp_path: Path, meeting: Meeting) -> None:
    for number in (0, 1):
        (tmp_path / f"d{number}.csv").write_text(rows(5_000) + f"1,2,{number}\n")

    def read(crew: Crew) -> Any:
        with crew:
            file = tmp_path / f"d{crew.hosts.number}.csv"
            return profile_files([file], "csv", {}, size=10_000, share=crew.share)

    first, _ = at_once([partial(read, crew) for crew in crews(meeting, 2, differ=True)])

    assert first.profile.rows == 10_000
    assert sorted(map(str, first.aside.named)) == [
        f"d{n}.csv line 5002: a row has 3 columns, the header 2" for n in (0, 1)
    ]


def job(folder: Path, host: str, count: int, place: Meeting, **config: Any) -> dict[str, str]:
    """The environment of one host's container, and its configuration."""
    home = folder / host
    (home / "config").mkdir(parents=True)
    (home / "config/resourceconfig.json").write_text(json.dumps({"current_host": host, "hosts": host_names(count)}))
    (home / "config/processingjobconfig.json").write_text(json.dumps({"ProcessingJobArn": "arn", **config}))
    return {"SAGEMAKER_BASE_DIR": str(home), MEETING: str(place)}


def test_a_job_of_several_hosts_leaves_the_files_of_one(tmp_path: Path, meeting: Meeting) -> None:
    baseline(tmp_path)
    lines = traffic(2.0, 300)
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / f"in/{number}.jsonl").write_text("\n".join(lines[100 * number : 100 * (number + 1)]) + "\n")
    shared_by_all = {
        "dataset_format": CAPTURE_FORMAT, "dataset_source": str(tmp_path / "in"), "baseline_statistics": str(tmp_path / "statistics.json"),
        "baseline_constraints": str(tmp_path / "constraints.json"), "publish_cloudwatch_metrics": "Enabled",
    }  # fmt: skip
    hosts = [
        {**job(tmp_path, name, 3, meeting), **shared_by_all, "output_path": str(tmp_path / f"out-{name}")}
        for name in host_names(3)
    ]
    (tmp_path / "one").mkdir()
    one = {**shared_by_all, "output_path": str(tmp_path / "out"), "SAGEMAKER_BASE_DIR": str(tmp_path / "one")}

    messages = at_once([task(env) for env in hosts])
    message = task(one)()

    assert messages[0] == message
    assert message.startswith("CompletedWithViolations")
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out-algo-1").iterdir()} == files
    assert not (tmp_path / "out-algo-2").exists()
    assert not (tmp_path / "algo-2/output").exists()


def test_what_cannot_be_shared_is_the_first_hosts(tmp_path: Path, meeting: Meeting) -> None:
    env = {**job(tmp_path, "algo-2", 2, meeting), "analysis_type": "MODEL_QUALITY"}

    with pytest.raises(KeyError):
        task(env)
    env |= {
        "problem_type": "Regression", "inference_attribute": "0", "dataset_format": CAPTURE_FORMAT, "dataset_source": "/x",
        "output_path": str(tmp_path / "o"),
    }  # fmt: skip

    assert task(env)() == "algo-1 does all of this analysis."
    assert not (tmp_path / "o").exists()


def given_as(place: str, distribution: str | None = None) -> dict[str, Any]:
    return {"S3Input": {"LocalPath": place, **({"S3DataDistributionType": distribution} if distribution else {})}}


@pytest.mark.parametrize(
    ("config", "env", "reason"),
    [
        ({"NetworkConfig": {"EnableNetworkIsolation": True}}, {}, "EnableNetworkIsolation must be off"),
        ({"ProcessingInputs": [given_as("/opt/ml/processing/in", "ShardedByS3Key")]}, {"analysis_type": "MODEL_BIAS"}, "must be FullyReplicated"),
        ({}, {MEETING: "nowhere"}, "FOGBANK_MEETING must be <address>:<port>/<token>, not 'nowhere'"),
        ({}, {MEETING: "a:99999/b"}, "FOGBANK_MEETING must be"),
    ],
)  # fmt: skip
def test_hosts_that_cannot_work_together(
    tmp_path: Path, meeting: Meeting, config: dict[str, Any], env: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        task({**job(tmp_path, "algo-1", 2, meeting, **config), **env})


def test_inputs_that_are_spread_and_copied_at_once(tmp_path: Path, meeting: Meeting) -> None:
    inputs = [given_as("/opt/ml/processing/in/a", "ShardedByS3Key"), given_as("/opt/ml/processing/in/b")]
    env = job(tmp_path, "algo-1", 2, meeting, ProcessingInputs=inputs)
    env |= {"dataset_format": CAPTURE_FORMAT, "output_path": "/o", "dataset_source": f"{tmp_path}/algo-1/processing/in"}

    with pytest.raises(ValueError, match="must be the same for all inputs below /opt/ml/processing/in"):
        task(env)()
    assert hosts_of({**env, "SAGEMAKER_BASE_DIR": str(tmp_path)}) is None


@pytest.mark.parametrize(("distribution", "differ"), [("ShardedByS3Key", True), ("FullyReplicated", False)])
@pytest.mark.parametrize("place", ["/opt/ml/processing/in", "/opt/ml/processing/in/data", "/opt/ml/processing"])
def test_data_may_lie_within_an_input(
    tmp_path: Path, meeting: Meeting, distribution: str, place: str, *, differ: bool
) -> None:
    inputs = [given_as("/opt/ml/processing/in", distribution), given_as("/opt/ml/other")]
    hosts = hosts_of(job(tmp_path, "algo-1", 2, meeting, ProcessingInputs=inputs))

    assert hosts is not None
    assert hosts.differ(PurePosixPath(place)) is differ


@pytest.mark.parametrize(("file", "text", "reason"), [
    ("resourceconfig.json", '{"current_host": "x", "hosts": ["algo-1", "algo-2"]}', "has the current host 'x', which is none of its hosts"),
    ("processingjobconfig.json", "{", "needs its processingjobconfig.json, which cannot be read"),
])  # fmt: skip
def test_configurations_that_are_none(tmp_path: Path, meeting: Meeting, file: str, text: str, reason: str) -> None:
    env = job(tmp_path, "algo-1", 2, meeting)
    (tmp_path / "algo-1/config" / file).write_text(text)

    with pytest.raises(ValueError, match=reason):
        hosts_of(env)


def test_on_sagemaker_hosts_meet_at_the_first_ones_name(tmp_path: Path, meeting: Meeting) -> None:
    env = job(tmp_path, "algo-2", 2, meeting)
    del env[MEETING]

    hosts = hosts_of(env)

    assert hosts is not None
    assert (hosts.meeting.address, hosts.meeting.port, len(hosts.meeting.token)) == ("algo-1", 7701, 64)
