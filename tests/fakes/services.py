"""Any service of AWS as a client calls it: it takes every call, or fails those that are told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class AnyService:
    """`calls` are those that were made. The first `failures` of them raise `error`, but those named in `works`."""

    def __init__(
        self, error: Exception | None = None, failures: float = float("inf"), works: frozenset[str] = frozenset()
    ) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._error, self._failures, self._works = error, failures, works

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def call(**params: Any) -> dict[str, Any]:
            self.calls.append((name, params))
            if self._error and name not in self._works and len(self.calls) <= self._failures:
                raise self._error
            return {}

        return call
