"""The server's own dependencies are asked for with an environment, not before; what is wrong with them is wrong with that one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.contracts.errors import PackageError


def test_what_the_server_needs_is_asked_with_an_environment_and_what_is_lacking_is_its_error(tmp_path: Path) -> None:
    asked: list[str] = []

    def lacking() -> tuple[str, ...]:
        asked.append("pins")
        raise PackageError("dependency-missing", "uvloop is not installed", "install fogbank again")

    environments = Environments(tmp_path, lacking)
    assert asked == []

    with pytest.raises(DependencyError, match="uvloop is not installed; install fogbank again"):
        environments.python_for([])
    assert (asked, list(tmp_path.iterdir())) == (["pins"], [])
