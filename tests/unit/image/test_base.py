"""What a base must have, and which of its layers' words counts."""

from __future__ import annotations

import gzip
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.contracts.dependencies import Target
from fogbank.contracts.errors import PackageError
from fogbank.image.base import make_base, open_base
from fogbank.image.layers import Entry, LayerStore
from tests.unit.image.conftest import DEBIAN, TARGET, MakeLayout


def test_a_base_knows_its_python_and_its_debian_packages(make_layout: MakeLayout, tmp_path: Path) -> None:
    base = open_base(make_layout(DEBIAN), "mine", TARGET, tmp_path / "cache")

    assert (base.name, base.platform, base.python) == ("mine", "linux/amd64", "/usr/bin/python3.11")
    assert base.packages == ("libc6 2.36-9", "python3.11 3.11.2-6")
    assert len(base.layers) == 1


def test_the_image_that_python_is_made_for_comes_first_wherever_it_lies(
    make_layout: MakeLayout, tmp_path: Path
) -> None:
    own = Entry(name="usr/local/bin/python3.11", data=b"\x7fELF")
    upper = Entry(name="var/lib/dpkg/status", data=b"Package: libc6\nVersion: 2.36-10\n")

    for number, layers in enumerate((((own,), DEBIAN, (upper,)), (DEBIAN, (own, upper)))):
        base = open_base(make_layout(*layers), "mine", TARGET, tmp_path / f"cache-{number}")
        assert base.python == "/usr/local/bin/python3.11"
        assert base.packages == ("libc6 2.36-10",)


def test_a_list_of_packages_that_is_a_link_to_nothing_names_none(make_layout: MakeLayout, tmp_path: Path) -> None:
    nowhere = Entry(name="var/lib/dpkg/status", link="../../../gone")
    assert open_base(make_layout(DEBIAN, (nowhere,)), "mine", TARGET, tmp_path / "cache").packages == ()


def test_what_was_seen_is_kept_by_the_images_digest(make_layout: MakeLayout, tmp_path: Path) -> None:
    layout = make_layout(DEBIAN)
    first = open_base(layout, "mine", TARGET, tmp_path / "cache")
    layout.blob(first.layers[0].digest).write_bytes(b"not looked at again")

    assert open_base(layout, "mine", TARGET, tmp_path / "cache") == first


@pytest.mark.parametrize(
    ("entries", "target", "code"),
    [
        (DEBIAN, Target(platform="linux/arm64", python="3.11"), "base-platform-missing"),
        (DEBIAN, Target(platform="linux/amd64", python="3.12"), "base-without-python"),
        (DEBIAN[:1], TARGET, "base-without-glibc"),
        ((*DEBIAN[:1], Entry(name="lib/libc.musl-x86_64.so.1", data=b"\x7fELF")), TARGET, "base-without-glibc"),
    ],
)
def test_a_base_that_does_not_do_is_refused_by_name(
    make_layout: MakeLayout, tmp_path: Path, entries: tuple[Entry, ...], target: Target, code: str
) -> None:
    with pytest.raises(PackageError) as caught:
        open_base(make_layout(entries), "mine", target, tmp_path / "cache")

    assert caught.value.code == code
    assert "mine" in caught.value.cause


def test_no_debian_release_has_that_python(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"Python 3.2 .*3.11, 3.13") as caught:
        make_base(replace(TARGET, python="3.2"), LayerStore(tmp_path), tmp_path / "base", None)

    assert caught.value.code == "base-python"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_layer_that_is_a_bomb_or_none_is_refused(make_layout: MakeLayout, tmp_path: Path, kind: bytes) -> None:
    layout = make_layout(DEBIAN)
    layer = layout.blob(open_base(layout, "mine", TARGET, tmp_path / "cache").layers[0].digest)
    head = tarfile.TarInfo("head")
    head.type, head.size = kind, 64 << 20
    for number, data in enumerate((gzip.compress(head.tobuf(tarfile.GNU_FORMAT) + b"9" * (64 << 20), 1), b"no layer")):
        layer.write_bytes(data)
        with pytest.raises(PackageError) as caught:
            open_base(layout, "mine", TARGET, tmp_path / f"cache-{number}")
        assert caught.value.code == "layout-unreadable"
