"""Model data from somebody else: what is well-formed comes out whole, and nothing of the rest gets out of its folder."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from fogbank.ground.archive import ArchiveError, unpack_archive

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, data: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    return info, data


def archive(folder: Path, members: Iterable[Member]) -> Path:
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return path


def test_files_folders_and_links_that_stay_inside_come_out(tmp_path: Path) -> None:
    path = archive(tmp_path, [
        member("./code/inference.py", b"import json"), member("weights/a.bin", b"12"),
        member("weights/now.bin", kind=tarfile.SYMTYPE, link="a.bin"), member("copy.bin", kind=tarfile.LNKTYPE, link="weights/a.bin"),
        member("empty", kind=tarfile.DIRTYPE),
    ])  # fmt: skip

    unpack_archive(path, tmp_path / "out")

    assert (tmp_path / "out/code/inference.py").read_bytes() == b"import json"
    assert (tmp_path / "out/weights/now.bin").read_bytes() == (tmp_path / "out/copy.bin").read_bytes() == b"12"
    assert (tmp_path / "out/empty").is_dir()


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("archive-escapes", [member("../out.txt")]),
        ("archive-escapes", [member("/opt/fogbank-out.txt")]),
        ("archive-escapes", [member("a/../../out.txt")]),
        ("archive-escapes", [member("b", kind=tarfile.DIRTYPE), member("a", kind=tarfile.SYMTYPE, link="b"), member("a/x")]),
        ("archive-escapes", [member("x", kind=tarfile.LNKTYPE, link="../../etc/passwd")]),
        ("archive-link-out", [member("a", kind=tarfile.SYMTYPE, link="/etc"), member("a/x")]),
        ("archive-link-out", [member("a", kind=tarfile.SYMTYPE, link=".."), member("a/x")]),
        ("archive-link-out", [member("d/a", kind=tarfile.SYMTYPE, link="b/../../..")]),
        ("archive-device", [member("d", kind=tarfile.CHRTYPE)]),
        ("archive-device", [member("d", kind=tarfile.BLKTYPE)]),
        ("archive-device", [member("d", kind=tarfile.FIFOTYPE)]),
        ("archive-bomb", [member("zeros", bytes(3 << 20))]),
        ("archive-bomb", [member(f"zeros{n}", bytes(1 << 20)) for n in range(3)]),
        ("archive-bomb", [member("a", bytes(range(256)) * 2048), *(member(f"l{n}", kind=tarfile.LNKTYPE, link="a") for n in range(4))]),
        ("archive-unwritable", [member("a"), member("a/b")]),
        ("archive-unwritable", [member("x", kind=tarfile.LNKTYPE, link="not-there")]),
    ],
)  # fmt: skip
def test_what_would_do_harm_is_refused_by_name(tmp_path: Path, code: str, members: list[Member]) -> None:
    inside = tmp_path / "deep" / "out"
    path = archive(tmp_path, members)

    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, inside, bomb_size=1 << 20)

    assert caught.value.code == code
    outside = [
        found
        for found in tmp_path.rglob("*")
        if found not in {path, inside.parent} and inside not in (found, *found.parents)
    ]
    assert outside == []
    assert not Path("/opt/fogbank-out.txt").exists()


def head(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("head")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "parts",
    [
        [head(tarfile.XHDTYPE, 64 << 20), b"9" * (64 << 20)],
        [head(tarfile.XGLTYPE, 64 << 20), b"9" * (64 << 20)],
        [head(tarfile.GNUTYPE_LONGNAME, 64 << 20), b"a" * (64 << 20)],
        [head(tarfile.GNUTYPE_LONGLINK, -1)],
        [head(tarfile.GNUTYPE_LONGNAME, 5) + b"name\0".ljust(512, b"\0")] * 3000,
        [head(tarfile.GNUTYPE_LONGNAME, 4000), b"d/" * 2000 + bytes(96)],
    ],
    ids=["pax", "global", "name", "negative", "heads", "folders"],
)
def test_what_stands_before_a_member_costs_neither_memory_nor_time(tmp_path: Path, parts: list[bytes]) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(gzip.compress(b"".join([*parts, head(tarfile.REGTYPE, 0), bytes(1024)]), 1))

    tracemalloc.start()
    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, tmp_path / "out")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert caught.value.code == "archive-bomb"
    assert most < 8 << 20


def test_a_head_that_macos_makes_is_refused_with_the_way_to_do_without(tmp_path: Path) -> None:
    """Where a file was downloaded from, as bsdtar keeps it: 9,060 bytes."""
    named = member("a", b"1")
    named[0].pax_headers = {"LIBARCHIVE.xattr.com.apple.metadata:kMDItemWhereFroms": "Y" * 9000}
    path = archive(tmp_path, [named])

    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, tmp_path / "out")

    assert caught.value.code == "archive-bomb"
    assert "COPYFILE_DISABLE=1 tar --no-xattrs" in caught.value.hint


def test_a_file_is_written_in_the_place_of_a_link_not_through_it(tmp_path: Path) -> None:
    path = archive(tmp_path, [
        member("a", b"first"), member("b", kind=tarfile.SYMTYPE, link="a"), member("b", b"second"),
    ])  # fmt: skip

    unpack_archive(path, tmp_path / "out")

    assert ((tmp_path / "out/a").read_bytes(), (tmp_path / "out/b").read_bytes()) == (b"first", b"second")


def test_what_is_no_gzip_no_tar_or_cut_short_is_told_apart(tmp_path: Path) -> None:
    whole = archive(tmp_path, [member("a", bytes(range(256)) * 400)]).read_bytes()
    several = gzip.compress(gzip.decompress(whole)[:1024]) + gzip.compress(gzip.decompress(whole)[1024:])
    for code, data in (
        ("archive-not-gzip", b"PK\x03\x04 a zip"),
        ("archive-not-gzip", b""),
        ("archive-not-tar", gzip.compress(b"just a file, and a long one" * 100)),
        ("archive-truncated", whole[: len(whole) // 2]),
        ("archive-truncated", whole[:-4]),
        ("archive-truncated", whole[:400] + bytes([whole[400] ^ 255]) + whole[401:]),
    ):
        path = tmp_path / "bad.tar.gz"
        path.write_bytes(data)
        with pytest.raises(ArchiveError) as caught:
            unpack_archive(path, tmp_path / "out")
        assert caught.value.code == code
    (tmp_path / "several.tar.gz").write_bytes(several)
    unpack_archive(tmp_path / "several.tar.gz", tmp_path / "several")
    assert (tmp_path / "several/a").stat().st_size == 256 * 400
