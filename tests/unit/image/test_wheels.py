"""The one wheel of each distribution that fits the target best, on any host."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.dependencies import Pin, Target, WheelFile
from fogbank.contracts.errors import PackageError
from fogbank.image.wheels import choose_wheels, supported_tags

ARM64 = Target(platform="linux/arm64", python="3.11")
AMD64 = Target(platform="linux/amd64", python="3.11")


def wheels(*names: str) -> tuple[WheelFile, ...]:
    return tuple(WheelFile(filename=name, sha256=f"{number}" * 64) for number, name in enumerate(names))


def test_the_best_wheel_of_the_target_is_chosen_on_any_host(tmp_path: Path) -> None:
    pin = Pin(name="x", version="1", wheels=wheels(
        "x-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "x-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "x-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "x-1-cp312-cp312-manylinux_2_28_aarch64.whl",
        "x-1-cp311-cp311-musllinux_1_2_aarch64.whl", "x-1-cp311-cp311-macosx_11_0_arm64.whl", "x-1-py3-none-any.whl",
        "x-1-cp39-abi3-manylinux_2_28_aarch64.whl", "x-1-cp311-cp311-manylinux_2_39_aarch64.whl", "not a wheel",
    ))  # fmt: skip

    assert choose_wheels([pin], AMD64, tmp_path)[0].filename == "x-1-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert choose_wheels([pin], ARM64, tmp_path)[0].sha256 == "2" * 64
    assert str(supported_tags(ARM64)[0]) == "cp311-cp311-manylinux_2_28_aarch64"


def test_a_distribution_without_a_wheel_for_the_target_is_named_with_those_it_has(tmp_path: Path) -> None:
    pin = Pin(name="x", version="1", wheels=wheels("x-1-cp311-cp311-manylinux_2_28_x86_64.whl"))

    with pytest.raises(
        PackageError, match=r"x==1 has no wheel for linux/arm64 and Python 3.11 .*manylinux_2_28_x86_64"
    ) as caught:
        choose_wheels([pin], ARM64, tmp_path)

    assert caught.value.code == "wheel-missing"


def test_tags_begin_with_the_newest_glibc_and_end_with_what_any_python_takes() -> None:
    tags = [str(tag) for tag in supported_tags(AMD64)]

    assert tags.index("cp311-cp311-manylinux_2_28_x86_64") < tags.index("cp311-cp311-manylinux2014_x86_64")
    assert tags.index("cp311-cp311-manylinux2014_x86_64") < tags.index("cp311-abi3-manylinux_2_28_x86_64")
    assert tags.index("py3-none-any") > tags.index("cp311-cp311-linux_x86_64")
    assert not [tag for tag in tags if "aarch64" in tag or "musllinux" in tag or "manylinux_2_29" in tag]
