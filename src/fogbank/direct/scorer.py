"""One package as a transform job in this process: what Spark, Ray and a file on this machine score with.

In: model.tar.gz with its digest, and a request; out: a function from mini-batches to what a job would write of them.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from fogbank.contracts.container import BATCH_INVOCATION_LIMIT_S, BATCH_PAYLOAD_LIMIT, ServeSettings
from fogbank.contracts.errors import DataError, DigestError
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.transform import TransformRequest
from fogbank.direct.columns import Columns
from fogbank.ground.archive import unpack_archive
from fogbank.ground.digest import sha256_file
from fogbank.serve.context import Context
from fogbank.serve.handler import Call, Handler, load_handler
from fogbank.serve.protocol import Reply
from fogbank.serve.service import failure
from fogbank.transform.association import Association, AssociationError, associated
from fogbank.transform.records import MiniBatch, assembled

OCTETS = "application/octet-stream"
DEFAULT_PAYLOAD_MB = 6


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A package where it lies: its archive, the archive's digest and its manifest's, and its script, if it has one."""

    artifact: str
    sha256: str
    package_sha256: str
    program: str | None = None

    @classmethod
    def of(cls, manifest: Manifest) -> Packed:
        """What `fogbank pack` made."""
        return cls(
            artifact=str(manifest.artifact_path),
            sha256=manifest.artifact_sha256,
            package_sha256=manifest.package_sha256,
            program=manifest.package.handler,
        )

    def at(self, artifact: str) -> Packed:
        """The same package where an engine has brought it."""
        return replace(self, artifact=artifact)


@dataclass(frozen=True)
class Loaded:
    """A package's handler, and where its files lie."""

    handler: Handler
    model_dir: Path


@lru_cache(maxsize=4)
def loaded(package: Packed) -> Loaded:
    """The package, loaded once in this process. Raises DigestError, LoadError."""
    artifact = Path(package.artifact)
    found = sha256_file(artifact)
    if found != package.sha256:
        raise DigestError(artifact.name, package.sha256, found)
    base = Path(tempfile.mkdtemp(prefix="fogbank-direct-"))  # a handler may read its files as long as the process lives
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    unpack_archive(artifact, base / "model")
    return Loaded(load_handler(settings_of(base, package)), base / "model")


def settings_of(base: Path, package: Packed) -> ServeSettings:
    """As a transform job's instance has them."""
    return ServeSettings(
        base_dir=base,
        model_dir=base / "model",
        code_dir=base / "model" / "code",
        program=package.program,
        payload_limit=BATCH_PAYLOAD_LIMIT,
        timeout_s=BATCH_INVOCATION_LIMIT_S,
        package_sha256=package.package_sha256,
    )


class Scorer:
    """A request's job over mini-batches, by one loaded package."""

    def __init__(self, package: Loaded, request: TransformRequest) -> None:
        source, target = request.source, request.target
        media = (target.accept or source.content_type or "").partition(";")[0].strip().lower()
        lines = "Line" in {source.split_type, target.assemble_with}
        self._handler, self._model_dir = package.handler, str(package.model_dir)
        self._associated = associated(Association.of(request.processing), media, lines=lines)
        self._content_type, self._accept = source.content_type or OCTETS, target.accept or ""
        self._assemble = target.assemble_with or "None"
        self._columns = Columns.of(package.handler, request)

    def __call__(self, batch: MiniBatch) -> bytes:
        """What a job writes of a mini-batch. Raises DataError (`transform-failed`) with the records and the answer."""
        if self._columns and (made := self._columns.output(batch.body)) is not None:
            return made
        try:
            body = self._associated.request(batch.body)
            if batch.body and not body:
                return b""
            reply = self.ask(body, self._content_type, self._accept)
            if reply.status != 200:
                raise failed(f"{batch}: {reply.status}: {_text(reply)}")
            return assembled(self._associated.output(batch.body, bytes(reply.body)), self._assemble)  # type: ignore[arg-type]  # `ask` has joined it
        except AssociationError as error:
            raise failed(f"{batch}: {error}") from error

    def attempt(self, body: bytes, limit: int) -> bytes | None:
        """What a job writes of a mini-batch; None where anything is not as usual, the model's request longer than `limit` bytes or its
        answer no success: that is for the server to tell."""
        if self._columns and len(body) < limit and (made := self._columns.output(body)) is not None:
            return made
        try:
            asked = self._associated.request(body)
            if body and not asked:
                return b""
            if len(asked) > limit:
                return None
            reply = self._handler(Call(asked, self._content_type, self._accept))
            if reply.status != 200 or not isinstance(reply.body, bytes):
                return None
            return assembled(self._associated.output(body, reply.body), self._assemble)
        except Exception:  # noqa: BLE001 - the server meets it too, and says it
            return None

    def ask(self, body: bytes, content_type: str, accept: str) -> Reply:
        """The handler's answer, in one piece; whatever it raises is an answer, as over the wire."""
        call = Call(body, content_type, accept)
        handler = self._handler
        if handler.wants_context:
            headers: Mapping[bytes, bytes] = {b"content-type": content_type.encode(), b"accept": accept.encode()}
            call.context = Context(self._model_dir, handler.package, headers.items())
        try:
            reply = asyncio.run(handler.run_async(call, _at_once)) if handler.is_async else handler(call)
            return reply._replace(body=_joined(reply.body))
        except Exception as error:  # noqa: BLE001 - the handler is the user's: whatever it raises is a 500
            return failure(error)


async def _at_once(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


def _joined(body: Any) -> bytes:
    """A body in one piece."""
    if isinstance(body, bytes):
        return body
    if hasattr(body, "__anext__"):

        async def pieces() -> list[Any]:
            return [piece async for piece in body]

        body = asyncio.run(pieces())
    return b"".join(piece.encode() if isinstance(piece, str) else bytes(piece) for piece in body)


def _text(reply: Reply) -> str:
    return bytes(reply.body).decode(errors="replace")[:500]  # type: ignore[arg-type]  # a failure's body is bytes


def failed(cause: str) -> DataError:
    """The error of a file that has no output."""
    return DataError("transform-failed", cause, "mend the record, or the model, and run it again")
