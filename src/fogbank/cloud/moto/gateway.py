"""moto, second: the services that fogbank does not have itself, made to survive a restart.

In: a WSGI request that is not ours; out: moto's answer. A request that changed something is written to the journal before
it is answered; at start the journal is played back, with the same seeds, so the same identifiers come out.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from flask import Flask
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import create_environ, run_wsgi_app

from fogbank.cloud.ground.store import JournalEntry, Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.moto.turns import Turns
from fogbank.ground.aws import LOCAL_ACCOUNT

READS = re.compile(
    r"(Describe|List|Get|Head|BatchGet|Lookup|Search|Query|Scan|Select|Filter|Simulate|Validate|Check|AssumeRole|Test)"
)
DROPPED_HEADERS = frozenset(
    {"x-amz-security-token", "amz-sdk-invocation-id", "amz-sdk-request", "user-agent", "expect", "connection"}
)
CONDITION = re.compile(r"(x-amz-copy-source-)?if-(none-)?(match|modified-since|unmodified-since)")
"""What a request's condition is said in. It held when the request was answered; what it looked at may be in no journal any more."""
SEED_FACTOR = 7919


class MotoGateway:
    """moto's own dispatcher with a journal around it. Requests that change state run one at a time."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self._store, self._wall = store, wall
        self._turns = Turns()
        self._app = DomainDispatcherApplication(_backend_app)

    def handle(self, request: Request) -> Answer:
        """moto's answer, or a loud 501 for an operation that it does not have."""
        if not changes_state(request):
            with self._turns.read():
                return self._ask(request)
        with self._turns.write():
            seq = self._store.next_seq()
            mock_random.seed(seq * SEED_FACTOR)
            answer = self._ask(request)
            if answer.status < 400:
                if source := request.headers.get("x-amz-copy-source"):
                    self._store.keep(unquote(source).lstrip("/").partition("?")[0])
                self._store.append(_entry(seq, self._wall(), request, answer))
            return answer

    def replay(self) -> int:
        """Play the journal back into a fresh moto; returns how many requests that were."""
        count = 0
        with self._turns.write():
            for entry in self._store.journal():
                mock_random.seed(entry.seq * SEED_FACTOR)
                self._ask(
                    Request(
                        method=entry.method, path=entry.path, query=entry.query, headers=entry.headers, body=entry.body
                    )
                )
                if entry.object is not None and entry.method == "PUT":
                    _restore_time(entry)
                if entry.upload is not None:
                    _restore_upload(entry)
                if entry.method == "POST" and entry.path.startswith("/schedules/"):
                    _restore_schedule(entry)
                count += 1
        return count

    def reset(self) -> None:
        """Empty every moto backend."""
        with self._turns.write():
            self._ask(Request(method="POST", path="/moto-api/reset", query="", headers={}, body=b""))

    def _ask(self, request: Request) -> Answer:
        environ = _environ(request)
        try:
            body, status, headers = run_wsgi_app(self._app, environ, buffered=False)
        except NotImplementedError as error:
            return error_answer(
                request, 501, "NotImplemented", f"neither fogbank nor moto has {_operation(request)} ({error})"
            )
        except Exception as error:  # noqa: BLE001 - moto's own failure must become an AWS error, never a dead connection
            return error_answer(request, 500, "InternalFailure", f"moto failed on {_operation(request)}: {error!r}")
        return Answer(status=int(status.split()[0]), headers=dict(headers.items()), body=_whole(body))


def changes_state(request: Request) -> bool:
    """Whether a request may change moto's state: by its operation's name where it has one, else by its method."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return False
    operation = _operation_name(request)
    if operation:
        return not READS.match(operation)
    return not request.path.startswith("/moto-api")


def _operation_name(request: Request) -> str:
    target = request.headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(request.body.decode(errors="replace")).get("Action", [""])[0]
    return ""


def _operation(request: Request) -> str:
    service = request.service or "s3"
    return f"{service}:{_operation_name(request) or request.method + ' ' + request.path}"


def _backend_app(service: Any) -> Flask:
    app: Flask = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # an operation that moto lacks must be seen, not become an HTML page
    return app


def _environ(request: Request) -> dict[str, Any]:
    headers = {
        name: value for name, value in request.headers.items() if name not in {"content-length", "transfer-encoding"}
    }
    environ = create_environ(
        path=quote(request.path),
        query_string=request.query,
        base_url=f"http://{request.headers.get('host', '127.0.0.1')}",
        method=request.method,
        headers=headers,
        input_stream=io.BytesIO(request.body),
        content_length=len(request.body),
        content_type=request.headers.get("content-type"),
    )
    kept = [name for name in request.headers if should_preserve_original_header_name(name)]
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {environ_key_for_header(name): name for name in kept}
    return environ


def _whole(body: Iterable[bytes]) -> bytes:
    return b"".join(body)


def _entry(seq: int, at: float, request: Request, answer: Answer) -> JournalEntry:
    kept = {
        name: value
        for name, value in request.headers.items()
        if name not in DROPPED_HEADERS and not CONDITION.fullmatch(name)
    }
    if "authorization" in kept:  # the scope says service and region; the signature is nobody's business
        kept["authorization"] = (
            kept["authorization"].partition(", SignedHeaders")[0] + ", SignedHeaders=host, Signature=-"
        )
    return JournalEntry(
        seq=seq,
        at=at,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=kept,
        body=request.body,
        object=_plain_object(request),
        upload=_upload_id(request, answer),
    )


def _plain_object(request: Request) -> str | None:
    """`bucket/key` of the PUT or DELETE of one whole object in a bucket without versions, else None."""
    if request.service != "s3" or request.method not in {"PUT", "DELETE"}:
        return None
    if request.query and request.query not in {"x-id=PutObject", "x-id=DeleteObject"}:
        return None
    if "x-amz-copy-source" in request.headers:
        return None  # a copy depends on its source, which may change later
    bucket, _, key = request.path.lstrip("/").partition("/")
    if not key or _versioned(bucket):
        return None
    return f"{bucket}/{key}"


def _versioned(bucket: str) -> bool:
    found = _s3().buckets.get(bucket)
    return found is None or bool(found.versioning_status)


def _restore_time(entry: JournalEntry) -> None:
    bucket, _, key = (entry.object or "").partition("/")
    found = _s3().buckets.get(bucket)
    stored = found.keys.get(key) if found else None
    if stored is not None:
        stored.last_modified = datetime.fromtimestamp(entry.at, UTC).replace(tzinfo=None)


def _upload_id(request: Request, answer: Answer) -> str | None:
    if request.service != "s3" or request.method != "POST" or request.query.partition("&")[0].rstrip("=") != "uploads":
        return None
    found = re.search(rb"<UploadId>([^<]+)</UploadId>", answer.body)
    return found[1].decode() if found else None


def _restore_upload(entry: JournalEntry) -> None:
    """Give a replayed multipart upload the id that clients and later entries know it by."""
    bucket = _s3().buckets.get(entry.path.lstrip("/").partition("/")[0])
    if bucket is None or not bucket.multiparts:
        return
    newest = next(reversed(bucket.multiparts))
    upload = bucket.multiparts.pop(newest)
    upload.id = entry.upload
    bucket.multiparts[entry.upload] = upload


def _restore_schedule(entry: JournalEntry) -> None:
    """Give a replayed EventBridge schedule its creation date: a rate counts from it."""
    from moto.scheduler.models import scheduler_backends

    region = Request(method="", path="", query="", headers=entry.headers, body=b"").region
    group = json.loads(entry.body or b"{}").get("GroupName") or "default"
    groups = scheduler_backends[LOCAL_ACCOUNT][region].schedule_groups
    schedule = groups[group].schedules.get(entry.path.rpartition("/")[2]) if group in groups else None
    if schedule is not None:
        schedule.creation_date = entry.at


def _s3() -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[LOCAL_ACCOUNT]["aws"]
