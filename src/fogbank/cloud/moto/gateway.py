"""moto, second: the services that fogbank does not have itself, made to survive a restart.

In: a request that is not ours; out: moto's answer. A request that changed something is written to the journal before
it is answered; at start the snapshot comes back and the rest of the journal is played back, with the same seeds, so the same
identifiers come out.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import create_environ, run_wsgi_app

from fogbank.cloud.ground.packed import PackedError, is_packed, opened
from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer, too_deep
from fogbank.cloud.moto import functions, lacking, policies, refused, rules, stacks
from fogbank.cloud.moto.blame import fault_of
from fogbank.cloud.moto.history import History
from fogbank.cloud.moto.journal import changes_state, copied_object, entry, operation_name, request_of
from fogbank.cloud.moto.names import refusal
from fogbank.cloud.moto.notified import completed
from fogbank.cloud.moto.passing import Passing
from fogbank.cloud.moto.polls import Poll, is_empty, poll_of
from fogbank.cloud.moto.restore import restore
from fogbank.cloud.moto.sessions import Sessions
from fogbank.cloud.moto.snapshot import Snapshots
from fogbank.cloud.moto.turns import Turns

SEED_FACTOR = 7919
RESET = "/moto-api/reset"
EVENTS_SINCE = "events-since"
"""The setting that says from which change on the cloud sends events to the targets of rules, and moto does not."""
LONGEST_MESSAGE = 1000
log = logging.getLogger("fogbank.cloud")
POLL_S = 0.1
"""How often a long poll looks whether a message has become visible by itself; a write wakes it at once."""


class MotoGateway:
    """moto's own dispatcher with a journal around it. Requests that change state run one at a time."""

    def __init__(
        self, store: Store, wall: Callable[[], float], snapshots: Snapshots, ahead: Callable[[], float] = float
    ) -> None:
        """`wall` is the machine's clock, `ahead` says by how many seconds the cloud's is ahead of it."""
        self._store, self._wall = store, wall
        self._passing = Passing(ahead)
        self._history = History(store, snapshots)
        self._turns = Turns()
        self._replaying = False
        self._app = DomainDispatcherApplication(_backend_app)
        self.sends_events = False
        """Whether what is played back was sent to the targets of rules by moto, in an earlier version."""
        self.sessions = Sessions(store, wall)
        self.listeners: list[Callable[[Request, Answer], None]] = []
        """Hear of every change that was made and is written down, in the thread of who asked for it."""

    def handle(self, request: Request) -> Answer:
        """moto's answer, or a loud 501 for an operation that it does not have."""
        if (unfit := _refused(request)) is not None:
            return unfit
        if policies.wanting(request):
            with self._turns.write():
                policies.provide(request.region)
        if not changes_state(request):
            with self._turns.read():
                if request.service == "sqs":
                    self._passing.follow()
                answer = completed(request, self._ask(request))
            self.sessions.note(request, answer)
            return answer
        poll = poll_of(request)
        if poll is not None:
            return self._receive(poll)
        with self._turns.write():
            answer = self._write(request)
        if answer.status < 400:
            for listen in self.listeners:
                try:
                    listen(request, answer)
                except Exception:  # the change is made, and its caller is told so
                    log.exception("what follows %s", _operation(request))
        return answer

    def _write(self, request: Request) -> Answer:
        self._passing.follow()  # whatever it is: topics, rules and buckets put messages into queues too
        self._history.settle()  # no change is made on top of one that could not be written
        if source := copied_object(request):
            self._store.keep(source)
        seq = self._store.next_seq()
        mock_random.seed(seq * SEED_FACTOR)
        answer = self._ask(request)
        if answer.status < 400:
            self._history.append(entry(seq, self._wall(), request, answer), request)
        return answer

    def _receive(self, poll: Poll) -> Answer:
        """Try, and wait outside of one's turn while there is nothing to receive."""
        end = time.monotonic() + poll.wait_s
        while True:
            answer = self.receive(poll)
            if not is_empty(answer) or time.monotonic() >= end:
                return answer
            while not self.ready(poll) and (left := end - time.monotonic()) > 0:
                self.wait_for_write(min(left, POLL_S))

    def receive(self, poll: Poll) -> Answer:
        """One try of a poll; does not wait."""
        with self._turns.write():
            return self._try(poll)

    def wait_for_write(self, limit_s: float) -> None:
        """Return when something has changed, or after the limit."""
        self._turns.wait_for_write(limit_s)

    def _try(self, poll: Poll) -> Answer:
        """What received nothing, and moved nothing to a dead letter queue, is not written down."""
        self._history.settle()
        self._passing.follow()
        length = poll.length()
        mock_random.seed(self._store.next_seq() * SEED_FACTOR)
        answer = self._ask(poll.request)
        if answer.status < 400 and (not is_empty(answer) or poll.length() != length):
            self._history.append(entry(self._store.next_seq(), self._wall(), poll.request, answer), poll.request)
        return answer

    def ready(self, poll: Poll) -> bool:
        """Whether a try is worth it."""
        with self._turns.read():
            self._passing.follow()
            return poll.ready()

    def replaying(self) -> bool:
        """Whether the journal is being played back."""
        return self._replaying

    def replay(self) -> int:
        """Bring a fresh moto to where the last one was: by the snapshot, and by playing back what came after; how many requests."""
        count = 0
        with self._turns.write():
            self._replaying = True
            since = int(self._store.setting(EVENTS_SINCE, "0")) or self._store.next_seq()
            self._store.set_setting(EVENTS_SINCE, str(since))
            unread = self._history.unread()
            self._passing.mark()
            functions.adopt()
            rules.adopt()
            for written in unread:
                self.sends_events = written.seq < since
                request = request_of(written)
                if policies.wanting(request):
                    policies.provide(request.region)
                mock_random.seed(written.seq * SEED_FACTOR)
                self._ask(request)
                restore(written)
                count += 1
            self._replaying = self.sends_events = False
        return count

    def entries_of(self, takes: Callable[[Request], bool]) -> list[int]:
        """The numbers of the journal's entries whose requests somebody else takes."""
        return [written.seq for written in self._store.journal() if takes(request_of(written))]

    def history(self) -> dict[str, Any]:
        """How many changes there are, how many of them a start would play back, and why there is no snapshot, if so."""
        return {
            "changes": self._store.next_seq() - 1,
            "since_snapshot": self._history.behind(),
            "problem": self._history.problem,
        }

    def turn(self) -> None:
        """Write a snapshot if it is time."""
        if self._history.due():
            self.save()

    def save(self) -> None:
        """Write a snapshot."""
        with self._turns.write():
            self._passing.mark()
            self._history.save()

    def forget(self) -> None:
        """Remove the snapshot: what it holds is about to be reset."""
        with self._turns.write():
            self._history.forget()

    def reset(self) -> None:
        """Empty every moto backend. The store is empty already."""
        with self._turns.write():
            self._history.forget()
            self._ask(Request(method="POST", path=RESET, query="", headers={}, body=b""))

    def _ask(self, request: Request) -> Answer:
        try:
            body, status, headers = run_wsgi_app(self._app, _environ(request), buffered=False)
        except PackedError as error:
            return error_answer(request, error.status, error.code, str(error))
        except RecursionError:
            return too_deep(request)
        except NotImplementedError as error:
            return error_answer(
                request, 501, "NotImplemented", f"neither fogbank nor moto has {_operation(request)} ({error})"
            )
        except ImportError as error:
            service = request.service or "this service"
            return error_answer(
                request,
                501,
                "NotImplemented",
                f"the local cloud does not have {service}: moto wants the module {error.name}",
            )
        except Exception as error:  # moto's own failure must become an AWS error, never a dead connection
            log.info("moto failed on %s", _operation(request), exc_info=True)
            fault = fault_of(request)
            if fault is not None:
                return error_answer(request, fault.status, fault.code, fault.message)
            message = f"moto does not take this {_operation(request)}: {error!r}"
            return error_answer(request, 501, "NotImplemented", message[:LONGEST_MESSAGE])
        return Answer(status=int(status.split()[0]), headers=dict(headers.items()), body=b"".join(body))


def _refused(request: Request) -> Answer | None:
    """What AWS refuses and moto takes, and what moto takes and nobody would carry out."""
    kinds = (refusal, refused.refusal, stacks.refusal, lacking.refusal)
    return next((answer for kind in kinds if (answer := kind(request)) is not None), None)


def _operation(request: Request) -> str:
    return f"{request.service or 's3'}:{operation_name(request) or request.method + ' ' + request.path}"


def _backend_app(service: Any) -> Flask:
    app: Flask = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # an operation that moto lacks must be seen, not become an HTML page
    return app


def _environ(request: Request) -> dict[str, Any]:
    """The WSGI environment that moto's own server would make of the request. Raises PackedError."""
    body = opened(request)
    left_out = {"content-length", "transfer-encoding", *(["content-encoding"] if is_packed(request) else [])}
    environ = create_environ(
        query_string=request.query,
        base_url=f"http://{request.headers.get('host', '127.0.0.1')}",
        method=request.method,
        headers={key: value for key, value in request.headers.items() if key not in left_out},
        input_stream=io.BytesIO(body),
        content_length=len(body),
        content_type=request.headers.get("content-type"),
    )
    environ["PATH_INFO"] = request.plain_path.encode().decode("latin-1")
    environ["REQUEST_URI"] = environ["RAW_URI"] = f"{request.path}?{request.query}" if request.query else request.path
    kept = [name for name in request.headers if should_preserve_original_header_name(name)]
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {environ_key_for_header(name): name for name in kept}
    return environ
