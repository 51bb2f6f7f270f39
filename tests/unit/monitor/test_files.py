"""Files of a data set: every format by name, in bounded memory; a bad record is named and set aside, what is no table is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.files import Profiled, profile_files

Put = Callable[..., Profiled]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Profiles files of these bodies: d0, d1, ..."""

    def profiled(kind: str, *bodies: bytes, **options: Any) -> Profiled:
        files = [tmp_path / f"d{number}" for number in range(len(bodies))]
        for file, body in zip(files, bodies, strict=True):
            file.write_bytes(body)
        return profile_files(files, kind, options)

    return profiled


def kinds(read: Profiled) -> dict[str, tuple[str, int]]:
    """Each column's type, and how many values it has."""
    return {name: (column.kind, column.present) for name, column in read.profile.columns.items()}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a,b,a\n1,2,3\n", "the header has the column 'a' twice"),
        (b"", "the CSV is empty"),
        (b"\xff\xfe", "can't decode byte"),
    ],
)
def test_what_is_no_table_is_an_error_that_names_the_file(put: Put, body: bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=r"^d0: ") as refusal:
        put("csv", body)

    assert reason in str(refusal.value)


def test_a_bad_row_is_set_aside_by_its_line(put: Put) -> None:
    read = put("csv", b"a,b\n1,x\n2\n3,y,z\n4,\xff\n5,w\n")

    assert kinds(read) == {"a": ("Integral", 2), "b": ("String", 2)}
    reasons = {bad.line: bad.reason for bad in read.aside.named}
    assert reasons.keys() == {3, 4, 5}
    assert reasons[3] == "a row has 1 columns, the header 2"
    assert "utf-8" in reasons[5]


def test_without_a_header_most_rows_say_how_many_columns_there_are(put: Put) -> None:
    read = put("csv", b"1,2\n1,2,3\n4,5,6\n", header=False)

    assert kinds(read) == {"_c0": ("Integral", 2), "_c1": ("Integral", 2), "_c2": ("Integral", 2)}
    assert str(read.aside.named[0]) == "d0 line 1: a row has 2 columns, the others 3"


def test_a_byte_order_mark_is_no_part_of_a_name(put: Put) -> None:
    assert list(put("csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n").profile.columns) == ["a", "b"]


def test_files_are_joined_by_name(put: Put) -> None:
    read = put("csv", b"a,b\n1,x\n", b"b,a,c\ny,2,9\n")

    assert kinds(read) == {"a": ("Integral", 2), "b": ("String", 2), "c": ("Integral", 1)}
    assert read.profile.rows == 2


def test_json_lines_are_joined_by_name_and_half_a_record_is_set_aside(put: Put) -> None:
    read = put("json", b'{"a": 1, "s": "x"}\n{"s": "y", "a": 2.5, "t": true}\n{"a": [1]}\n{"a": 3, "s\n', lines=True)

    assert kinds(read) == {"a": ("Fractional", 2), "s": ("String", 2), "t": ("String", 1)}
    assert [bad.line for bad in read.aside.named] == [3, 4]


def test_a_json_document_is_a_row_or_a_list_of_them(put: Put) -> None:
    read = put("json", b'[{"a": 1}, {"a": null}]', b'{"a": 2}')

    assert (read.profile.rows, kinds(read)) == (3, {"a": ("Integral", 2)})
    with pytest.raises(DatasetError, match="d0: it is not JSON"):
        put("json", b"[{")


def test_parquet_has_types_of_its_own(put: Put, tmp_path: Path) -> None:
    table = pa.table({
        "n": pa.array([1, None, 3]), "x": pa.array([1.0, float("nan"), None]), "s": pa.array(["a", None, "b"]),
        "d": pa.array(["u", "u", None]).dictionary_encode(), "t": pa.array([True, False, None]),
        "e": pa.array([None, None, None], pa.float64()),
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "p")

    read = put("parquet", (tmp_path / "p").read_bytes())

    assert kinds(read) == {
        "n": ("Integral", 2), "x": ("Fractional", 1), "s": ("String", 2), "d": ("String", 2), "t": ("String", 2), "e": ("Unknown", 0),
    }  # fmt: skip
    with pytest.raises(DatasetError, match="it is not Parquet"):
        put("parquet", b"PAR1")


def test_ten_thousand_columns_are_read(put: Put) -> None:
    names = ",".join(f"c{i}" for i in range(10_000))
    rows = "\n".join(",".join(map(str, row)) for row in np.arange(30_000).reshape(3, 10_000).tolist())

    read = put("csv", f"{names}\n{rows}\n".encode())

    assert (len(read.profile.columns), read.profile.rows) == (10_000, 3)
    assert {column.kind for column in read.profile.columns.values()} == {"Integral"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"a\ninf\n-inf\n1\n", "String"), (b"a\n1\nx\n", "String"), (b"a,b\n,\n,\n", "Unknown"), (b"a\n7\n", "Integral")],
)
def test_odd_columns_have_statistics_that_are_json(put: Put, body: bytes, kind: str) -> None:
    document = put("csv", body).profile.document()

    assert document["features"][0]["inferred_type"] == kind
    json.dumps(document, allow_nan=False)
