"""uv sees of this machine what is uv's own."""

from __future__ import annotations

from fogbank.ground.installer import installer_environment, run_uv


def test_what_is_uvs_own_goes_along_and_nothing_else() -> None:
    own = {"PATH": "/bin", "HOME": "/home/me", "UV_INDEX_MINE_PASSWORD": "p", "https_proxy": "http://proxy"}
    others = {"AWS_SECRET_ACCESS_KEY": "s", "GITHUB_TOKEN": "t", "PYTHONPATH": "/x", "UV_COMPILE_BYTECODE": "1"}

    assert installer_environment({**own, **others}) == own
    assert run_uv(["--version"], 60).stdout.startswith("uv ")
