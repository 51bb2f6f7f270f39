"""Files cut into mini-batches, scored anywhere, put together in order."""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.errors import DataError
from fogbank.contracts.transform import TransformRequest
from fogbank.direct.files import Work, score, tasks, write
from fogbank.direct.scorer import Packed
from tests.batch_reference import Asked, output_of
from tests.direct_work import packed_sums, request_of, rows


def tens(body: bytes) -> bytes:
    """What the package answers."""
    sums = [sum(map(float, line.split(b","))) for line in body.split(b"\n") if line]
    return b"".join(b"%r\n" % (10 * total) for total in sums)


def work(folder: Path, request: TransformRequest, body: bytes) -> Work:
    (folder / "in.csv").write_bytes(body)
    return Work(package=Packed.of(packed_sums(folder)), request=request.to_json(), file=str(folder / "in.csv"))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("compressed", [False, True])
def test_the_output_is_the_jobs(tmp_path: Path, workers: int, compressed: bool) -> None:
    request, body = request_of("$[1:]", "$[0,-1]", join=True), rows(120_000)
    given = gzip.compress(body, 1) if compressed else body
    if compressed:
        request = replace(request, source=replace(request.source, compression="Gzip"))
    before = sorted(Path(tempfile.gettempdir()).glob("fogbank-direct-*"))
    score(work(tmp_path, request, given), tmp_path / "out", workers)

    assert sorted(Path(tempfile.gettempdir()).glob("fogbank-direct-*")) == before
    asked = Asked(split="Line", assemble="Line", join=True, before="$[1:]", after="$[0,-1]", limit=1 << 20)
    few = rows(2000)
    assert (tmp_path / "out").read_bytes().startswith(output_of(few, asked, tens)[0])
    assert (tmp_path / "out").read_bytes().count(b"\n") == 120_000
    assert len(list(tasks(tmp_path / "in.csv", request))) > 2


def test_no_output_where_a_record_fails_and_it_is_named(tmp_path: Path) -> None:
    body = rows(60_000) + b"bad,13,1\n"
    with pytest.raises(DataError, match=r"records \d+-60001: 500"):
        score(work(tmp_path, request_of("$[1:]", join=True), body), tmp_path / "out", 1)
    with pytest.raises(DataError, match=r"record 1: Failed to parse input as CSV: bare"):
        score(work(tmp_path, request_of("$[1:]", join=True), b'a"b,1,2\n'), tmp_path / "out", 1)
    with pytest.raises(DataError, match="MaxPayloadInMB"):
        score(work(tmp_path, request_of(), b"1" * (2 << 20)), tmp_path / "out", 1)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.csv", "made", "model.tar.gz"]


def test_an_answer_that_there_is_not_is_told_by_each_worker(tmp_path: Path) -> None:
    request = request_of("$[1:]", join=True)
    request = replace(request, target=replace(request.target, accept="image/png"))

    with pytest.raises(DataError, match="records 1-9: "):
        score(work(tmp_path, request, rows(9)), tmp_path / "out", 1)


def test_an_output_that_breaks_off_is_not_there(tmp_path: Path) -> None:
    def breaks() -> object:
        yield b"1"
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        write(breaks(), tmp_path / "out")  # type: ignore[arg-type]  # a generator
    assert list(tmp_path.iterdir()) == []
