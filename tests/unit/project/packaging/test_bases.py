"""Which base an image stands on: one that was made on this machine never takes a pinned one's place, nor goes to where others push theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig, running_python
from fogbank.contracts.errors import PackageError, RegistryError
from fogbank.image import Layout
from fogbank.image.layout import MANIFEST, compact_json
from fogbank.project.packaging.bases import base_for, bases_folder, default_base, made_here, require_pinned, unpinned

PINNED = f"127.0.0.1:9/python@sha256:{'a' * 64}"
ECR = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/churn"


class Empty(BaseHTTPRequestHandler):
    """A registry without an image."""

    def do_GET(self) -> None:
        self.send_error(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's own name
        """Nothing."""


@contextmanager
def empty_registry() -> Iterator[str]:
    """Its host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectConfig:
    """A project that says nothing of a base, on a machine with an empty cache."""
    monkeypatch.setenv("FOGBANK_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    return ProjectConfig(root=root, name="churn", handler=root / "inference.py", platform="linux/amd64")


def made(platform: str = "linux/amd64") -> None:
    """As `fogbank base` leaves one."""
    layout = Layout(bases_folder(running_python()))
    layout.write_index({platform: layout.put(compact_json({"schemaVersion": 2}), MANIFEST)}, "base")


def test_what_no_file_says_by_its_digest_is_named(config: ProjectConfig) -> None:
    assert unpinned(config) == default_base(running_python())
    made()
    assert unpinned(config) == "what `fogbank base` made here"
    assert unpinned(replace(config, base="python:3.11-slim")) == "python:3.11-slim", "a tag moves"
    assert unpinned(replace(config, base=PINNED)) == ""
    layout = Layout(config.root / "bases")
    layout.write_index({}, "base")
    assert unpinned(replace(config, base="bases")) == "", "a layout in the project is what it is"


def test_a_base_that_was_made_here_goes_to_no_repository_of_others(config: ProjectConfig) -> None:
    made()
    for repository in ("", "127.0.0.1:5000/churn", "localhost:5000/churn"):
        require_pinned(config, repository)
    require_pinned(replace(config, base=PINNED), ECR)
    with pytest.raises(PackageError) as error:
        require_pinned(config, ECR)

    assert error.value.code == "base-unpinned"
    assert "what `fogbank base` made here" in error.value.cause
    assert "fogbank base --pin" in error.value.hint


def test_where_the_pinned_base_cannot_be_had_none_of_this_machine_takes_its_place(config: ProjectConfig) -> None:
    made()
    target = config.target
    assert made_here(target.python, target.platform)
    with empty_registry() as host, pytest.raises(RegistryError, match="image-missing"):
        base_for(replace(config, base=PINNED.replace("127.0.0.1:9", host)), target, lambda _: None)
