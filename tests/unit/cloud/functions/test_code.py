"""A function's zip is somebody else's: what it is not is told, and what it is too much of."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from fogbank.cloud.functions.code import CodeError, unpacked
from fogbank.cloud.moto.functions import Function
from fogbank.ground.archive import MEMBERS_LIMIT


def zipped(*names: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name in names:
            archive.writestr(name, b"def handler(event, context): pass\n")
    return out.getvalue()


def damaged(data: bytes) -> bytes:
    at = data.index(b"m.py") + 4
    return data[:at] + b"\xff\xff\xff" + data[at + 3 :]


def function(code: bytes) -> Function:
    return Function(
        region="us-east-1", name="f", arn="arn:aws:lambda:us-east-1:123456789012:function:f", version="$LATEST", package="Zip",
        runtime="python3.11", handler="m.handler", role="", environment={}, memory_mb=128, timeout_s=3, code=code, digest="", layers=(),
        reserved=None, asynchronous={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (damaged(zipped("m.py")), "m.py"),
        (damaged(zipped("m.py", method=zipfile.ZIP_LZMA)), "m.py"),
        (zipped("../m.py"), "outside"),
        (zipped("a", "a/b"), "a/b"),
        (zipped("d/" * 200 + "m.py"), "folders in one another"),
        (zipped("m.py")[:-30], "Could not unzip"),
    ],
)
def test_what_is_no_code_is_told_and_leaves_nothing(tmp_path: Path, code: bytes, why: str) -> None:
    with pytest.raises(CodeError, match=why):
        unpacked(function(code), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_zip_of_very_many_files_is_refused_before_any_is_written(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(MEMBERS_LIMIT + 1):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    with pytest.raises(CodeError, match="files"):
        unpacked(function(out.getvalue()), tmp_path)
