"""A parquet file's footer and the heads of its pages say what it unfolds to; bytes that are none are an error, not a loop."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.serve.pages import described


def file(columns: dict[str, list[object]], **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_it_says_what_pyarrow_says_of_an_honest_file(compression: str, version: str) -> None:
    columns: dict[str, list[object]] = {
        "a": [float(n % 7) for n in range(5000)],
        "b": [f"w{n % 3}" for n in range(5000)],
    }
    body = file(columns, compression=compression, data_page_version=version, data_page_size=1000, row_group_size=2000)
    metadata = pq.ParquetFile(pa.BufferReader(body)).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]

    told = described(body)

    assert told.rows == 5000
    assert told.columns == {
        name: sum(group.column(place).total_uncompressed_size for group in groups) for place, name in enumerate("ab")
    }


@given(st.binary(max_size=300), st.integers(0, 310))
def test_bytes_that_are_no_file_are_an_error(body: bytes, size: int) -> None:
    data = b"PAR1" + body + size.to_bytes(4, "little") + b"PAR1"
    try:
        assert described(data).rows >= 0
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1" + bytes(4) + b"PAR1", b"PAR1" + b"\xff" * 4 + b"PAR1"])
def test_what_has_no_footer_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="no footer"):
        described(body)
