"""analysis_config.json as a document: the members that are there, and each value as what it must be.

Source: AWS Developer Guide, "Analysis Configuration Files".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

CONFIG = "analysis_config.json"
MEMBERS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {
            "version", "dataset_type", "headers", "label", "predicted_label", "label_values_or_threshold", "probability_threshold", "facet",
            "group_variable", "excluded_columns", "joinsource_name_or_index", "label_headers", "predictor", "methods",
        }
    ),
    "predictor": frozenset(
        {
            "model_name", "instance_type", "initial_instance_count", "content_type", "accept_type", "label", "probability", "label_headers",
        }
    ),
    "methods": frozenset({"pre_training_bias", "post_training_bias", "shap", "pdp", "report"}),
    "methods.pre_training_bias": frozenset({"methods"}),
    "methods.post_training_bias": frozenset({"methods"}),
    "methods.shap": frozenset(
        {"baseline", "num_samples", "agg_method", "use_logit", "save_local_shap_values", "seed"}
    ),
    "methods.pdp": frozenset({"features", "grid_resolution", "top_k_features"}),
    "methods.report": frozenset({"name", "title"}),
}  # fmt: skip
"""The members that are there; any other one is refused by its name, unless it says nothing."""
MOST = 1e308


class ClarifyConfigError(ValueError):
    """A configuration that is not right; the text names the member."""


def config_document(body: bytes) -> dict[str, Any]:
    """The configuration, without members that are null. Raises ClarifyConfigError."""
    try:
        document = _said(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise ClarifyConfigError(f"{CONFIG} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ClarifyConfigError(f"{CONFIG} is no JSON object")
    for place, members in MEMBERS.items():
        own: Any = document
        for name in place.split(".") if place else ():
            own = own.get(name, {})
        if not isinstance(own, dict):
            raise ClarifyConfigError(f"{place} must be an object")
        if lacking := sorted(own.keys() - members):
            said = f"{place}.{lacking[0]}" if place else lacking[0]
            raise ClarifyConfigError(f"{said} is not supported here: {', '.join(sorted(members))} are")
    return document


def _said(value: Any) -> Any:
    """The same without members that are null; an item of a list that is null stays."""
    if isinstance(value, dict):
        return {name: _said(own) for name, own in value.items() if own is not None}
    return [_said(own) for own in value] if isinstance(value, list) else value


def headers_of(document: Mapping[str, Any]) -> list[str]:
    headers = document.get("headers", [])
    if not isinstance(headers, list) or not all(isinstance(name, str) and name for name in headers):
        raise ClarifyConfigError(f"headers must be a list of names, not {headers!r:.80}")
    if twice := next((name for number, name in enumerate(headers) if name in headers[:number]), None):
        raise ClarifyConfigError(f"headers must name each column once, and {twice!r} is there twice")
    return headers


def columns_aside(document: Mapping[str, Any]) -> list[str | int]:
    """The columns that are no features, beside the label."""
    names = ("excluded_columns", "joinsource_name_or_index")
    return [a_column(item, name) for name in names if name in document for item in a_list(document[name])]


def column_of(document: Mapping[str, Any], member: str) -> str | int | None:
    return a_column(document[member], member) if member in document else None


def a_column(value: Any, member: str) -> str | int:
    if isinstance(value, str) or is_index(value):
        column: str | int = value
        return column
    raise ClarifyConfigError(f"{member} must be the name or the index of a column, not {value!r:.80}")


def a_values(value: Any, member: str) -> list[Any]:
    if other := [item for item in a_list(value) if not is_value(item)]:
        raise ClarifyConfigError(f"{member} must be values, numbers or texts, not {other[0]!r:.80}")
    return a_list(value)


def a_text(value: Any, member: str) -> str:
    if not isinstance(value, str) or not value:
        raise ClarifyConfigError(f"{member} must be a text, not {value!r:.80}")
    return value


def flag(value: Any, member: str) -> bool:
    if not isinstance(value, bool):
        raise ClarifyConfigError(f"{member} must be true or false, not {value!r:.80}")
    return value


def whole(value: Any, member: str, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ClarifyConfigError(f"{member} must be a whole number from {least} on, not {value!r:.80}")
    return value


def is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_config_number(value: Any) -> bool:
    """Whether it is one that a float can be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def is_value(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def a_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
