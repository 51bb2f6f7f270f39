"""Who we are to a registry: the files of docker and podman in podman's order, and ECR through its own client first."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.errors import RegistryError
from fogbank.image.credentials import DOCKER_KEY, ecr_login, logins_for
from fogbank.image.reference import parse_reference

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn"


def auth(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:pass:word".encode()).decode()}


def write(path: Path, **auths: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {name.replace("__", "."): held for name, held in auths.items()}}))
    return path


def all_of(name: str, environment: dict[str, str], client: Any = None) -> list[tuple[str, str]]:
    logins = logins_for(parse_reference(name), environment, ecr_client=client)
    return list(iter(logins.next, None))


def test_files_are_asked_in_podmans_order_and_broken_ones_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "home/.docker/config.json", host__example=auth("docker"))
    write(tmp_path / "home/.config/containers/auth.json", host__example=auth("containers"))
    write(tmp_path / "config/config.json", host__example=auth("configured"))
    (tmp_path / "named.json").write_text("{")
    environment = {
        "HOME": str(tmp_path / "home"),
        "DOCKER_CONFIG": str(tmp_path / "config"),
        "REGISTRY_AUTH_FILE": str(tmp_path / "named.json"),
    }

    assert all_of("host.example/a", environment) == [
        ("configured", "pass:word"), ("containers", "pass:word"), ("docker", "pass:word"),
    ]  # fmt: skip
    assert all_of("other.example/a", environment) == []


def test_dockers_own_registry_goes_by_its_old_name(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {DOCKER_KEY: auth("me")}}))

    assert all_of("python:3.11-slim", {"HOME": str(tmp_path)}) == [("me", "pass:word")]


class Ecr:
    """ECR's client: its tokens, numbered, or a refusal."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.asked: list[list[str]] = []
        self._refusal = refusal

    def get_authorization_token(self, *, registryIds: list[str]) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.asked.append(registryIds)
        if self._refusal:
            raise self._refusal
        token = base64.b64encode(f"AWS:token-{len(self.asked)}".encode()).decode()
        return {"authorizationData": [{"authorizationToken": token}]}


def test_ecr_is_asked_twice_before_the_files_and_only_when_it_is_needed(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", **{ECR.partition("/")[0].replace(".", "__"): auth("yesterday")})
    ecr = Ecr()
    logins = logins_for(parse_reference(ECR), {"HOME": str(tmp_path)}, ecr_client=ecr)

    assert ecr.asked == []
    assert logins.next() == ("AWS", "token-1")
    assert ecr.asked == [["123456789012"]]
    assert [logins.next(), logins.next(), logins.next()] == [("AWS", "token-2"), ("yesterday", "pass:word"), None]


def test_a_refusal_of_ecr_is_told_when_the_files_had_nothing_either(tmp_path: Path) -> None:
    logins = logins_for(parse_reference(ECR), {"HOME": str(tmp_path)}, ecr_client=Ecr(RuntimeError("expired")))

    with pytest.raises(RegistryError, match=r"ECR gives no token for 123456789012 in eu-west-1: expired") as caught:
        logins.next()
    assert caught.value.code == "registry-login-failed"
    assert "sts get-caller-identity" in caught.value.hint


def test_an_answer_without_a_token_is_a_refusal() -> None:
    class Empty:
        def get_authorization_token(self, **_: Any) -> dict[str, Any]:
            return {"authorizationData": []}

    with pytest.raises(RegistryError):
        ecr_login("1", "eu-west-1", Empty())
