"""What SageMaker's toolkits do around a script's functions: the type of the body that they hand over, the results that they take.

Sources: sagemaker_inference/transformer.py; sagemaker_containers' worker.py, whose Response is Flask's.
"""

from __future__ import annotations

from typing import Any

from fogbank.serve import media
from fogbank.serve.context import Context
from fogbank.serve.plain import json_bytes
from fogbank.serve.problems import bad_request
from fogbank.serve.protocol import JSON, Reply

TEXT_TYPES = frozenset({media.JSON, media.CSV})
"""What is handed to a script as str, where the content type says no more than this; all else as bytes."""
SERVERS_OWN = frozenset({"content-type", "content-length", "transfer-encoding", "connection", "date", "server"})
"""Headers of a response object that the server writes itself."""


def toolkit_body(body: bytes, content_type: str) -> str | bytes:
    """A body as the toolkit hands it to input_fn and transform_fn. Raises RequestError 400."""
    if content_type not in TEXT_TYPES:
        return body
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_request(f"the body is not utf-8: {error}") from error


def is_response(result: Any) -> bool:
    """Whether a function's result is a response object, as Flask's is."""
    return callable(getattr(result, "get_data", None))


def of_response(response: Any) -> Reply:
    """A response object as an answer, with its status and its headers."""
    kind = getattr(response, "content_type", None) or response.mimetype
    given = getattr(response, "headers", None) or {}
    headers = {name.lower(): value for name, value in given.items() if name.lower() not in SERVERS_OWN}
    data = response.get_data()
    body = data.encode() if isinstance(data, str) else data
    return Reply(getattr(response, "status_code", 200), body, kind, headers or None)


def of_parameters(parameters: Any) -> Reply:
    """What execution_parameters_fn returns, a dictionary, its text or a response object, as an answer."""
    if is_response(parameters):
        return of_response(parameters)
    body = parameters.encode() if isinstance(parameters, str) else parameters
    return Reply(200, body if isinstance(body, bytes) else json_bytes(body), JSON)


def with_context(reply: Reply, context: Context | None) -> Reply:
    """The answer with what the handler has set on its context."""
    if context is None:
        return reply
    own, (code, _) = context.get_response_headers(), context.get_response_status()
    if not own and code == 200:
        return reply
    headers = {**(reply.headers or {}), **own}
    kind = headers.pop("content-type", reply.content_type)
    return Reply(reply.status if code == 200 else code, reply.body, kind, headers)
