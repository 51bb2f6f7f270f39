"""The environment in which the engine works on a project's stacks: what `fogbank env` prints, and `up` runs in.

In: where the project's state lies, an engine, a local cloud or none; out: variables, of which those that are None are taken away.
A stack on AWS is the user's own: their backend and login, their passphrase, their credentials.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fogbank.engine.locate import Engine
from fogbank.ground.aws import LOCAL_ACCESS_KEY
from fogbank.ground.folders import private_folder
from fogbank.ground.ports import is_loopback

Variables = Mapping[str, str | None]
ENVIRONMENT = Path(".fogbank") / "environment"
"""Where Pulumi.yaml says that Python, its packages and fogbank's own provider are."""


def link_environment(root: Path) -> None:
    """Let the place that the project's Pulumi.yaml names be the environment that runs now: a plain `pulumi` then needs no PATH."""
    link, here = root / ENVIRONMENT, Path(sys.prefix).resolve()
    if link.resolve() == here:
        return
    private_folder(link.parent)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)  # an empty one: the language host makes it where it finds none
    fresh = link.with_name(f"{link.name}-{os.getpid()}")
    fresh.symlink_to(here, target_is_directory=True)
    fresh.replace(link)


def backend_url(state: Path) -> str:
    """The file backend in a folder. Without files of metadata: one that a killed engine has half written locks its stack for good.

    >>> backend_url(Path("/home/me/a#b"))
    'file:///home/me/a%23b?metadata=skip'
    """
    return f"{state.absolute().as_uri()}?metadata=skip"


def backend_folder(url: str) -> Path | None:
    """The folder of a file backend; None where the backend is another.

    >>> backend_folder("file:///home/me/a%23b?metadata=skip")
    PosixPath('/home/me/a#b')
    """
    parts = urlsplit(url)
    return Path(unquote(parts.netloc + parts.path)).expanduser() if parts.scheme == "file" else None


def stack_environment(state: Path, engine: Engine, cloud_url: str, provider_port: int, secret: str) -> dict[str, str]:
    """For a local cloud's stacks: the backend is the folder `state` unless PULUMI_BACKEND_URL says otherwise, the stand-in takes the
    place of pulumi-aws, and `secret` is the cloud's key."""
    private_folder(state)
    variables = {
        **_programs(engine),
        "PULUMI_BACKEND_URL": os.environ.get("PULUMI_BACKEND_URL") or backend_url(state),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{provider_port}",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",  # the stand-in takes its place: nothing is downloaded
        "AWS_ENDPOINT_URL": cloud_url,
        "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
    }
    if "PULUMI_CONFIG_PASSPHRASE_FILE" not in os.environ:
        variables["PULUMI_CONFIG_PASSPHRASE"] = os.environ.get("PULUMI_CONFIG_PASSPHRASE", "")
    return variables


def account_environment(state: Path, engine: Engine, environ: Mapping[str, str]) -> dict[str, str | None]:
    """For stacks on AWS: where the programs are, and nothing of a local cloud that `fogbank env` left in this shell."""
    return {**_programs(engine), **dict.fromkeys(leftovers(state, environ))}


def leftovers(state: Path, environ: Mapping[str, str]) -> list[str]:
    """The variables that are a local cloud's: by their values, so that a user's own of the same name stay. Pure.

    >>> leftovers(Path("/p"), {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "AKIA", "PULUMI_BACKEND_URL": "s3://b"})
    ['AWS_ENDPOINT_URL']
    """
    ours = []
    if is_loopback(environ.get("AWS_ENDPOINT_URL", "")):
        ours.append("AWS_ENDPOINT_URL")
    if environ.get("AWS_ACCESS_KEY_ID") == LOCAL_ACCESS_KEY:
        ours += ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    if environ.get("PULUMI_DEBUG_PROVIDERS", "").startswith("aws:"):
        ours += ["PULUMI_DEBUG_PROVIDERS", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"]
    if environ.get("PULUMI_BACKEND_URL") == backend_url(state):
        ours += ["PULUMI_BACKEND_URL", "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS"]
        if environ.get("PULUMI_CONFIG_PASSPHRASE") == "":
            ours.append("PULUMI_CONFIG_PASSPHRASE")
    return [name for name in ours if name in environ]


def state_file(state: Path, stack: str) -> Path | None:
    """The file of a stack in the project's own backend; None where it has none."""
    return next(iter(sorted((state / ".pulumi" / "stacks").glob(f"**/{stack}.json"))), None)


def whole(variables: Mapping[str, str], without: AbstractSet[str]) -> dict[str, str]:
    """This process's environment but for the variables `without`, and these."""
    return {**{name: value for name, value in os.environ.items() if name not in without}, **variables}


def _programs(engine: Engine) -> dict[str, str]:
    binaries = os.pathsep.join([str(Path(sys.executable).parent), str(engine.root / "bin")])
    variables = {"PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if not engine.writes_code:
        variables["PULUMI_OPTION_GENERATE_CODE"] = "false"  # `pulumi import` imports, and ends well
    return variables
