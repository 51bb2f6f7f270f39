"""moto, second: the services that fogbank does not have itself, made to survive a restart.

In: a request that is not ours; out: moto's answer. A request that changed something is written to the journal before
it is answered; at start the journal is played back, with the same seeds, so the same identifiers come out.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from flask import Flask
from moto.core.config import default_user_config
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import create_environ, run_wsgi_app

from fogbank.cloud.ground.store import Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer
from fogbank.cloud.moto.journal import changes_state, copied_object, entry, operation_name, request_of
from fogbank.cloud.moto.names import refusal
from fogbank.cloud.moto.restore import restore
from fogbank.cloud.moto.turns import Turns

SEED_FACTOR = 7919
RESET = "/moto-api/reset"


class MotoGateway:
    """moto's own dispatcher with a journal around it. Requests that change state run one at a time."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self._store, self._wall = store, wall
        self._turns = Turns()
        default_user_config["iam"] = {
            "load_aws_managed_policies": True
        }  # every SageMaker role has one of AWS's own policies
        self._app = DomainDispatcherApplication(_backend_app)

    def handle(self, request: Request) -> Answer:
        """moto's answer, or a loud 501 for an operation that it does not have."""
        refused = refusal(request)
        if refused:
            return refused
        if not changes_state(request):
            with self._turns.read():
                return self._ask(request)
        with self._turns.write():
            seq = self._store.next_seq()
            mock_random.seed(seq * SEED_FACTOR)
            answer = self._ask(request)
            if answer.status < 400:
                if source := copied_object(request):
                    self._store.keep(source)
                self._store.append(entry(seq, self._wall(), request, answer))
            return answer

    def replay(self) -> int:
        """Play the journal back into a fresh moto; returns how many requests that were."""
        count = 0
        with self._turns.write():
            for written in self._store.journal():
                mock_random.seed(written.seq * SEED_FACTOR)
                self._ask(request_of(written))
                restore(written)
                count += 1
        return count

    def reset(self) -> None:
        """Empty every moto backend."""
        with self._turns.write():
            self._ask(Request(method="POST", path=RESET, query="", headers={}, body=b""))

    def _ask(self, request: Request) -> Answer:
        try:
            body, status, headers = run_wsgi_app(self._app, _environ(request), buffered=False)
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
        except Exception as error:  # noqa: BLE001 - moto's own failure must become an AWS error, never a dead connection
            return error_answer(request, 500, "InternalFailure", f"moto failed on {_operation(request)}: {error!r}")
        return Answer(status=int(status.split()[0]), headers=dict(headers.items()), body=b"".join(body))


def _operation(request: Request) -> str:
    return f"{request.service or 's3'}:{operation_name(request) or request.method + ' ' + request.path}"


def _backend_app(service: Any) -> Flask:
    app: Flask = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # an operation that moto lacks must be seen, not become an HTML page
    return app


def _environ(request: Request) -> dict[str, Any]:
    """The WSGI environment that moto's own server would make of the request."""
    environ = create_environ(
        query_string=request.query,
        base_url=f"http://{request.headers.get('host', '127.0.0.1')}",
        method=request.method,
        headers={
            key: value for key, value in request.headers.items() if key not in {"content-length", "transfer-encoding"}
        },
        input_stream=io.BytesIO(request.body),
        content_length=len(request.body),
        content_type=request.headers.get("content-type"),
    )
    environ["PATH_INFO"] = request.plain_path.encode().decode("latin-1")
    environ["REQUEST_URI"] = environ["RAW_URI"] = f"{request.path}?{request.query}" if request.query else request.path
    kept = [name for name in request.headers if should_preserve_original_header_name(name)]
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {environ_key_for_header(name): name for name in kept}
    return environ
