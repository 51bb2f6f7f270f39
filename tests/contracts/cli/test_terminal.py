"""Answers as a pipe and a terminal get them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"1\n2\n", "text/csv"),
        (b"[1, 2]", "application/json"),
        (b"\x93NUMPY\x01\n\x00", "application/x-npy"),
        (b"", "text/csv"),
    ],
)
def test_an_answer_goes_into_a_pipe_byte_for_byte(body: bytes, content_type: str) -> None:
    code = f"from fogbank.cli.terminal import Terminal; Terminal().answer({body!r}, {content_type!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout == body


@pytest.mark.parametrize(
    ("body", "content_type", "printed"),
    [
        (b"label,cat\ncat,0.9\n", "text/csv", "label  cat\n-----  ---\ncat    0.9\n"),
        (b'{"message": "hi"}', "application/json", '{"message": "hi"}\n'),
        (b"hello", "text/plain", "hello\n"),
        (b"\x00\x01", "application/octet-stream", "\x00\x01"),
    ],
)
def test_a_person_reads_a_table_or_a_text_that_ends_its_line(body: bytes, content_type: str, printed: str) -> None:
    code = f"from fogbank.cli.terminal import Terminal; Terminal().answer({body!r}, {content_type!r}, header=True)"
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", code], stdout=theirs, check=True)
        assert os.read(ours, 4096).decode().replace("\r\n", "\n") == printed
    finally:
        os.close(ours)
        os.close(theirs)
