"""Which wheels a machine and a Python can have; what has an address or lies here is never asked of an index by its name."""

from __future__ import annotations

import pytest

from fogbank.contracts.dependencies import Pin, WheelFile
from fogbank.contracts.errors import PackageError
from fogbank.pack.fitting import fits, runs_on
from fogbank.pack.resolve import requirement_lines

LINUX = " ; sys_platform == 'linux' and platform_machine == '{}' --hash=sha256:{}"


def pin(*tags: str, address: str = "https://corp.example/") -> Pin:
    names = [f"a-1-{tag}.whl" for tag in tags]
    urls = [f"{address}{name}" if address else "" for name in names]
    return Pin(
        name="a",
        version="1",
        wheels=tuple(
            WheelFile(filename=name, sha256=str(number) * 64, url=url)
            for number, (name, url) in enumerate(zip(names, urls, strict=True))
        ),
    )


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        (["cp311-cp311-linux_x86_64"], {"x86_64": 0}),
        (["cp311-cp311-linux_x86_64", "cp311-cp311-manylinux_2_17_x86_64"], {"x86_64": 1}),
        (["cp311-cp311-manylinux_2_5_x86_64", "cp311-cp311-manylinux_2_28_x86_64"], {"x86_64": 1}),
        (["cp311-cp311-manylinux_2_34_x86_64", "cp311-cp311-linux_aarch64"], {"x86_64": 0, "aarch64": 1}),
        (["cp311-cp311-musllinux_1_2_x86_64", "cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64"], {"x86_64": 1}),
    ],
)
def test_each_machine_has_the_best_of_its_wheels(tags: list[str], chosen: dict[str, int]) -> None:
    assert requirement_lines([pin(*tags)], "3.11") == [
        f"a @ https://corp.example/a-1-{tags[number]}.whl{LINUX.format(machine, str(number) * 64)}"
        for machine, number in chosen.items()
    ]


@pytest.mark.parametrize("address", ["https://corp.example/", ""])
@pytest.mark.parametrize("tag", ["cp312-cp312-manylinux_2_28_x86_64", "cp312-none-any", "no-name"])
def test_no_pin_with_wheels_becomes_a_line_without_a_hash(tag: str, address: str) -> None:
    with pytest.raises(PackageError) as caught:
        requirement_lines([pin(tag, address=address)], "3.11")
    assert (caught.value.code, tag in caught.value.cause) == ("wheel-missing", True)


@pytest.mark.parametrize(
    "tag", ["cp311-cp311-macosx_11_0_arm64", "cp311-cp311-musllinux_1_2_x86_64", "py3-none-win_amd64"]
)
def test_a_wheel_for_no_machine_of_linux_is_missed(tag: str) -> None:
    with pytest.raises(PackageError) as caught:
        requirement_lines([pin(tag)], "3.11")
    assert caught.value.code == "wheel-missing"


def test_an_index_may_have_what_only_some_bases_take_and_a_file_here_may_not() -> None:
    newest = "a-1-cp311-cp311-manylinux_2_34_x86_64.whl"
    assert runs_on(newest, "x86_64", "3.11")
    assert fits(newest, "x86_64", "3.11") is None
    assert not runs_on("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", "x86_64", "3.11")
