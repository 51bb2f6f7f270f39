"""The door of Lambda's function URLs: their configurations, and the port that each has.

In: CreateFunctionUrlConfig and its companions; out: configurations, whose FunctionUrl is an address of this machine. moto has the functions;
the configurations are here, since moto's have no qualifiers and no list. Source: the Lambda API reference.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

from fogbank.cloud.access.ports import Ports
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer
from fogbank.cloud.moto.functions import Function, find

KIND = "function-url"
ONE = re.compile(r"/2021-10-31/functions/(?P<name>[^/]+)/url/?")
MANY = re.compile(r"/2021-10-31/functions/(?P<name>[^/]+)/urls/?")
GONE = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+?)(/aliases/(?P<alias>[^/]+))?/?")
TYPES = ("NONE", "AWS_IAM")
CORS = {
    "AllowCredentials": bool,
    "AllowHeaders": list,
    "AllowMethods": list,
    "AllowOrigins": list,
    "ExposeHeaders": list,
    "MaxAge": int,
}
LONGEST_AGE_S, MOST = 86400, 50
Serve = Callable[[str, Document, Request], Answer]


class FunctionUrls:
    """The configurations of every region; `serve` answers what comes to a URL."""

    def __init__(self, store: Store, clock: Clock, ports: Ports, serve: Serve) -> None:
        self._store, self._clock, self._ports, self._serve = store, clock, ports, serve
        self._lock = threading.Lock()

    def takes(self, request: Request) -> bool:
        """Whether it is about URLs."""
        return request.service == "lambda" and any(path.fullmatch(request.path) for path in (ONE, MANY))

    def handle(self, request: Request) -> Answer:
        """Answer it."""
        try:
            if match := MANY.fullmatch(request.path):
                return self._listed(request, unquote(match["name"]))
            match = ONE.fullmatch(request.path)
            name = unquote(match["name"]) if match else ""
            function, key = self._function(request, name)
            with self._lock:
                return self._do(request, function, key)
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message, **error.members)

    def start(self) -> None:
        """Listen for all that there are."""
        for region, key, document in self._store.named(KIND):
            self._open(region, key, document)

    def listen(self, request: Request, answer: Answer) -> None:
        """A function that goes, or an alias, takes its URLs along."""
        del answer
        match = GONE.fullmatch(request.path) if (request.service, request.method) == ("lambda", "DELETE") else None
        if match is None or "Qualifier=" in request.query:
            return
        name = unquote(match["name"]).rpartition("function:")[2]
        for region, key, _ in self._store.named(KIND, request.region):
            function, _, qualifier = key.partition(":")
            if function == name and match["alias"] in {None, qualifier}:
                self._remove(region, key)

    def _function(self, request: Request, name: str) -> tuple[Function, str]:
        """The function, and the name of its URL's configuration. Raises ApiError."""
        qualifier = parse_qs(request.query).get("Qualifier", [""])[0]
        if qualifier.isdecimal() or qualifier == "$LATEST":
            raise ApiError("ValidationException", f"the Qualifier of a function URL is an alias, not {qualifier}")
        function = find(request.region, name, qualifier or None, 0.0)
        if function is None:
            raise _missing()
        return function, f"{function.name}:{qualifier}"

    def _do(self, request: Request, function: Function, key: str) -> Answer:
        region, there = request.region, self._store.get(KIND, request.region, key)
        if request.method == "POST":
            if there is not None:
                words = f"Failed to create function url config for [functionArn = {function.arn}]. "
                words += "Error message:  FunctionUrlConfig exists for this Lambda function"
                raise ApiError("ResourceConflictException", words, 409, Type="User")
            return json_answer(self._create(region, key, function, _members(request, required=True)), 201)
        if there is None:
            raise _missing()
        if request.method == "DELETE":
            self._remove(region, key)
            return Answer(status=204)
        if request.method == "PUT":
            there = {**there, **_members(request, required=False), "LastModifiedTime": self._now()}
            self._store.put(KIND, region, key, there)
        return json_answer(_public(there))

    def _create(self, region: str, key: str, function: Function, members: Mapping[str, Any]) -> Document:
        now = self._now()
        document = {
            "FunctionArn": function.arn,
            "InvokeMode": "BUFFERED",
            **members,
            "CreationTime": now,
            "LastModifiedTime": now,
            "_state": {"id": secrets.token_hex(16), "port": 0},
        }
        return _public(self._open(region, key, document))

    def _open(self, region: str, key: str, document: Document) -> Document:
        """Listen at the port that it had before, if that is free; the document with the address."""
        state = document["_state"]
        port = self._ports.open(f"{KIND}/{region}/{key}", state["port"], partial(self._answer, region, key))
        document = {**document, "FunctionUrl": f"http://127.0.0.1:{port}/", "_state": {**state, "port": port}}
        self._store.put(KIND, region, key, document)
        return document

    def _answer(self, region: str, key: str, request: Request) -> Answer:
        document = self._store.get(KIND, region, key)
        return Answer(status=404) if document is None else self._serve(region, document, request)

    def _remove(self, region: str, key: str) -> None:
        self._store.delete(KIND, region, key)
        self._ports.close(f"{KIND}/{region}/{key}")

    def _listed(self, request: Request, name: str) -> Answer:
        function = find(request.region, name, None, 0.0)
        if function is None:
            raise _missing()
        query = {key: values[0] for key, values in parse_qs(request.query).items()}
        first, most = _number(query.get("Marker", "0")), _number(query.get("MaxItems", str(MOST)))
        every = [
            _public(document)
            for _, key, document in self._store.named(KIND, request.region)
            if key.partition(":")[0] == function.name
        ]
        more = {"NextMarker": str(first + most)} if first + most < len(every) else {}
        return json_answer({"FunctionUrlConfigs": every[first : first + most], **more})

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock.epoch(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _members(request: Request, *, required: bool) -> dict[str, Any]:
    """What the request says, as it is kept. Raises ApiError."""
    try:
        said = json.loads(request.body or b"{}")
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ApiError("SerializationException", "the body is no JSON object")
    if said.get("InvokeMode", "BUFFERED") != "BUFFERED":
        raise ApiError("NotImplemented", f"the local cloud does not have the InvokeMode {said['InvokeMode']}", 501)
    kind = said.get("AuthType")
    if kind not in TYPES and (required or kind is not None):
        raise ApiError("ValidationException", f"AuthType must be one of {', '.join(TYPES)}, not {kind}")
    members = {"AuthType": kind} if kind else {}
    if "Cors" in said:
        members["Cors"] = _cors(said["Cors"])
    return members


def _cors(said: Any) -> dict[str, Any]:
    """Raises ApiError."""
    cors = said or {}
    if not isinstance(cors, dict) or any(
        name not in CORS or not isinstance(value, CORS[name]) for name, value in cors.items()
    ):
        raise ApiError("ValidationException", f"Cors must have {', '.join(CORS)}, in their types")
    if not 0 <= cors.get("MaxAge", 0) <= LONGEST_AGE_S:
        raise ApiError("ValidationException", f"Cors.MaxAge must be 0 to {LONGEST_AGE_S} seconds")
    return cors


def _public(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "_state" and value not in (None, {})}


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ApiError("InvalidParameterValueException", f"{text!r} is no number")
    return int(text)


def _missing() -> ApiError:
    return ApiError("ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User")
