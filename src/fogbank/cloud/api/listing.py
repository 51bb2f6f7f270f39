"""List calls, pure: every filter, every order and every page of a List operation, read off its botocore shape.

In: records as the API's members and the request; out: one page of summaries. A member is a filter by its name: `NameContains`,
`StatusEquals`, `<Field>After` (at or after), `<Field>Before` (before), `<Field>Equals`, or the field itself.
Source: the List operations' own documentation in botocore's model.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fogbank.cloud.api.errors import validation

PAGING = frozenset({"SortBy", "SortOrder", "NextToken", "MaxResults"})
CREATED = "CreationTime"
NUMBERS = ("Time", "Value")
"""How the members end that are ordered as numbers."""
Fields = Mapping[str, Any]
Keep = Callable[[Fields], bool]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How a kind is listed: the answer's key, the page's size where none is asked for, the order where none is asked for.

    `name` and `status` are the members that `NameContains`, `SortBy=Name`, `StatusEquals` and `SortBy=Status` mean.
    """

    operation: str
    answer: str
    name: str
    status: str | None = None
    page_size: int = 10
    newest_first: bool = True
    by: str = CREATED
    """What `SortBy` is where a call does not say it."""

    def field_of(self, member: str) -> str:
        """The record's member that an input member of the List call looks at."""
        if member == "NameContains":
            return self.name
        for ending in ("After", "Before", "Equals"):
            if member.endswith(ending):
                stem = member.removesuffix(ending)
                return self.status or stem if stem == "Status" else stem
        return member

    def sort_field(self, order: str) -> str:
        """The record's member that a value of `SortBy` orders by."""
        return {"Name": self.name, "Status": self.status or order}.get(order, order)

    def page(self, records: Iterable[Fields], params: Mapping[str, Any]) -> dict[str, Any]:
        """One page of records, filtered and in order. Raises ValidationException for a token that this call did not give."""
        keeps = [self._filter(member, value) for member, value in params.items() if member not in PAGING]
        kept = [record for record in records if all(keep(record) for keep in keeps)]
        by = self.sort_field(params.get("SortBy", self.by))
        descending = params.get("SortOrder", "Descending" if self.newest_first else "Ascending") == "Descending"
        ordered = sorted(kept, key=lambda record: self._place(record, by), reverse=descending)
        if token := params.get("NextToken"):
            last = _read_token(token, by, descending=descending)
            after = [self._place(record, by) for record in ordered]
            ordered = [
                record
                for record, place in zip(ordered, after, strict=True)
                if (place < last if descending else place > last)
            ]
        size = params.get("MaxResults", self.page_size)
        answer: dict[str, Any] = {self.answer: ordered[:size]}
        if len(ordered) > size:
            answer["NextToken"] = _token(self._place(ordered[size - 1], by), by, descending=descending)
        return answer

    def _place(self, record: Fields, by: str) -> tuple[Any, str]:
        value = record.get(by)
        return (value or (0 if by.endswith(NUMBERS) else ""), str(record.get("_id", record[self.name])))

    def _filter(self, member: str, wanted: Any) -> Keep:
        field = self.field_of(member)
        if member == "NameContains":
            return lambda record: wanted in record[field]
        if member.endswith("After"):
            return lambda record: record.get(field) is not None and record[field] >= wanted
        if member.endswith("Before"):
            return lambda record: record.get(field) is not None and record[field] < wanted
        return lambda record: bool(record.get(field) == wanted)


def _token(place: tuple[Any, str], by: str, *, descending: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([*place, by, descending]).encode()).decode()


def _read_token(token: str, by: str, *, descending: bool) -> tuple[Any, str]:
    """The place that a token was given for, in a list of the same order."""
    try:
        value, name, *order = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as error:
        raise validation("Invalid NextToken.") from error
    numbers = by.endswith(NUMBERS)
    if order != [by, descending] or not isinstance(name, str) or isinstance(value, str) == numbers:
        raise validation("Invalid NextToken.")
    return value, name
