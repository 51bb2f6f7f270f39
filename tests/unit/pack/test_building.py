"""What somebody's sources say that building them needs: names and versions reach the installer, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.pack.building import checked_requirements


def test_names_versions_extras_and_markers_are_taken() -> None:
    said = ["setuptools>=61", "setuptools_scm[toml] >= 8, < 10", "tomli; python_version < '3.11'"]
    assert checked_requirements("a", said) == [
        "setuptools>=61", "setuptools_scm[toml]<10,>=8", 'tomli; python_version < "3.11"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        ["--index-url=https://other.example/simple"],
        ["-r /etc/passwd"],
        ["setuptools\n--index-url https://other.example"],
        ["setuptools\n"],
        ["setuptools===${UV_INDEX_CORP_PASSWORD}"],
        ["setuptools; platform_release == '${HOME}'"],
        ["setuptools @ file:///home/me/other.whl"],
        ["setuptools @ https://other.example/${TOKEN}.whl"],
        ["../other"],
        [1],
        [["setuptools"]],
        "setuptools",
        None,
        {"setuptools": "1"},
    ],
)
def test_what_says_more_to_an_installer_is_refused(said: Any) -> None:
    with pytest.raises(PackageError) as caught:
        checked_requirements("a", said)
    assert caught.value.code == "source-unbuildable"
