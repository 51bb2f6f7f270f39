"""Names of images, as Docker reads them."""

from __future__ import annotations

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.image.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "full", "address", "wanted"),
    [
        ("python", "docker.io/library/python", "registry-1.docker.io", "latest"),
        ("python:3.11-slim", "docker.io/library/python:3.11-slim", "registry-1.docker.io", "3.11-slim"),
        ("me/app:1", "docker.io/me/app:1", "registry-1.docker.io", "1"),
        ("localhost:5000/a/b_c", "localhost:5000/a/b_c", "localhost:5000", "latest"),
        (f"ghcr.io/a/b:1@sha256:{'0' * 64}", f"ghcr.io/a/b:1@sha256:{'0' * 64}", "ghcr.io", f"sha256:{'0' * 64}"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:2", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:2",
         "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "2"),
    ],
)  # fmt: skip
def test_references_as_docker_reads_them(text: str, full: str, address: str, wanted: str) -> None:
    found = parse_reference(text)

    assert (str(found), found.address, found.manifest_name) == (full, address, wanted)
    assert found.local == ("localhost" in text)


@pytest.mark.parametrize(
    "text", ["", "UPPER/case", "a b", "host.io/name:tag:tag", "name@sha256:short", "name@", "host.io/"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(PackageError) as caught:
        parse_reference(text)

    assert caught.value.code == "reference-invalid"


def test_a_digest_takes_the_place_of_the_tag() -> None:
    digest = "sha256:" + "a" * 64
    reference = parse_reference("localhost:5000/churn:1")

    assert str(reference.at(digest)) == f"localhost:5000/churn:1@{digest}"
    assert reference.at(digest).manifest_name == digest


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:1", "registry.localhost.example.com"])
def test_only_this_machine_is_local(host: str) -> None:
    assert parse_reference(f"{host}/a").local is (not host.startswith("registry."))
