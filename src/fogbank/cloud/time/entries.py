"""What EventBridge refuses of PutEvents and moto takes, entry by entry: a source of AWS's own, a detail that is no object.

In: a client's request; out: an answer that names the entries that were refused, and moto's word on the others. What AWS's services tell comes
another way (api/bus.py). Sources: the EventBridge API reference, PutEventsRequestEntry (Detail: "A valid JSON object") and PutEventsResultEntry;
the words of a refused source as aws-samples/serverless-patterns#3089 quotes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from fogbank.cloud.api.errors import NotOursError
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Answer, Request, json_answer

RESERVED = "aws."
MOST = 10
"""Entries of one request."""
NOT_AUTHORIZED = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
MALFORMED = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}


class Entries:
    """The door; `moto` answers the entries that are not refused."""

    def __init__(self, moto: Callable[[Request], Answer]) -> None:
        self._moto = moto

    def takes(self, request: Request) -> bool:
        """Whether events are put."""
        return request.headers.get("x-amz-target") == "AWSEvents.PutEvents"

    def handle(self, request: Request) -> Answer:
        """The answer. Raises NotOursError where no entry is refused, and where there are too many, of which moto says so."""
        entries = _entries(request.body)
        refused = [_refusal(entry) for entry in entries]
        if not any(refused) or len(entries) > MOST:
            raise NotOursError(request.path)
        taken = [entry for entry, refusal in zip(entries, refused, strict=True) if refusal is None]
        answer = self._put(request, taken)
        if answer.status != 200:
            return answer
        told = iter(json.loads(answer.body)["Entries"])
        results = [refusal or next(told) for refusal in refused]
        return json_answer({"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results})

    def _put(self, request: Request, entries: Sequence[Document]) -> Answer:
        if not entries:
            return json_answer({"Entries": []})
        body = json.dumps({**json.loads(request.body), "Entries": entries}).encode()
        headers = {**request.headers, "content-length": str(len(body))}
        return self._moto(
            Request(
                method=request.method,
                path=request.path,
                query=request.query,
                headers=headers,
                body=body,
                peer=request.peer,
            )
        )


def _entries(body: bytes) -> list[Any]:
    """What is put; nothing of a body that moto refuses."""
    try:
        entries = json.loads(body or b"{}").get("Entries")
    except (ValueError, AttributeError, RecursionError):
        return []
    return entries if isinstance(entries, list) else []


def _refusal(entry: Any) -> Document | None:
    """An entry's error; None where there is none of these: what else is wrong moto says."""
    if not isinstance(entry, dict):
        return None
    if str(entry.get("Source") or "").startswith(RESERVED):
        return dict(NOT_AUTHORIZED)
    detail = entry.get("Detail")
    if not isinstance(detail, str) or not detail:
        return None
    try:
        document = json.loads(detail)
    except (ValueError, RecursionError):
        return dict(MALFORMED)
    return None if isinstance(document, dict) else dict(MALFORMED)
