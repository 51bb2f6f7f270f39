from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.jobs.records import RecordError, assemble, batches, decompress, manifest_keys, output_key, split

LINES = st.lists(st.binary(min_size=0, max_size=30).map(lambda b: b.replace(b"\n", b"") + b"\n"), max_size=30)


@given(LINES, st.integers(31, 200), st.sampled_from(["MultiRecord", "SingleRecord"]))
def test_batches_keep_every_record_in_order_and_under_the_limit(lines: list[bytes], limit: int, strategy: str) -> None:
    made = list(batches(split(b"".join(lines), "Line"), strategy, limit))

    assert b"".join(made) == b"".join(lines)
    assert all(len(body) <= limit for body in made)
    if strategy == "SingleRecord":
        assert len(made) == len(lines)


def test_a_final_newline_makes_no_record_and_none_splits_nothing() -> None:
    assert list(split(b"1\n2", "Line")) == [b"1\n", b"2"]
    assert list(split(b"1\n2\n", "None")) == [b"1\n2\n"]
    assert list(batches(split(b"", "Line"), "MultiRecord", 10)) == []


@given(st.lists(st.text().map(lambda text: text.replace("\n", ""))))
def test_a_line_ends_at_a_newline_and_nowhere_else(lines: list[str]) -> None:
    body = "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")

    assert [record.decode("utf-8", "surrogatepass") for record in split(body, "Line")] == [
        line + "\n" for line in lines
    ]


def test_a_record_over_the_limit_is_named() -> None:
    with pytest.raises(RecordError, match="record 2 has 5 bytes"):
        list(batches([b"1\n", b"1234\n"], "MultiRecord", 4))


@pytest.mark.parametrize(
    ("replies", "how", "out"),
    [
        ([b"1\n", b"2\n"], "None", b"1\n2\n"),
        ([b"1", b"2"], "None", b"12"),
        ([b"1", b"2\n"], "Line", b"1\n2\n"),
    ],
)
def test_assembly(replies: list[bytes], how: str, out: bytes) -> None:
    assert assemble(replies, how) == out


@pytest.mark.parametrize(
    ("prefix", "key", "expected"),
    [
        ("in/", "in/day.csv", "out/day.csv.out"),
        ("in", "in/sub/day.csv", "out/in/sub/day.csv.out"),
        ("in/day.csv", "in/day.csv", "out/day.csv.out"),
        ("in/day-", "in/day-1.csv", "out/day-1.csv.out"),
    ],
)
def test_output_names(prefix: str, key: str, expected: str) -> None:
    assert output_key(prefix, key, "out/") == expected


def test_gzip_and_manifests() -> None:
    assert decompress(gzip.compress(b"1\n"), "Gzip") == b"1\n"
    whole = gzip.compress(b"1\n" * 1000)
    for broken in (b"1\n", whole[:-9], whole[:12] + b"\xff\xff" + whole[14:]):
        with pytest.raises(RecordError, match="not gzip"):
            decompress(broken, "Gzip")
    assert manifest_keys(b'[{"prefix": "s3://b/p/"}, "a.csv", "b.csv"]') == ("s3://b/p/", ["a.csv", "b.csv"])
    with pytest.raises(RecordError, match="not a SageMaker manifest"):
        manifest_keys(b"{}")
