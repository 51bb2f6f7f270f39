"""aws-chunked bodies, whatever the pieces they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cloud.objects.chunked import Chunked, ChunkError
from tests.drawn import at_most


@at_most(30)
@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(1, 40), st.booleans())
def test_the_bytes_that_were_meant(chunks: list[bytes], size: int, signed: bool) -> None:
    extra = b";chunk-signature=ab" if signed else b""
    sent = b"".join(f"{len(chunk):x}".encode() + extra + b"\r\n" + chunk + b"\r\n" for chunk in chunks)
    sent += b"0" + extra + b"\r\nX-Amz-Checksum-CRC32: AAAA\r\n\r\n"
    body = Chunked(iter([sent[at : at + size] for at in range(0, len(sent), size)]))

    assert b"".join(body.parts()) == b"".join(chunks)
    assert body.trailers == {"x-amz-checksum-crc32": "AAAA"}


@pytest.mark.parametrize("sent", [b"", b"5\r\n123", b"zz\r\n", b"2\r\n123\r\n0\r\n\r\n", b"3\r\n123\r\n", b"-1\r\n"])
def test_what_is_none_or_ends_too_early(sent: bytes) -> None:
    with pytest.raises(ChunkError):
        list(Chunked(iter([sent])).parts())
