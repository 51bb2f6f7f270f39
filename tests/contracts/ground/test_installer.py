"""uv sees of this machine what is uv's own."""

from __future__ import annotations

import pytest

from fogbank.ground.installer import installer_environment, run_uv


def test_what_is_uvs_own_goes_along_and_nothing_else() -> None:
    own = {"PATH": "/bin", "HOME": "/home/me", "UV_INDEX_MINE_PASSWORD": "p", "https_proxy": "http://proxy"}
    others = {"AWS_SECRET_ACCESS_KEY": "s", "GITHUB_TOKEN": "t", "PYTHONPATH": "/x", "UV_COMPILE_BYTECODE": "1"}

    assert installer_environment({**own, **others}) == own
    assert run_uv(["--version"], 60).stdout.startswith("uv ")


def test_nothing_links_into_uvs_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_LINK_MODE", "symlink")

    settings = run_uv(["--show-settings", "pip", "install", "six"], 60).stdout
    assert "link_mode: Hardlink" in settings
