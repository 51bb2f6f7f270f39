"""Targets and pins: the same machine under the names of OCI, Debian, wheels and markers."""

from __future__ import annotations

import platform

import pytest
from packaging.markers import Marker

from fogbank.contracts.dependencies import HOST_PLATFORM, MACHINES, Pin, Target, host_platform


@pytest.mark.parametrize(
    ("name", "machine", "architecture"), [("linux/amd64", "x86_64", "amd64"), ("linux/arm64", "aarch64", "arm64")]
)
def test_a_platform_is_one_machine_under_three_names(name: str, machine: str, architecture: str) -> None:
    target = Target(platform=name, python="3.11")

    assert (target.machine, target.architecture) == (machine, architecture)
    assert HOST_PLATFORM[machine] == HOST_PLATFORM[architecture] == name


def test_markers_are_those_of_the_target_and_not_of_this_machine() -> None:
    markers = Target(platform="linux/arm64", python="3.13").markers()

    for text, holds in (
        ("platform_machine == 'aarch64'", True),
        ("python_version >= '3.12'", True),
        ("python_full_version < '3.13.0'", False),
        ("sys_platform == 'win32'", False),
        ("platform_system == 'Linux' and os_name == 'posix'", True),
        ("implementation_name == 'pypy'", False),
    ):
        assert Marker(text).evaluate({**markers, "extra": ""}) is holds, text


def test_a_target_with_this_python_has_its_patch_version() -> None:
    short = ".".join(platform.python_version_tuple()[:2])

    assert Target(platform="linux/amd64", python=short).markers()["python_full_version"] == platform.python_version()


def test_this_machine_runs_containers_of_a_platform_that_is_known() -> None:
    assert host_platform() in MACHINES


def test_a_pin_is_written_as_pip_reads_it() -> None:
    assert str(Pin(name="numpy", version="2.4.6")) == "numpy==2.4.6"
