"""What clients were told, written down beside what they asked: the memory against which a restarted cloud is checked.

A `Cell` is one thing that one writer alone changes (an object, a table's item, a weight). A request that was answered is a
fact. One that was not answered, because the cloud was killed, may have been done or not: either is right, half of it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as NoConnectionError,
)

from fogbank.contracts.errors import CloudError

Value = TypeVar("Value")
Answer = TypeVar("Answer")
UNANSWERED = (NoConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError, OSError, CloudError)
"""What a client raises where there was no answer, or the end of one is missing."""

SERVER_ERROR = 500


class LostError(Exception):
    """A request that nobody answered."""


def ask(call: Callable[..., Answer], **arguments: Any) -> Answer:
    """The answer of a call. Raises LostError where there is none or not all of it, ClientError where it is a refusal.

    An answer of 500 and above does not say whether it was done: it is none.
    Of an answer that ends after its head, boto3 makes one that holds nothing, or an error that is called by its status.
    """
    try:
        answer = call(**arguments)
    except UNANSWERED as error:
        raise LostError(f"{type(error).__name__}: {error}") from error
    except ClientError as error:
        if error.response["Error"]["Code"].isdigit():
            raise LostError(f"an answer without its body: {error}") from error
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= SERVER_ERROR:
            raise LostError(f"it is not known what was done: {error}") from error
        raise
    if isinstance(answer, dict) and set(answer) == {"ResponseMetadata"} and _body_size(answer) > len(b"{}"):
        raise LostError("an answer without its body")
    return answer


def _body_size(answer: dict[str, Any]) -> int:
    """How many bytes an answer's head promised."""
    return int(answer["ResponseMetadata"]["HTTPHeaders"].get("content-length", 0))


@dataclass
class Cell(Generic[Value]):
    """One thing: what it was told to be last, and what was asked of it since and never answered."""

    name: str
    fact: Value
    unanswered: list[Value] = field(default_factory=list)

    def write(self, value: Value, call: Callable[[], object]) -> None:
        """Ask for a value. It is a fact when `call` returns. Raises LostError, and ClientError where it is refused."""
        self.unanswered.append(value)
        try:
            call()
        except ClientError:
            self.unanswered.remove(value)  # a refusal is an answer: nothing has changed
            raise
        self.fact, self.unanswered = value, []

    def compare(self, there: Value) -> list[str]:
        """What is wrong with what is there; nothing where it is the last fact, or what was asked after it."""
        if there not in (self.fact, *self.unanswered):
            asked = f", or the unanswered {self.unanswered!r:.200}" if self.unanswered else ""
            return [f"{self.name} is {there!r:.200}, and was acknowledged as {self.fact!r:.200}{asked}"]
        self.fact, self.unanswered = there, []
        return []
