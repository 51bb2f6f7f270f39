"""How the engine is found. The executables here are real ones: small scripts that answer `version`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packaging.version import Version

from fogbank.contracts.errors import EngineError
from fogbank.engine.build import VERSION, BuildError, build, go_version
from fogbank.engine.locate import Engine, find
from fogbank.ground.cache import cache_dir


def install(folder: Path, version: str = "v3.250.0", *, host: bool = True) -> Path:
    """A `pulumi` in folder/bin."""
    binaries = folder / "bin"
    binaries.mkdir(parents=True)
    (binaries / "pulumi").write_text(f"#!/bin/sh\necho {version}\n")
    (binaries / "pulumi").chmod(0o755)
    if host:
        (binaries / "pulumi-language-python").touch()
    return binaries


def found(tmp_path: Path, **env: str) -> Engine:
    environment = {"FOGBANK_CACHE": str(tmp_path / "cache"), "PATH": "/nonexistent", **env}
    return find(environment, tmp_path, lambda _: None, fetch=False)


def look(tmp_path: Path, **env: str) -> tuple[str, str]:
    engine = found(tmp_path, **env)
    return str(engine.command), engine.why


def test_the_order_is_variable_path_cache(tmp_path: Path) -> None:
    cached = install(tmp_path / "cache" / "pulumi" / VERSION)
    assert look(tmp_path) == (str(cached / "pulumi"), f"cached in {cached.parent}")
    on_path = install(tmp_path / "somewhere")
    assert look(tmp_path, PATH=str(on_path))[0] == str(on_path / "pulumi")
    named = install(tmp_path / "named")
    assert look(tmp_path, PATH=str(on_path), FOGBANK_PULUMI=str(named / "pulumi")) == (
        str(named / "pulumi"),
        "FOGBANK_PULUMI names it",
    )


def test_the_one_that_fogbank_has_built_is_known_wherever_it_is_named(tmp_path: Path) -> None:
    home = tmp_path / "cache" / "pulumi" / VERSION
    cached = install(home)
    ways: tuple[dict[str, str], ...] = ({}, {"PATH": str(cached)}, {"FOGBANK_PULUMI": str(home)})
    assert [found(tmp_path, **way).is_built for way in ways] == [True] * 3

    (cached / "pulumi-language-go").touch()  # what the official installer brings
    assert [found(tmp_path, **way).is_built for way in ways] == [False] * 3
    other = install(tmp_path / "other")
    assert not found(tmp_path, PATH=str(other)).is_built


def test_one_error_names_every_way_and_why_it_failed(tmp_path: Path) -> None:
    old = install(tmp_path / "old", "v3.1.0")
    bare = install(tmp_path / "bare", host=False)
    with pytest.raises(EngineError) as caught:
        look(tmp_path, FOGBANK_PULUMI=str(tmp_path / "none"), PATH=str(old))
    with pytest.raises(EngineError, match="no pulumi-language-python beside it"):
        look(tmp_path, FOGBANK_PULUMI=str(bare / "pulumi"))

    said = caught.value.cause
    assert "FOGBANK_PULUMI:" in said
    assert "does not run" in said
    assert "is 3.1.0, and at least 3.200.0 is needed" in said
    assert "cache: nothing in" in said
    assert caught.value.exit_code == 4


def test_a_build_that_fails_leaves_nothing_and_is_told(tmp_path: Path) -> None:
    recipes = tmp_path / "recipes"
    for part in ("cli", "language"):
        (recipes / part).mkdir(parents=True)
        (recipes / part / "go.mod").write_text("module x\n\ngo 1.24\n")

    with pytest.raises(BuildError, match="go build"):
        build(recipes, tmp_path / "out", {**os.environ, "GOPROXY": "off"}, lambda _: None)
    with pytest.raises(BuildError, match=r"no go.mod"):
        build(tmp_path, tmp_path / "out2", os.environ, lambda _: None)


def test_small_things() -> None:
    assert go_version("go version go1.25 linux/amd64") == Version("1.25.0")
    assert go_version("go version go1.26rc2 linux/amd64") < Version("1.26")
    assert go_version("go version devel go1.27-1a2b3c linux/amd64") == Version("1.27")
    assert go_version("nonsense") == Version("0")
    assert cache_dir({"XDG_CACHE_HOME": "/x"}) == Path("/x/fogbank")
