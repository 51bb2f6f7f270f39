"""Bringing a model to a container: what is downloaded, what the container is told, and whose refusal it is."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError

from fogbank.cloud.hosting.artifact import ArtifactError
from fogbank.cloud.hosting.instance import Instance
from fogbank.cloud.hosting.lines import InstanceDownError, RefusedError
from fogbank.cloud.hosting.loading import Done, Loader, Shelf


class Container:
    """A /models API whose list has a page a model; `status` is what loading is answered with."""

    def __init__(self) -> None:
        self.status = 200
        self.calls: list[tuple[str, str, Any]] = []
        self.models: list[str] = []
        self.down = False

    def call(self, method: str, path: str, body: bytes, timeout_s: float) -> Any:
        if self.down:
            raise InstanceDownError("refused")
        self.calls.append((method, path, json.loads(body or b"null")))
        if method == "GET":
            at = int(path.partition("=")[2] or 0)
            page = {"models": [{"modelName": name} for name in self.models[at : at + 1]]}
            more = {"nextPageToken": str(at + 1)} if at + 1 < len(self.models) else {}
            return SimpleNamespace(status=200, data=json.dumps({**page, **more}).encode())
        return SimpleNamespace(status=self.status, data=b"said")


class Brought:
    """A loader of a fake container, over a folder; `failure` is why a download fails."""

    def __init__(self, folder: Path) -> None:
        self.container, self.folder = Container(), folder
        self.fetched: list[str] = []
        self.failure: ArtifactError | None = None
        shelf = Shelf(
            prefix="s3://b/models/",
            folder=folder,
            seen="/opt/ml/models",
            fetch=self.fetch,
            python=lambda _: Path("/py"),
        )
        self.loader = Loader(cast(Instance, self.container), shelf)

    def fetch(self, uri: str, folder: Path) -> None:
        self.fetched.append(uri)
        if self.failure is not None:
            raise self.failure
        folder.mkdir()


def test_a_model_is_downloaded_once_loaded_and_its_folder_goes_with_it(tmp_path: Path) -> None:
    brought = Brought(tmp_path)
    brought.container.models = ["x", "y", "z"]
    first, again = brought.loader.bring("below/a.tar.gz"), brought.loader.bring("below/a.tar.gz")

    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert brought.fetched == ["s3://b/models/below/a.tar.gz"]
    assert set(first.values) == {"ModelDownloadingTime", "ModelLoadingTime"}
    assert set(again.values) == {"ModelLoadingTime"}
    assert first.loaded == {"x", "y", "z"}, "every page of the list"
    [model] = tmp_path.iterdir()
    told = {"model_name": model.name, "url": f"/opt/ml/models/{model.name}/model", "python": "/py"}
    assert brought.container.calls[0] == ("POST", "/models", told)
    gone = brought.loader.unload("below/a.tar.gz")
    assert isinstance(gone, Done)
    assert set(gone.values) == {"ModelUnloadingTime"}
    assert list(tmp_path.iterdir()) == []


def test_what_the_container_refuses_is_its_own_and_what_it_has_is_no_refusal(tmp_path: Path) -> None:
    brought = Brought(tmp_path)
    brought.container.status = 507
    refused = brought.loader.bring("a")
    brought.container.status = 409
    had = brought.loader.bring("a")

    assert isinstance(refused, Done)
    assert refused.refusal is not None
    assert (refused.refusal.status, refused.refusal.data) == (507, b"said")
    assert isinstance(had, Done)
    assert had.refusal is None


def test_what_is_not_there_what_is_broken_and_a_container_that_is_gone(tmp_path: Path) -> None:
    brought = Brought(tmp_path)
    brought.failure = ArtifactError("not a tar")
    broken = brought.loader.bring("a")
    brought.failure = ArtifactError("it cannot be downloaded")
    brought.failure.__cause__ = ClientError({"Error": {"Code": "404"}}, "HeadObject")
    missing = brought.loader.bring("a")
    brought.failure = None
    brought.container.down = True

    assert isinstance(broken, RefusedError)
    assert broken.error.message == "not a tar"
    assert isinstance(missing, RefusedError)
    assert missing.error.message.startswith("Failed to download model data(bucket: b, key: models/a). Please")
    assert isinstance(brought.loader.bring("a"), InstanceDownError)
    assert isinstance(brought.loader.unload("a"), InstanceDownError)
    assert list(tmp_path.iterdir()) == []
