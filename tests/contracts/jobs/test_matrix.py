"""Every way to split, batch, filter, join and assemble, over csv, JSON lines, JSON and bytes, against tests/batch_reference.py."""

from __future__ import annotations

import itertools
import json
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.jobs.batch import Batch
from fogbank.cloud.jobs.job import JobError
from fogbank.cloud.jobs.refusals import check
from fogbank.contracts.transform import DataProcessing, TransformInput, TransformOutput, TransformRequest
from fogbank.transform.framing import MAGIC, masked_crc
from tests.batch_reference import Asked, Model, NoOutputError, output_of
from tests.fakes.objects import MemoryObjects
from tests.fakes.progress import MemoryProgress
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeInstances
from tests.unit.cloud.jobs.test_batch import REQUEST

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"


def requested(asked: Asked) -> TransformRequest:
    return replace(
        REQUEST,
        batch_strategy=None if asked.split == "None" else asked.strategy,
        source=TransformInput(data_type="S3Prefix", uri="s3://b/in/", content_type=asked.media, split_type=asked.split),
        target=TransformOutput(uri="s3://b/out", accept=asked.media, assemble_with=asked.assemble),
        processing=DataProcessing(
            input_filter=asked.before, output_filter=asked.after, join_source="Input" if asked.join else "None"
        ),
    )


def transformed(runner: Runner, body: bytes, asked: Asked, model: Model) -> tuple[bytes | None, list[bytes]]:
    """What a job writes of an object, None where it fails; and what the model was asked with."""
    request = requested(asked)
    check(request)
    parameters = FakeReply(data=json.dumps({"MaxPayloadInMB": asked.limit / (1 << 20)}).encode())
    objects = MemoryObjects(b={"in/a": body})
    instances = FakeInstances(lambda _, asked: FakeReply(data=model(asked)), parameters)
    batch = Batch(
        request=request, store=objects, start=instances, runner=runner, key=("transform-job", "r", "j"),
        progress=MemoryProgress(), started=0, log=lambda _: None,
    )  # fmt: skip
    try:
        batch.run(threading.Event())
    except JobError:
        assert "out/a.out" not in objects.buckets["b"]
        return None, instances.started[0].bodies
    return objects.buckets["b"]["out/a.out"], instances.started[0].bodies


def compared(runner: Runner, body: bytes, asked: Asked, model: Model) -> None:
    ours, bodies = transformed(runner, body, asked, model)
    try:
        theirs, requests = output_of(body, asked, model)
    except NoOutputError:
        assert ours is None, (asked, body, ours)
        return
    assert (ours, bodies) == (theirs, requests), (asked, body)


def counts(body: bytes) -> bytes:
    """A row for each line: its length, and its commas."""
    lines = [line.rstrip(b"\r") for line in body.split(b"\n")]
    return b"".join(b"%d,%d\r\n" % (len(line), line.count(b",")) for line in lines if line)


def says(body: bytes) -> bytes:
    """A row for each line, with text that must be quoted, and no newline at the end."""
    lines = [line.rstrip(b"\r") for line in body.split(b"\n")]
    return b"\n".join(b'"a ""%d"", b"' % len(line) for line in lines if line)


def values(body: bytes) -> bytes:
    """An object for each JSON value."""
    texts = [text for text in body.split(b"\n") if text.strip()]
    return b"".join(json.dumps({"n": len(json.loads(text)), "of": {"x": [1, 2]}}).encode() + b"\n" for text in texts)


def turned(body: bytes) -> bytes:
    return body[::-1]


ROWS = [
    b"1,2,3\n4,5,6\n7,8,9\n",
    b"1,2,3\r\n4,5,6\r\n",
    b"id,a,b\n1,2,3\n\n4,5,6\n\n",
    b'1,"a,b",3\n2,"say ""no""",\n3,"",x',
    b"a,,\n,,\n",
    b"1\n2\n",
    b"1,2\n3\n",
    b'1,b"x,2\n',
    b"\n\n",
    b"",
    b"only one line,without an end,x",
]
DOCUMENTS = [
    b'{"id": 1, "v": [1, 2, 3]}\n{"id": 2, "v": [4.5, 1e3, -0.0]}\n',
    b'{"id":1,"v":[1]}\r\n\n  \n{"id":2,"v":[2,3]}',
    b'{"id":1,"v":[1],"SageMakerOutput":"x"}\n',
    '{"id": "ä", "v": [true, null, "x"]}\n'.encode(),
    b"[1,2]\n[3]\n",
    b'{"id":1}\n',
    b'{"id":\n',
    b"",
]


def ways(media: str, filters: list[str], after: list[str]) -> Iterator[Asked]:
    """Every combination that the documents allow."""
    for split, strategy, assemble in (
        ("Line", "MultiRecord", "Line"),
        ("Line", "SingleRecord", "Line"),
        ("Line", "MultiRecord", "None"),
        ("Line", "SingleRecord", "None"),
        ("None", "MultiRecord", "None"),
        ("None", "MultiRecord", "Line"),
    ):
        for join, first, last in itertools.product((False, True), filters, after):
            asked = Asked(
                split=split,
                strategy=strategy,
                assemble=assemble,
                media=media,
                join=join,
                before=first,
                after=last,
                limit=40,
            )
            touched = join or first != "$" or last != "$"
            if not touched or (split == assemble and (split == "Line" or media == JSON)):
                yield asked


@pytest.mark.parametrize("model", [counts, says])
@pytest.mark.parametrize("body", ROWS)
def test_csv(runner: Runner, body: bytes, model: Model) -> None:
    for asked in ways(CSV, ["$", "$[1:]", "$[0,-1]", "$[*]"], ["$", "$[0,-1]", "$[1:2]", "$[-2:]", "$[0,2:]"]):
        compared(runner, body, asked, model)


@pytest.mark.parametrize("media", [JSON, JSON_LINES])
@pytest.mark.parametrize("body", DOCUMENTS)
def test_json(runner: Runner, body: bytes, media: str) -> None:
    for asked in ways(
        media,
        ["$", "$.v", "$['id','v']"],
        ["$", "$['id','SageMakerOutput']", "$.SageMakerOutput.of.*", "$.n", "$.of.x[0,-1]"],
    ):
        compared(runner, body, asked, lambda body: values(body) if _readable(body) else b"0\n" * body.count(b"\n"))


def _readable(body: bytes) -> bool:
    try:
        return all(len(json.loads(text)) >= 0 for text in body.split(b"\n") if text.strip())
    except (ValueError, TypeError):
        return False


def framed(kind: str, bodies: list[bytes]) -> bytes:
    if kind == "RecordIO":
        return b"".join(struct.pack("<II", MAGIC, len(body)) + body + bytes(-len(body) % 4) for body in bodies)
    heads = [struct.pack("<Q", len(body)) for body in bodies]
    return b"".join(
        head + struct.pack("<I", masked_crc(head)) + body + bytes(4) for head, body in zip(heads, bodies, strict=True)
    )


@given(
    bodies=st.lists(st.binary(max_size=20), max_size=8),
    split=st.sampled_from(["RecordIO", "TFRecord", "Line", "None"]),
    strategy=st.sampled_from(["MultiRecord", "SingleRecord"]),
    assemble=st.sampled_from(["None", "Line"]),
    limit=st.integers(1, 60),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes(runner: Runner, bodies: list[bytes], split: str, strategy: str, assemble: str, limit: int) -> None:
    body = framed(split, bodies) if split in {"RecordIO", "TFRecord"} else b"".join(bodies)
    asked = Asked(split=split, strategy=strategy, assemble=assemble, media="application/octet-stream", limit=limit)

    compared(runner, body, asked, turned)


CELL = st.text(alphabet="a1., \"'\r", max_size=5)
PATHS = st.sampled_from(["$", "$[0]", "$[1:]", "$[:1]", "$[-1,0]", "$[0,0]", "$[1:2]"])


def _line(cells: list[str], quoted: bool) -> str:
    if not quoted:
        return ",".join(cells)
    return ",".join('"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\r') else cell for cell in cells)


@given(
    rows=st.lists(st.tuples(st.lists(CELL, min_size=1, max_size=4), st.booleans()), max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    asked=st.builds(
        Asked,
        split=st.just("Line"), assemble=st.just("Line"), strategy=st.sampled_from(["MultiRecord", "SingleRecord"]),
        limit=st.integers(10, 60), join=st.booleans(), before=PATHS, after=PATHS,
    ),
    model=st.sampled_from([counts, says]),
)  # fmt: skip
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_that_are_drawn(
    runner: Runner, rows: list[tuple[list[str], bool]], end: str, asked: Asked, model: Model
) -> None:
    compared(runner, "".join(_line(cells, quoted) + end for cells, quoted in rows).encode(), asked, model)
