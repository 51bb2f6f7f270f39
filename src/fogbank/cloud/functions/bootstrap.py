"""What runs inside of a function's process: it loads the handler, then answers event after event.

In: on descriptor `--in`, after eight bytes of its length, each event as JSON; out, on `--out`, in the same way, what the handler returned, or
what it raised in Lambda's form. It is run as a file by the function's own Python, which has nothing of fogbank's cloud: the standard
library alone is imported here. Forms: the Lambda Developer Guide, "Building Lambda functions with Python".
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

LENGTH = 8
SPARE_BYTES = 512 << 20
"""Of memory that is mapped and not used, over what the function may use: the cloud looks at what is used."""


class HandlerError(Exception):
    """The handler cannot be loaded; `kind` is Lambda's name of that."""

    def __init__(self, kind: str, message: str, stack: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.stack = kind, message, stack or []


class Context:
    """What handlers get as their second argument."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.aws_request_id: str = asked["id"]
        self.invoked_function_arn: str = asked["arn"]
        self.client_context: Any = _Members(asked["client_context"]) if asked.get("client_context") else None
        self.identity = _Members({"cognito_identity_id": None, "cognito_identity_pool_id": None})
        self._deadline: float = asked["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Until the function's time is over."""
        return max(0, int((self._deadline - time.time()) * 1000))

    @staticmethod
    def log(message: object) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(message))


class _Members:
    def __init__(self, members: Mapping[str, Any]) -> None:
        self.__dict__.update(members)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # its stream is found when it writes
    """Writes records in Lambda's form: one record is one event of the log, of as many lines as it has."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")
            sys.stdout.flush()
        except Exception:  # noqa: BLE001 - logging's own way
            self.handleError(record)


def main(arguments: list[str]) -> None:
    """Load, then serve until the other end is closed."""
    given, taken, life, memory = (int(text) for text in arguments[:4])
    _end_with(life)
    bytes_ = (memory << 20) + SPARE_BYTES
    with contextlib.suppress(OSError, ValueError):  # the machine's own limit is lower
        resource.setrlimit(resource.RLIMIT_DATA, (bytes_, bytes_))
    request_id = [""]
    _set_up_logging(request_id)
    try:
        handler = _load(os.environ["_HANDLER"])
    except HandlerError as error:
        document = {"errorMessage": error.message, "errorType": error.kind, "requestId": "", "stackTrace": error.stack}
        _log_error(error.kind, error.message, error.stack)
        _write(taken, {"error": document})
        return
    _write(taken, {"ready": True})
    while (asked := _read(given)) is not None:
        request_id[0] = asked["id"]
        _write(taken, _answered(handler, asked))
    _end()


def _answered(handler: Callable[[Any, Any], Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        result = handler(json.loads(asked["event"]), Context(asked))
    except Exception as error:  # noqa: BLE001 - the handler is the user's
        return {"error": _raised(error, asked["id"])}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    try:
        return {"payload": json.dumps(result, default=_number, ensure_ascii=False)}
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        _log_error("Runtime.MarshalError", message, [])
        return {
            "error": {
                "errorMessage": message,
                "errorType": "Runtime.MarshalError",
                "requestId": asked["id"],
                "stackTrace": [],
            }
        }


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _raised(error: BaseException, request_id: str) -> dict[str, Any]:
    """An exception of the handler's, without the frames of this file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    stack = traceback.format_list(frames)
    kind = type(error).__name__
    _log_error(kind, str(error), stack)
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": stack}


def _log_error(kind: str, message: str, stack: list[str]) -> None:
    text = f"[ERROR] {kind}: {message}\n" + ("Traceback (most recent call last):\n" + "".join(stack) if stack else "")
    sys.stdout.write(text.rstrip("\n").replace("\n", "\r") + "\n")
    sys.stdout.flush()


def _load(name: str) -> Callable[[Any, Any], Any]:
    module_name, dot, function = name.rpartition(".")
    if not dot:
        reason = "not enough values to unpack (expected 2, got 1)"
        raise HandlerError("Runtime.MalformedHandlerName", f"Bad handler '{name}': {reason}")
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise HandlerError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        stack = [f'  File "{error.filename}" Line {error.lineno}\n    {(error.text or "").strip()}\n']
        raise HandlerError(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", stack
        ) from error
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
        stack = traceback.format_list([frame for frame in frames if frame.filename != __file__])
        raise HandlerError(type(error).__name__, str(error), stack) from error
    handler: Callable[[Any, Any], Any] | None = getattr(module, function, None)
    if handler is None:
        raise HandlerError("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module_name}'")
    return handler


def _set_up_logging(request_id: list[str]) -> None:
    class Request(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.aws_request_id = request_id[0]
            return True

    handler = _Handler()
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(Request())
    logging.getLogger().addHandler(handler)


def _end_with(descriptor: int) -> None:
    """End with the cloud, however it ends, and take along what the handler has started."""

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        _end()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _end() -> None:
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _read(descriptor: int) -> dict[str, Any] | None:
    head = _whole(descriptor, LENGTH)
    if head is None:
        return None
    body = _whole(descriptor, int.from_bytes(head))
    document: dict[str, Any] | None = None if body is None else json.loads(body)
    return document


def _whole(descriptor: int, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(descriptor: int, document: Mapping[str, Any]) -> None:
    body = json.dumps(document).encode()
    data = len(body).to_bytes(LENGTH) + body
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    sys.path[:0] = os.environ["FOGBANK_TASK_PATH"].split(os.pathsep)
    main(sys.argv[1:])
