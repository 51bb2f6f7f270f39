"""A transform job without HTTP writes what it would write over it, fails as it would, and leaves to the server what it cannot do."""

from __future__ import annotations

import io
import os
import resource
import signal
import struct
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from fogbank.cloud.ground.payload import Piece
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.instance import LaunchPlan, ProcessLauncher, Spawned
from fogbank.cloud.jobs.batch import Batch
from fogbank.cloud.jobs.direct import Direct, DirectProcesses, NoParameters, NotDirectError
from fogbank.cloud.jobs.job import JobError
from fogbank.cloud.jobs.objects import LaidObject
from fogbank.cloud.jobs.refusals import check
from fogbank.contracts.manifest import Column, Schema
from fogbank.contracts.transform import BatchCapture, DataProcessing, TransformInput, TransformOutput, TransformRequest
from fogbank.direct.columns import Columns, lines_in
from fogbank.direct.scorer import Loaded, Scorer
from fogbank.ground.processes import children, memory, tree
from fogbank.serve.handler import Handler, load_handler
from fogbank.transform.framing import MAGIC, masked_crc
from tests.contracts.jobs.test_matrix import CSV, DOCUMENTS, JSON, JSON_LINES, ROWS, ways
from tests.fakes.objects import MemoryObjects
from tests.fakes.progress import MemoryProgress
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeInstances
from tests.packages import script, signed
from tests.unit.cloud.jobs.test_batch import REQUEST
from tests.waiting import until

LIMIT = 1 << 20


def linear(folder: Path) -> Loaded:
    """A package of two columns, a and b, without code: it answers a + b / 2."""
    model = LinearRegression().fit(np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]), np.array([0.0, 2.0, 1.0]))
    model.coef_, model.intercept_ = np.array([1.0, 0.5]), 0.0
    out = io.BytesIO()
    joblib.dump(model, out)
    given = signed(folder, None, model=("model.joblib", out.getvalue()), output=Schema(columns=(Column(name="y"),)))
    return Loaded(load_handler(given), folder / "model")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return linear(tmp_path_factory.mktemp("linear"))


@dataclass
class InThisProcess:
    """What a process does with mini-batches, without the process."""

    scorer: Scorer
    workers: int = 2
    left: int = 0
    done: int = 0

    def get(self, path: str) -> NoParameters:
        assert path == "/execution-parameters"
        return NoParameters()

    def output(self, body: bytes, timeout_s: float) -> bytes | None:
        made = self.scorer.attempt(body, LIMIT)
        self.left += made is None
        self.done += made is not None
        return made

    def output_of(self, pieces: Sequence[Piece], timeout_s: float) -> tuple[bytes, int] | None:
        body = b"".join(part for piece in pieces for part in piece.parts())
        made = self.output(body, timeout_s)
        return None if made is None else (made, lines_in(body))

    def close(self) -> None:
        """Nothing."""


def job(
    runner: Runner, package: Loaded, request: TransformRequest, body: bytes, direct: Direct | None,
    folder: Path | None = None,
) -> tuple[dict[str, dict[str, bytes]], str, list[str]]:  # fmt: skip
    """Outputs, the reason of a failure, and the data log; of objects that lie in a folder, if there is one."""
    check(request)
    scorer = Scorer(package, request)

    def answer(_: object, asked: bytes) -> FakeReply:
        reply = scorer.ask(asked, request.source.content_type or "", request.target.accept or "")
        return FakeReply(reply.status, bytes(reply.body))  # type: ignore[arg-type]  # `ask` has joined it

    objects, log, reason = MemoryObjects(b={"in/a": body, "in/b": b"1,2\n"}), list[str](), ""
    objects.folder = folder
    try:
        Batch(
            request=request, store=objects, start=FakeInstances(answer), direct=lambda: direct, runner=runner,
            key=("transform-job", "r", "j"), progress=MemoryProgress(), started=0, log=log.append,
        ).run(threading.Event())  # fmt: skip
    except JobError as error:
        reason = str(error)
    return objects.buckets, reason, log


def compared(runner: Runner, package: Loaded, request: TransformRequest, body: bytes) -> InThisProcess:
    direct, over_http = InThisProcess(Scorer(package, request)), job(runner, package, request, body, None)
    assert job(runner, package, request, body, direct) == over_http, (request, body)
    with TemporaryDirectory() as folder:
        lying = InThisProcess(Scorer(package, request))
        assert job(runner, package, request, body, lying, Path(folder)) == over_http, (request, body)
    return direct


def requested(split: str, strategy: str, assemble: str, media: str, processing: DataProcessing) -> TransformRequest:
    return replace(
        REQUEST,
        batch_strategy=None if split == "None" else strategy,
        source=TransformInput(data_type="S3Prefix", uri="s3://b/in/", content_type=media, split_type=split),
        target=TransformOutput(uri="s3://b/out", accept=media, assemble_with=assemble),
        processing=processing,
    )


@pytest.mark.parametrize(
    ("media", "body"),
    [
        *((CSV, body) for body in [b"id,1,2\nx,3,4.5\n\n", b'"i,d",1,2\r\n7,8,9', *ROWS]),
        *((JSON_LINES, body) for body in [b'{"id":1,"v":[1,2]}\n{"id":2,"v":[3,4]}\n', *DOCUMENTS]),
        *((JSON, body) for body in [b'{"id":1,"v":[[1,2],[3,4]]}', b"[[1,2]]", b'{"id":']),
    ],
)
def test_every_way_writes_the_same_bytes_or_fails_for_the_same_reason(
    runner: Runner, package: Loaded, media: str, body: bytes
) -> None:
    before, after = (["$", "$[1:]"], ["$", "$[0,-1]"]) if media == CSV else (["$", "$.v"], ["$", "$.SageMakerOutput"])
    tried: list[InThisProcess] = []
    for asked in ways(media, before, after):
        processing = DataProcessing(
            input_filter=asked.before, output_filter=asked.after, join_source="Input" if asked.join else "None"
        )
        request = requested(asked.split, asked.strategy, asked.assemble, media, processing)
        if media != JSON or asked.split == "None":
            tried.append(compared(runner, package, request, body))
    assert tried
    assert all(direct.done + direct.left for direct in tried), "or HTTP was compared with itself"


def framed(split: str, data: bytes) -> bytes:
    """One record."""
    if split == "RecordIO":
        return struct.pack("<II", MAGIC, len(data)) + data + bytes(-len(data) % 4)
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked_crc(head)) + data + bytes(4)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A package without code whose one column is any text, in latin-1 any bytes: frames too."""
    folder, out = tmp_path_factory.mktemp("texts"), io.BytesIO()
    words = HashingVectorizer(analyzer="char", n_features=16, preprocessor=str)
    joblib.dump(make_pipeline(words, LinearRegression()).fit(["a", "bb"], [0.0, 1.0]), out)
    given = signed(
        folder, None, model=("model.joblib", out.getvalue()), output=Schema(columns=(Column(name="y"),)),
        schema=Schema(columns=(Column(name="text", dtype="string", nullable=True),), rows="texts"),
    )  # fmt: skip
    return Loaded(load_handler(given), folder / "model")


@pytest.mark.parametrize("assemble", ["None", "Line"])
@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
@pytest.mark.parametrize("split", ["RecordIO", "TFRecord"])
def test_frames_that_a_model_reads_are_scored_without_http(
    runner: Runner, texts: Loaded, split: str, strategy: str, assemble: str
) -> None:
    request = requested(split, strategy, assemble, CSV, DataProcessing())
    request = replace(request, source=replace(request.source, content_type="text/csv; charset=latin-1"))
    body = b"".join(framed(split, data) for data in (b"a 2", b"bb", b"a longer one\nof two lines", b"", b"bb"))

    direct = compared(runner, texts, request, body)
    assert (direct.done, direct.left) == (5 if strategy == "SingleRecord" else 1, 0), "in/b has no frames"
    with TemporaryDirectory() as folder:
        asked = replace(request, source=replace(request.source, uri="s3://b/in/a"))
        lying = job(runner, texts, asked, body, InThisProcess(Scorer(texts, asked)), Path(folder))
    assert lying[0]["b"]["out/a.out"].endswith(b"\n"), lying


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
@pytest.mark.parametrize("split", ["RecordIO", "TFRecord"])
def test_frames_are_the_servers_with_its_reason(runner: Runner, package: Loaded, split: str, strategy: str) -> None:
    """A package without code reads no frames: what its server says of them is the job's reason, and a broken frame is the object's."""
    data = b"1,2\n"
    one = framed(split, data)
    for body in (one * 3, one[:-1], data):
        direct = compared(runner, package, requested(split, strategy, "None", CSV, DataProcessing()), body)
        assert direct.done == 0, "nothing is a plain success"


CELLS = st.sampled_from(["1", "2.5", "-0.0", "1e5", "nan", "", "x", '"3"', " 4 ", "1e400"])


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    strategy=st.sampled_from(["MultiRecord", "SingleRecord"]),
    processing=st.builds(
        DataProcessing,
        input_filter=st.sampled_from(["$", "$[-2:]", "$[0,1]"]),
        output_filter=st.sampled_from(["$", "$[0,-1]", "$[1:]"]),
        join_source=st.sampled_from(["None", "Input"]),
    ),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_that_are_drawn(
    runner: Runner, package: Loaded, rows: list[list[str]], end: str, strategy: str, processing: DataProcessing
) -> None:
    body = "".join(",".join(cells) + end for cells in rows).encode()

    compared(runner, package, requested("Line", strategy, "Line", CSV, processing), body)


NUMBERS = st.sampled_from(["1", "2.5", "-0.0", "1e5", " 4 ", "0.1", "-17", "1e-7"])
TEXTS = st.sampled_from(["a", "", "customer 7", "\u00e9\u00e9", "x" * 300, "12", "nan", "\0", "[", "{"])


@given(
    rows=st.lists(st.tuples(TEXTS, NUMBERS, TEXTS, NUMBERS), min_size=1, max_size=8),
    ended=st.booleans(),
    before=st.sampled_from(["$[1,3]", "$[-3,-1]", "$[3,1]", "$[1,1]", "$[1]", "$[0,1]"]),
    after=st.sampled_from(
        ["$", "$[0,-1]", "$[1:]", "$[-1]", "$[0]", "$[2]", "$[0,2,-1]", "$[1:3,-1]", "$[-1,0]", "$[0:9]"]
    ),
    join=st.sampled_from(["None", "Input"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_columns_that_are_picked_are_the_same_as_row_by_row(
    runner: Runner, package: Loaded, rows: list[tuple[str, ...]], ended: bool, before: str, after: str, join: str
) -> None:
    body = "\n".join(",".join(cells) for cells in rows).encode() + b"\n" * ended
    processing = DataProcessing(input_filter=before, output_filter=after, join_source=join)

    compared(runner, package, requested("Line", "MultiRecord", "Line", CSV, processing), body)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("$[1,3]", "$[0,-1]", b"a,2.0\nbb,4.5\n"),
        ("$[-3,-1]", "$[1:3,-1]", b"1,x,2,2.0\n2,,5,4.5\n"),
        ("$[1,3]", "$[-1]", b"2.0\n4.5\n"),
    ],
)
def test_columns_are_picked_of_all_rows_at_once(package: Loaded, before: str, after: str, expected: bytes) -> None:
    processing = DataProcessing(input_filter=before, output_filter=after, join_source="Input")
    columns = Columns.of(package.handler, requested("Line", "MultiRecord", "Line", CSV, processing))
    assert columns is not None

    assert columns.output(b"a,1,x,2\nbb,2,,5\n") == expected
    for odd in (b'"a",1,x,2\n', b"a,1,x,2\r\n", b"a,1,x,2\n\na,1,x,2\n", b"a,1,x,2\na,1\n", b"a,z,x,2\n", b"\n", b""):
        assert columns.output(odd) is None, "row by row"


class CountingHandler:
    """A handler that counts what it is asked to predict."""

    def __init__(self, handler: Handler) -> None:
        self._handler, self.asked = handler, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    def __call__(self, call: Any) -> Any:
        return self._handler(call)

    def of_numbers(self, table: Any) -> Any:
        self.asked += 1
        return self._handler.of_numbers(table)


def test_predictions_that_are_no_arrays_are_not_made_twice(tmp_path: Path) -> None:
    out = io.BytesIO()
    joblib.dump(LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], ["no", "yes"]), out)
    settings_ = signed(
        tmp_path, None, model=("model.joblib", out.getvalue()), output=Schema(columns=(Column(name="y"),))
    )
    handler = CountingHandler(load_handler(settings_))
    request = requested("Line", "MultiRecord", "Line", CSV, DataProcessing(join_source="Input"))
    scorer = Scorer(Loaded(handler, tmp_path / "model"), request)  # type: ignore[arg-type]  # it is one but for its type

    assert len({scorer.attempt(b"1,1\n", LIMIT) for _ in range(5)} - {None}) == 1
    assert handler.asked == 1


def test_where_there_is_no_such_answer_columns_do_not_fail(package: Loaded) -> None:
    request = requested("Line", "MultiRecord", "Line", CSV, DataProcessing(join_source="Input"))

    assert Columns.of(package.handler, replace(request, target=replace(request.target, accept="image/png"))) is None


def test_many_rows_and_wide_cells_are_copied_in_parts(runner: Runner, package: Loaded) -> None:
    rows = b"".join(b"%s,%d,%d\n" % (b"i" * (number % 90), number, number % 7) for number in range(5000))
    processing = DataProcessing(input_filter="$[1:]", output_filter="$[0,-1]", join_source="Input")
    request = requested("Line", "MultiRecord", "Line", CSV, processing)

    assert Columns.of(package.handler, request).output(rows) is not None  # type: ignore[union-attr]  # it is CSV by columns
    direct = compared(runner, package, request, rows)
    assert (direct.done, direct.left) == (1, 1), "in/b has too few"


def test_a_record_that_fails_far_into_an_object_is_named(runner: Runner, package: Loaded) -> None:
    rows = [b"%d,2\n" % number for number in range(400_000)]
    rows[390_000] = b"x,2\n"
    request = replace(requested("Line", "MultiRecord", "Line", CSV, DataProcessing()), max_payload_mb=1)

    direct = compared(runner, package, request, b"".join(rows))
    assert (direct.done, direct.left) == (4, 1)


class Counted(MemoryObjects):
    """Objects that count the bytes that are read of where they lie."""

    taken = 0

    def _laid(self, body: bytes, start: int) -> LaidObject | None:
        laid = super()._laid(body, start)
        return laid and CountedObject(laid.pieces, start, self)


@dataclass(frozen=True)
class CountedObject(LaidObject):
    """An object whose reads are counted."""

    objects: Counted

    def read(self, start: int, size: int) -> bytes:
        self.objects.taken += size
        return super().read(start, size)


class Dead(InThisProcess):
    """Processes that have died."""

    def output_of(self, pieces: Sequence[Piece], timeout_s: float) -> None:
        """Nothing: the server is asked."""


def test_where_all_processes_have_died_an_object_is_read_about_once(
    runner: Runner, package: Loaded, tmp_path: Path
) -> None:
    request = replace(requested("Line", "MultiRecord", "Line", CSV, DataProcessing()), max_payload_mb=1)
    body = b"1,2\n" * (3 << 20)
    objects = Counted(b={"in/a": body})
    objects.folder = tmp_path
    Batch(
        request=request, store=objects, start=FakeInstances(lambda _, asked: FakeReply(200, asked[:4])),
        direct=lambda: Dead(Scorer(package, request)), runner=runner, key=("transform-job", "r", "j"), progress=MemoryProgress(),
        started=0, log=list[str]().append,
    ).run(threading.Event())  # fmt: skip

    assert objects.buckets["b"]["out/a.out"] == b"1,2\n" * 12
    assert len(body) <= objects.taken < 1.2 * len(body)


def test_most_is_done_without_http_and_the_rest_is_not(runner: Runner, package: Loaded) -> None:
    request = requested("Line", "SingleRecord", "Line", CSV, DataProcessing())
    direct = compared(runner, package, request, b"1,2\n3,4\n")
    assert (direct.done, direct.left) == (3, 0)
    direct = compared(runner, package, request, b"1,2\nx,4\n")
    assert (direct.done, direct.left) == (2, 1)


def planned(folder: Path, **environment: str) -> LaunchPlan:
    return LaunchPlan(
        launcher=ProcessLauncher(Path(sys.executable)), base_dir=folder, environment=environment,
        log=folder / "logs" / "j.log",
    )  # fmt: skip


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[DirectProcesses]:
    linear(tmp_path)
    processing = DataProcessing(join_source="Input")
    made = DirectProcesses(
        requested("Line", "MultiRecord", "Line", CSV, processing), planned(tmp_path), 2, lambda: None
    )
    yield made
    made.close()


def test_processes_score_and_leave_the_rest_to_the_server(processes: DirectProcesses, tmp_path: Path) -> None:
    rows = b"".join(b"%d,2\n" % number for number in range(50_000))

    assert processes.output(rows, 60) == b"".join(b"%d,2,%d.0\n" % (number, number + 1) for number in range(50_000))
    assert [processes.output(body, 60) for body in (b"\n\n", b"1,2,3\n", b"x,1\n", b'"a\n')] == [b"", None, None, None]
    assert processes.get("/execution-parameters").status == 404
    log = (tmp_path / "logs" / "j.log").read_text()
    assert "fogbank: records are scored without HTTP, by up to 2 processes" in log
    assert log.count("POST /invocations 200") == 2


def test_processes_read_what_lies_in_files(processes: DirectProcesses, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"-1,2\n3,")
    (tmp_path / "two").write_bytes(b"4\n5,6")
    pieces = [Piece(tmp_path / "one", 1, 6), Piece(tmp_path / "two", 0, 5)]
    before = len(list(Path("/proc/self/fd").iterdir()))

    assert processes.output_of(pieces, 60) == (b"1,2,2.0\n3,4,5.0\n5,6,8.0\n", 3)
    assert processes.output_of([Piece(tmp_path / "none", 0, 2)], 60) is None
    assert processes.output_of([Piece(tmp_path / "one", 1, 99)], 60) is None, "it ends too early"
    assert processes.output(b"1,2\n", 60) == b"1,2,2.0\n", "it goes on"
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


ATTACK = """
import contextlib, os, socket
from fogbank.contracts.batch_lines import COUNT, OUTPUT, READY, receive, send
taken = []
def take(line, size, flags=0):
    more, files, _, _ = socket.recv_fds(line, size, 99)
    taken.extend(files)
    return more
class Line(socket.socket):
    recv = take
line = Line(fileno=int(os.environ["FOGBANK_BATCH_FDS"]))
send(line, READY)
for _ in range(2):
    body = receive(line).body
    for path in (f"/proc/self/fd/{number}" for number in taken):
        os.chmod(path, 0o600)
        os.write(os.open(path, os.O_RDWR), b"9")
    send(line, OUTPUT, COUNT.pack(len(taken)) + body)
"""


class Attackers(ProcessLauncher):
    """Starts a process that writes to whatever it is given."""

    def run(
        self, module: Sequence[str], plan: LaunchPlan, more: Mapping[str, str], log: IO[bytes], inherited: Sequence[int] = (),
    ) -> Spawned:  # fmt: skip
        (plan.base_dir / "attack.py").write_text(ATTACK)
        return super().run(("attack",), plan, {**more, "PYTHONPATH": str(plan.base_dir)}, log, inherited)


def test_who_scores_an_object_cannot_write_to_it(tmp_path: Path) -> None:
    linear(tmp_path / "own")
    blob = tmp_path / "blob"
    blob.write_bytes(b"1,2\n3,4\n")
    blob.chmod(0o400)
    plan = replace(planned(tmp_path / "own"), launcher=Attackers(Path(sys.executable)))
    made = DirectProcesses(REQUEST, plan, 1, lambda: None)
    try:
        for _ in range(2):
            assert made.output_of([Piece(blob, 0, 4)], 60) == (b"1,2\n", 0), "it has no descriptors"
    finally:
        made.close()

    assert blob.read_bytes() == b"1,2\n3,4\n"
    assert blob.stat().st_mode & 0o777 == 0o400


def test_a_process_that_dies_is_asked_no_more_and_none_is_left(processes: DirectProcesses) -> None:
    [first] = started(1)
    with ThreadPoolExecutor(1) as pool, stopped(children(first)[0]):
        waits = pool.submit(processes.output, b"1,2\n", 60)
        until(lambda: Path(f"/proc/{children(first)[0]}/status").read_text().count("T (stopped)"))
        assert processes.output(b"1,2\n", 60) == b"1,2,2.0\n", "by another one"
        assert not waits.done()
    assert started(2) == [first]
    pids = children(first)
    os.kill(pids[0], 9)
    answers = {processes.output(b"1,2\n", 60) for _ in range(4)}
    assert answers == {None, b"1,2,2.0\n"}
    os.kill(pids[1], 9)
    assert [processes.output(b"1,2\n", 60) for _ in range(3)] == [None] * 3
    processes.close()

    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (first, *pids)))


def started(count: int) -> list[int]:
    """The process below this one that has started so many that score."""
    return [
        pid for pid in tree(os.getpid())
        if len(children(pid)) == count and b"fogbank.direct.batches" in Path(f"/proc/{pid}/cmdline").read_bytes()
        and b"--" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    ]  # fmt: skip


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_no_more_are_started_than_there_is_memory_for(tmp_path: Path) -> None:
    linear(tmp_path)
    request = requested("Line", "MultiRecord", "Line", CSV, DataProcessing())
    made = DirectProcesses(request, planned(tmp_path), 2, lambda: None, memory=1 << 20)
    try:
        [first] = started(1)
        with ThreadPoolExecutor(2) as pool, stopped(children(first)[0]):
            answers = [pool.submit(made.output, b"1,2\n", 60) for _ in range(2)]
            assert wait(answers, 1).not_done == set(answers), "there is one, which is stopped"
        assert [answer.result() for answer in answers] == [b"2.0\n"] * 2
        assert started(1) == [first]
    finally:
        made.close()


def test_those_that_are_asked_for_at_once_are_no_more_than_there_is_memory_for(tmp_path: Path) -> None:
    linear(tmp_path)
    request = requested("Line", "MultiRecord", "Line", CSV, DataProcessing())
    alone = DirectProcesses(request, planned(tmp_path), 6, lambda: None)
    [first] = started(1)
    size = memory(children(first)[0])
    alone.close()
    until(lambda: started(1) == [])

    made = DirectProcesses(request, planned(tmp_path), 6, lambda: None, memory=3 * size)
    try:
        [first] = started(1)
        with ThreadPoolExecutor(6) as pool, stopped(children(first)[0]):
            answers = [pool.submit(made.output, b"1,2\n", 60) for _ in range(6)]
            wait(answers, 1)
            assert len(children(first)) <= 4, "each is counted as large as the one that is loaded"
        assert [answer.result() for answer in answers] == [b"2.0\n"] * 6
    finally:
        made.close()


def test_a_job_that_is_stopped_does_not_wait_for_a_model_that_loads(tmp_path: Path) -> None:
    linear(tmp_path)
    stop = threading.Event()
    stop.set()

    with pytest.raises(NotDirectError, match="stopped"):
        DirectProcesses(
            requested("Line", "MultiRecord", "Line", CSV, DataProcessing()), planned(tmp_path), 1, lambda: None, stop
        )


def test_without_sockets_left_it_is_the_servers(tmp_path: Path) -> None:
    linear(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 10, limits[1]))
    try:
        with pytest.raises(NotDirectError, match="Too many open files"):
            DirectProcesses(
                requested("Line", "MultiRecord", "Line", CSV, DataProcessing()), planned(tmp_path), 64, lambda: None
            )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("environment", "capture", "why"),
    [
        ({"FOGBANK_BATCH_HTTP": "true"}, None, "FOGBANK_BATCH_HTTP is true"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, None, "traced"),
        ({}, BatchCapture(uri="s3://b/c", generate_inference_id=True), "GenerateInferenceId"),
        ({"FOGBANK_MANIFEST_SHA256": "0" * 64}, None, "LoadError"),
    ],
)
def test_what_might_be_other_bytes_is_the_servers(
    tmp_path: Path, environment: dict[str, str], capture: BatchCapture | None, why: str
) -> None:
    linear(tmp_path)
    request = replace(requested("Line", "MultiRecord", "Line", CSV, DataProcessing()), capture=capture)

    with pytest.raises(NotDirectError, match=why):
        DirectProcesses(request, planned(tmp_path, **environment), 1, lambda: None)


def test_code_of_the_models_own_is_the_servers(tmp_path: Path) -> None:
    signed(tmp_path / "packed", "def predict_fn(data, model):\n    return data\n", kind="handler")
    script(tmp_path / "script", "def model_fn(model_dir):\n    return None\n")
    for folder, why in (("packed", "code of its own"), ("script", "no package")):
        with pytest.raises(NotDirectError, match=why):
            DirectProcesses(REQUEST, planned(tmp_path / folder), 1, lambda: None)
