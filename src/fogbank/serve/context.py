"""The context that a handler's function may take as its last parameter, as in SageMaker's inference toolkit.

The names are those of the toolkit's (multi-model-server's) Context; `index` is always 0, for one request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fogbank.contracts.manifest import PackageManifest

Headers = Iterable[tuple[bytes, bytes]]


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
        self.response_headers: dict[str, str] = {}
        self.response_status = 200
        self._headers = headers

    @property
    def system_properties(self) -> dict[str, Any]:
        """What the toolkit's context says about its server."""
        return {"model_dir": self.model_dir, "gpu_id": None, "batch_size": 1, "server_name": "fogbank"}

    @property
    def request_ids(self) -> dict[int, str]:
        """The request's id, by its index."""
        return {0: self.request_id}

    def get_request_id(self, index: int = 0) -> str:
        """The request's id."""
        return self.request_ids[index]

    def get_all_request_header(self, index: int = 0) -> dict[str, str]:
        """The request's headers, with names in lower case."""
        del index
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self._headers}

    def get_request_header(self, index: int, key: str) -> str | None:
        """One header of the request; None where it has none of that name."""
        return self.get_all_request_header(index).get(key.lower())

    def set_response_header(self, index: int, key: str, value: str) -> None:
        """A header of the answer, such as X-Amzn-SageMaker-Custom-Attributes."""
        del index
        self.response_headers[key.lower()] = value

    def set_response_content_type(self, index: int, value: str) -> None:
        """The answer's content type."""
        self.set_response_header(index, "content-type", value)

    def get_response_content_type(self, index: int = 0) -> str | None:
        """The answer's content type, where the handler has set one."""
        del index
        return self.response_headers.get("content-type")

    def set_response_status(self, code: int = 200, phrase: str = "", index: int = 0) -> None:
        """The answer's status."""
        del phrase, index
        self.response_status = code
