"""Who we are to a registry: for ECR a token through boto3, else what `docker login` or `podman login` left in their files.

In: a registry's host and the environment; out: user and password, or None. Nothing of it is written or logged.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import RegistryError
from fogbank.image.reference import DOCKER, Reference

DOCKER_KEY = "https://index.docker.io/v1/"
HELPER_LIMIT_S = 30

Login = tuple[str, str]


class Logins:
    """The logins of a registry, best first: one is asked for when the one before was refused, and not before."""

    def __init__(self, logins: Iterable[Login]) -> None:
        self._logins = iter(logins)

    def next(self) -> Login | None:
        """The next one; None where there is none left. Raises RegistryError (`registry-login-failed`)."""
        return next(self._logins, None)


def logins_for(
    reference: Reference, environment: Mapping[str, str], profile: str = "", ecr_client: Any = None
) -> Logins:
    """How to log in at a reference's registry; `profile` is the one of AWS's files that ECR is asked with.

    For ECR boto3 comes first, twice, since a token may end in the middle of a long push: they live 12 hours, and what
    `docker login` left in a file may be yesterday's.
    """
    return Logins(_logins(reference, environment, profile, ecr_client))


def _logins(reference: Reference, environment: Mapping[str, str], profile: str, ecr_client: Any) -> Iterator[Login]:
    refusal = None
    if reference.ecr is not None:
        account, region = reference.ecr
        try:
            yield ecr_login(account, region, ecr_client, profile)
            yield ecr_login(account, region, ecr_client, profile)
        except RegistryError as error:
            refusal = error
    yield from _from_files(reference.host, environment)
    if refusal is not None:
        raise refusal


def ecr_login(account: str, region: str, client: Any = None, profile: str = "") -> Login:
    """ECR's token (GetAuthorizationToken), which is good for 12 hours. Raises RegistryError."""
    try:
        if client is None:
            import boto3

            client = boto3.session.Session(region_name=region, profile_name=profile or None).client("ecr")
        answer = client.get_authorization_token(registryIds=[account])
        token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    except Exception as error:  # botocore has a tree of its own for each way to have no credentials
        raise RegistryError(
            "registry-login-failed",
            f"ECR gives no token for {account} in {region}: {error}",
            "look at your AWS credentials (`aws sts get-caller-identity`) and their right to ecr:GetAuthorizationToken",
        ) from error
    user, _, password = token.partition(":")
    return user, password


def _from_files(host: str, environment: Mapping[str, str]) -> Iterator[Login]:
    keys = [host, f"https://{host}", *([DOCKER_KEY] if host == DOCKER else [])]
    for path in _files(environment):
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        for key in keys:
            helper = document.get("credHelpers", {}).get(key)
            held = document.get("auths", {}).get(key)
            if helper or (held == {} and document.get("credsStore")):
                login = _ask_helper(helper or document["credsStore"], key)
                if login:
                    yield login
            elif held and held.get("auth"):
                user, _, password = base64.b64decode(held["auth"]).decode().partition(":")
                yield user, password


def _files(environment: Mapping[str, str]) -> list[Path]:
    """podman's and docker's files, in the order in which podman reads them."""
    home = Path(environment.get("HOME", "/"))
    named = [environment.get("REGISTRY_AUTH_FILE"), *(
        f"{environment[name]}/{rest}" if name in environment else None
        for name, rest in (("XDG_RUNTIME_DIR", "containers/auth.json"), ("DOCKER_CONFIG", "config.json"))
    )]  # fmt: skip
    return [
        *(Path(path) for path in named if path),
        home / ".config/containers/auth.json",
        home / ".docker/config.json",
    ]


def _ask_helper(helper: str, key: str) -> Login | None:
    """Docker's credential helper protocol: the registry on stdin, a document on stdout."""
    program = shutil.which(f"docker-credential-{helper}")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "get"], input=key, capture_output=True, text=True, check=True, timeout=HELPER_LIMIT_S
        )
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        return None
    return str(answer["Username"]), str(answer["Secret"])
