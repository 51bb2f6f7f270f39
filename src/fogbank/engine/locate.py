"""Where the Pulumi engine comes from: FOGBANK_PULUMI, PATH, the cache, the official installer, a build from its Go modules.

In: the environment; out: an `Engine`, or one EngineError that names every way that was tried. A way that leaves files is
safe against two processes at once (a lock) and against being interrupted (a folder appears complete, or not at all).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import InvalidVersion, Version

from fogbank.contracts.errors import EngineError
from fogbank.engine.build import VERSION, BuildError, Progress, build
from fogbank.ground.cache import cache_dir
from fogbank.ground.locks import locked

LEAST = Version("3.200.0")
"""The oldest CLI that the Automation API of this Pulumi SDK is used with."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A Pulumi CLI with its Python language host beside it. `root` has bin/pulumi; `why` says how it was chosen; `is_built`: whether it is
    the one that fogbank has built from Go modules."""

    root: Path
    version: str
    why: str
    is_built: bool = False

    @property
    def command(self) -> Path:
        """The CLI."""
        return self.root / "bin" / "pulumi"

    @property
    def writes_code(self) -> bool:
        """Whether its language host can write programs: that of Pulumi's own distribution, which brings hosts for other languages
        too, and not the one that is built from the SDK's modules."""
        return (self.root / "bin" / "pulumi-language-go").exists()


class WayError(Exception):
    """One way that did not lead to an engine, and why."""


def find(env: Mapping[str, str], recipes: Path, progress: Progress, *, fetch: bool = True) -> Engine:
    """The engine by the first way that works. `recipes` holds the Go modules; `fetch=False` installs and builds nothing.

    Raises EngineError (`engine-missing`).
    """
    home = cache_dir(env) / "pulumi"
    ways: list[tuple[str, Callable[[], Engine]]] = [
        ("FOGBANK_PULUMI", lambda: _from_variable(env)),
        ("PATH", lambda: _from_path(env)),
        ("cache", lambda: _from_cache(home)),
    ]
    if fetch:
        ways += [
            ("official installer", lambda: _install(home, progress)),
            ("build from Go modules", lambda: _build(home, recipes, env, progress)),
        ]
    failures = []
    for name, way in ways:
        try:
            engine = way()
            return replace(engine, is_built=engine.root.resolve().parent == home.resolve() and not engine.writes_code)
        except WayError as error:
            failures.append(f"  - {name}: {error}")
    raise EngineError(
        "engine-missing",
        "no Pulumi engine could be had; every way was tried:\n" + "\n".join(failures),
        "install Pulumi (https://www.pulumi.com/docs/install/) or set FOGBANK_PULUMI to a pulumi executable",
    )


def _from_variable(env: Mapping[str, str]) -> Engine:
    name = env.get("FOGBANK_PULUMI")
    if not name:
        raise WayError("not set")
    command = Path(name)
    if command.is_dir():
        command = command / "bin" / "pulumi" if (command / "bin" / "pulumi").exists() else command / "pulumi"
    return _checked(command, "FOGBANK_PULUMI names it")


def _from_path(env: Mapping[str, str]) -> Engine:
    command = shutil.which("pulumi", path=env.get("PATH"))
    if not command:
        raise WayError("no `pulumi` on PATH")
    return _checked(Path(command).resolve(), f"found on PATH at {command}")


def _from_cache(home: Path) -> Engine:
    """The cached one is not started to be asked: it was checked before it came to be there, whole."""
    folder = home / VERSION
    if not (folder / "bin" / "pulumi").exists():
        raise WayError(f"nothing in {folder}")
    return Engine(root=folder, version=VERSION, why=f"cached in {folder}")


def _install(home: Path, progress: Progress) -> Engine:
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    with _locked(home):
        try:
            return _from_cache(home)
        except WayError:
            progress(f"trying the official installer of Pulumi {VERSION}")
        fresh = home / f"installing-{os.getpid()}"
        try:
            PulumiCommand.install(root=str(fresh), version=VersionInfo.parse(VERSION))
            _checked(fresh / "bin" / "pulumi", "")
            fresh.rename(home / VERSION)
        except (OSError, urllib.error.URLError, subprocess.CalledProcessError, WayError) as error:
            raise WayError(f"{error}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return _checked(home / VERSION / "bin" / "pulumi", "by the official installer")


def _build(home: Path, recipes: Path, env: Mapping[str, str], progress: Progress) -> Engine:
    with _locked(home):
        try:
            return _from_cache(home)
        except WayError:
            pass
        fresh = home / f"building-{os.getpid()}"
        try:
            build(recipes, fresh, env, progress)
            _checked(fresh / "bin" / "pulumi", "")
            fresh.rename(home / VERSION)
        except (BuildError, OSError, WayError) as error:
            raise WayError(f"{error}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return _checked(home / VERSION / "bin" / "pulumi", "built from its Go modules")


def _checked(command: Path, why: str) -> Engine:
    """The engine behind a command, if it runs, is new enough and has a Python language host. Raises WayError."""
    try:
        process = subprocess.run(
            [str(command), "version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise WayError(f"{command} does not run: {error}") from error
    version = process.stdout.strip().removeprefix("v")
    if not _new_enough(version):
        raise WayError(f"{command} is {version or 'of no version'}, and at least {LEAST} is needed")
    if not (command.parent / "pulumi-language-python").exists() and not shutil.which("pulumi-language-python"):
        raise WayError(f"{command} has no pulumi-language-python beside it")
    if command.parent.name != "bin":
        raise WayError(f"{command} does not lie in a folder called bin, where the Automation API looks")
    return Engine(root=command.parent.parent, version=version, why=why)


def _new_enough(version: str) -> bool:
    """A version is compared without its build (`3.250.0-dev.1+dirty` is 3.250.0): what precedes a release has what it has."""
    try:
        return Version(Version(version.partition("-")[0]).base_version) >= LEAST
    except InvalidVersion:
        return False


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with locked(home / "lock"):
        for leftover in [*home.glob("installing-*"), *home.glob("building-*")]:  # of processes that were killed
            shutil.rmtree(leftover, ignore_errors=True)
        yield
