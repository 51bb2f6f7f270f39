"""Flat JSON as named texts: a number is its own text, true and false are words, null is absent."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fogbank.monitor.dataset import DatasetError

Fields = Mapping[str, str | None]


class FieldsError(DatasetError):
    """What is no flat JSON; the text says why."""


def read_json(text: str) -> object:
    """One JSON document, its numbers as texts. Raises FieldsError."""
    try:
        document: object = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise FieldsError(f"it is not JSON: {error}") from error
    return document


def flat(document: object) -> Fields:
    """A flat JSON object. Raises FieldsError."""
    if (
        not isinstance(document, dict)
        or not document
        or any(isinstance(value, dict | list) for value in document.values())
    ):
        raise FieldsError("only flat JSON objects can be monitored")
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in document.items()}
