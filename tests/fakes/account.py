"""An account as far as a preflight asks it: boto3's clients by service, answering from what the test gives.

An operation of which nothing is given is denied, as AWS denies what a policy does not allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

REGION = "eu-west-1"


class RepositoryNotFoundException(ClientError):  # type: ignore[misc]  # noqa: N818 - botocore has no types; ECR's own name
    """ECR's."""


def error(code: str, operation: str = "Call", kind: type[ClientError] = ClientError) -> ClientError:
    """AWS's error."""
    return kind({"Error": {"Code": code, "Message": f"{code} told"}}, operation)


@dataclass
class Account:
    """`answers` by operation: a value, or a function of the parameters. `calls` are the operations with their parameters."""

    answers: Mapping[str, Any]
    region: str = REGION
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, _: str) -> Account:
        return self

    @property
    def meta(self) -> Any:
        """Where the client asks."""
        return SimpleNamespace(region_name=self.region)

    @property
    def exceptions(self) -> Any:
        """What the client raises."""
        return SimpleNamespace(RepositoryNotFoundException=RepositoryNotFoundException)

    def get_paginator(self, operation: str) -> Any:
        """Pages: another one for as long as the last is truncated, as IAM's are."""

        def paginate(**params: Any) -> Iterator[Any]:
            page = self._answer(operation, params)
            yield page
            while page.get("IsTruncated"):
                page = self._answer(operation, {**params, "Marker": page["Marker"]})
                yield page

        return SimpleNamespace(paginate=paginate)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **params: self._answer(operation, params)

    def _answer(self, operation: str, params: dict[str, Any]) -> Any:
        self.calls.append((operation, params))
        if operation not in self.answers:
            raise error("AccessDeniedException", operation)
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer(**params) if callable(answer) else answer
