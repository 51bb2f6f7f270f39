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
from dataclasses import dataclass
from pathlib import Path

from fogbank.contracts.errors import EngineError
from fogbank.engine.build import VERSION, BuildError, build
from fogbank.ground.locks import locked

Tell = Callable[[str], None]
LEAST = (3, 200, 0)
"""The oldest CLI that the Automation API of this Pulumi SDK is used with."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A Pulumi CLI with its Python language host beside it. `root` has bin/pulumi; `why` says how it was chosen."""

    root: Path
    version: str
    why: str

    @property
    def command(self) -> Path:
        """The CLI."""
        return self.root / "bin" / "pulumi"


class WayError(Exception):
    """One way that did not lead to an engine, and why."""


def cache_dir(env: Mapping[str, str]) -> Path:
    """`$FOGBANK_CACHE`, else `$XDG_CACHE_HOME/fogbank`, else `~/.cache/fogbank`."""
    if env.get("FOGBANK_CACHE"):
        return Path(env["FOGBANK_CACHE"])
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fogbank"


def find(env: Mapping[str, str], recipes: Path, tell: Tell, *, fetch: bool = True) -> Engine:
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
            ("official installer", lambda: _install(home, tell)),
            ("build from Go modules", lambda: _build(home, recipes, env, tell)),
        ]
    tried = []
    for name, way in ways:
        try:
            return way()
        except WayError as error:
            tried.append(f"  - {name}: {error}")
    raise EngineError(
        "engine-missing",
        "no Pulumi engine could be had; every way was tried:\n" + "\n".join(tried),
        "install Pulumi (https://www.pulumi.com/docs/install/) or set FOGBANK_PULUMI to a pulumi executable",
    )


def _from_variable(env: Mapping[str, str]) -> Engine:
    given = env.get("FOGBANK_PULUMI")
    if not given:
        raise WayError("not set")
    command = Path(given)
    if command.is_dir():
        command = command / "bin" / "pulumi" if (command / "bin" / "pulumi").exists() else command / "pulumi"
    return _checked(command, "FOGBANK_PULUMI names it")


def _from_path(env: Mapping[str, str]) -> Engine:
    found = shutil.which("pulumi", path=env.get("PATH"))
    if not found:
        raise WayError("no `pulumi` on PATH")
    return _checked(Path(found).resolve(), f"found on PATH at {found}")


def _from_cache(home: Path) -> Engine:
    folder = home / VERSION
    if not (folder / "bin" / "pulumi").exists():
        raise WayError(f"nothing in {folder}")
    return _checked(folder / "bin" / "pulumi", f"cached in {folder}")


def _install(home: Path, tell: Tell) -> Engine:
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    with _locked(home):
        try:
            return _from_cache(home)
        except WayError:
            tell(f"trying the official installer of Pulumi {VERSION}")
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


def _build(home: Path, recipes: Path, env: Mapping[str, str], tell: Tell) -> Engine:
    with _locked(home):
        try:
            return _from_cache(home)
        except WayError:
            pass
        fresh = home / f"building-{os.getpid()}"
        try:
            build(recipes, fresh, env, tell)
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
        done = subprocess.run(
            [str(command), "version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise WayError(f"{command} does not run: {error}") from error
    version = done.stdout.strip().removeprefix("v")
    if _numbers(version) < LEAST:
        raise WayError(f"{command} is {version}, and at least {'.'.join(map(str, LEAST))} is needed")
    if not (command.parent / "pulumi-language-python").exists() and not shutil.which("pulumi-language-python"):
        raise WayError(f"{command} has no pulumi-language-python beside it")
    if command.parent.name != "bin":
        raise WayError(f"{command} does not lie in a folder called bin, where the Automation API looks")
    return Engine(root=command.parent.parent, version=version, why=why)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].partition("+")[0].split(".") if part.isdigit())


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with locked(home / "lock"):
        for leftover in [*home.glob("installing-*"), *home.glob("building-*")]:  # of processes that were killed
            shutil.rmtree(leftover, ignore_errors=True)
        yield
