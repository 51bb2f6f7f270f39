"""The models of one multi-model container, as its platform brings them: from S3 to a folder, then to the container's /models API, and back.

In: a model's name, which is its place below the container's prefix; out: it is loaded, or the container's own refusal, or why it never got
there. Each call takes its time, in a task's thread. Source: AWS Developer Guide, "Build your own container for SageMaker AI multi-model
endpoints"; the words for an object that is not there are those of a start that fails for the same reason.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.hosting.artifact import ArtifactError
from fogbank.cloud.hosting.environment import DependencyError
from fogbank.cloud.hosting.instance import Instance
from fogbank.cloud.hosting.lines import NoReplyError, RefusedError, Reply
from fogbank.cloud.observe.measures import Values
from fogbank.contracts.container import MODEL_LOAD_LIMIT_S
from fogbank.ground.aws import split_uri
from fogbank.ground.digest import sha256_bytes

MISSING = (
    "Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object located at the URL and that "
    "the role passed to CreateModel has permissions to download the object."
)
LOADED_ALREADY = 409


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a call: values for CloudWatch, the ids of the models that the container has, `at` a moment of the monotonic clock, and
    its refusal, if it refused."""

    values: Values = field(default_factory=dict)
    loaded: frozenset[str] = frozenset()
    at: float = field(default_factory=time.monotonic)
    refusal: Reply | None = None


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Where the models of a container lie: `prefix` in S3, `folder` on this machine, which the container calls `seen`. `fetch` brings one
    from a URI to a folder; `python` says what runs one that lies in a folder, where each has an environment of its own."""

    prefix: str
    folder: Path
    seen: str
    fetch: Callable[[str, Path], None]
    python: Callable[[Path], Path] | None = None


class Loader:
    """Brings models to one container, and takes them back."""

    def __init__(self, instance: Instance, shelf: Shelf) -> None:
        self._instance, self._shelf = instance, shelf

    @staticmethod
    def id_of(name: str) -> str:
        """What the container knows a model by."""
        return sha256_bytes(name.encode())[:32]

    def bring(self, name: str) -> Done | NoReplyError:
        """Download a model, if it is not there, and load it."""
        model, values = self.id_of(name), dict[str, tuple[float, str]]()
        folder = self._shelf.folder / model / "model"
        try:
            if not folder.is_dir():
                began = time.monotonic()
                self._download(name, folder)
                values["ModelDownloadingTime"] = _since(began)
            document = {"model_name": model, "url": f"{self._shelf.seen}/{model}/model"}
            if self._shelf.python is not None:
                document["python"] = str(self._shelf.python(folder))
            began = time.monotonic()
            answer = self._instance.call("POST", "/models", json.dumps(document).encode(), MODEL_LOAD_LIMIT_S)
            at = time.monotonic()
            if answer.status not in {200, LOADED_ALREADY}:
                return Done(values=values, loaded=self._loaded(), at=at, refusal=Reply(answer.status, answer.data, {}))
            values["ModelLoadingTime"] = _since(began)
            return Done(values=values, loaded=self._loaded(), at=at)
        except NoReplyError as error:
            return error
        except (ArtifactError, DependencyError) as error:
            return RefusedError(ApiError("ValidationError", str(error)))

    def unload(self, name: str) -> Done | NoReplyError:
        """Unload a model, and remove its folder."""
        model, began = self.id_of(name), time.monotonic()
        try:
            self._instance.call("DELETE", f"/models/{model}", b"", MODEL_LOAD_LIMIT_S)
            return Done(values={"ModelUnloadingTime": _since(began)}, loaded=self._loaded())
        except NoReplyError as error:
            return error
        finally:
            shutil.rmtree(self._shelf.folder / model, ignore_errors=True)

    def _download(self, name: str, folder: Path) -> None:
        """Raises ArtifactError, RefusedError for what is not there."""
        uri = f"{self._shelf.prefix.rstrip('/')}/{name.removeprefix('/')}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._shelf.fetch(uri, folder)
        except ArtifactError as error:
            shutil.rmtree(folder.parent, ignore_errors=True)
            if getattr(error.__cause__, "response", None) is None:
                raise
            bucket, key = split_uri(uri)
            raise RefusedError(ApiError("ValidationError", MISSING.format(bucket=bucket, key=key))) from error

    def _loaded(self) -> frozenset[str]:
        """The ids that the container says. Raises InstanceDownError, InstanceTimeoutError."""
        found, token = set[str](), ""
        while True:
            query = f"?next_page_token={quote(token)}" if token else ""
            page = json.loads(self._instance.call("GET", f"/models{query}", b"", MODEL_LOAD_LIMIT_S).data)
            found |= {item["modelName"] for item in page["models"]}
            token = page.get("nextPageToken", "")
            if not token:
                return frozenset(found)


def _since(began: float) -> tuple[float, str]:
    return (time.monotonic() - began) * 1e6, "Microseconds"
