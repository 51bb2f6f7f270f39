"""The context that a handler's function may take as its last parameter, as in SageMaker's inference toolkit.

The names, of parameters too, are those of the toolkit's (multi-model-server's) Context and RequestProcessor; `idx` is always 0,
for one request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fogbank.contracts.manifest import PackageManifest

Headers = Iterable[tuple[bytes, bytes]]


class RequestProcessor:
    """One request's headers, by names in lower case, and what its answer's status and headers will be."""

    def __init__(self, headers: Headers) -> None:
        self._given = headers
        self._headers: dict[str, str] = {}
        self._status, self._phrase = 200, ""

    def get_request_properties(self) -> dict[str, str]:
        """The request's headers."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self._given}

    def get_request_property(self, key: str) -> str | None:
        """One header of the request; None where it has none of that name."""
        return self.get_request_properties().get(key.lower())

    def report_status(self, code: int, reason_phrase: str = "") -> None:
        """The answer's status."""
        self._status, self._phrase = code, reason_phrase

    def get_response_status_code(self) -> int:
        """The answer's status, 200 where the handler has set none."""
        return self._status

    def get_response_status_phrase(self) -> str:
        """The phrase that was given with it; the server writes the standard's."""
        return self._phrase

    def add_response_property(self, key: str, value: str) -> None:
        """A header of the answer."""
        self._headers[key.lower()] = value

    def get_response_headers(self) -> dict[str, str]:
        """The answer's headers, so far."""
        return self._headers


class Context:
    """One request's headers and id, what the answer's headers will be, and the loaded package."""

    def __init__(
        self,
        model_dir: str,
        package: PackageManifest | None,
        headers: Headers = (),
        request_id: str = "",
        traceparent: str | None = None,
    ) -> None:
        self.model_dir, self.package = model_dir, package
        self.request_id, self.traceparent = request_id, traceparent
        self.request_processor = [RequestProcessor(headers)]

    @property
    def model_name(self) -> str:
        """The package's name; empty for an archive without a manifest."""
        return self.package.name if self.package else ""

    @property
    def system_properties(self) -> dict[str, Any]:
        """What the toolkit's context says about its server."""
        return {"model_dir": self.model_dir, "gpu_id": None, "batch_size": 1, "server_name": "fogbank"}

    @property
    def request_ids(self) -> dict[int, str]:
        """The request's id, by its index."""
        return {0: self.request_id}

    def get_request_id(self, idx: int = 0) -> str:
        """The request's id."""
        return self.request_ids[idx]

    def get_all_request_header(self, idx: int = 0) -> dict[str, str]:
        """The request's headers, with names in lower case."""
        return self.request_processor[idx].get_request_properties()

    def get_request_header(self, idx: int, key: str) -> str | None:
        """One header of the request; None where it has none of that name."""
        return self.request_processor[idx].get_request_property(key)

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """A header of the answer, such as X-Amzn-SageMaker-Custom-Attributes."""
        self.request_processor[idx].add_response_property(key, value)

    def get_response_headers(self, idx: int = 0) -> dict[str, str]:
        """The answer's headers, so far."""
        return self.request_processor[idx].get_response_headers()

    def set_response_content_type(self, idx: int, value: str) -> None:
        """The answer's content type."""
        self.set_response_header(idx, "content-type", value)

    def get_response_content_type(self, idx: int = 0) -> str | None:
        """The answer's content type, where the handler has set one."""
        return self.get_response_headers(idx).get("content-type")

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """The answer's status."""
        self.request_processor[idx].report_status(code, phrase)

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:
        """The answer's status: there is one."""
        self.set_response_status(code, phrase)

    def get_response_status(self, idx: int = 0) -> tuple[int, str]:
        """The answer's status and phrase."""
        processor = self.request_processor[idx]
        return processor.get_response_status_code(), processor.get_response_status_phrase()
