"""Search: resources of one kind by what they say. In: an expression; out: a page of records. Source: the SageMaker API reference, "Search"."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from fogbank.cloud.api.control import Operation, Params, Scope, service_model
from fogbank.cloud.api.errors import ApiError, NotOursError, validation
from fogbank.cloud.api.resource import Resource

RESOURCES = {
    "Endpoint": "endpoint",
    "Model": "model",
    "ModelPackage": "model-package",
    "ModelPackageGroup": "model-package-group",
    "TrainingJob": "training-job",
    "Pipeline": "pipeline",
}
"""Resources of Search to paths of kinds."""
PAGE = 100
ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanOrEqualTo": lambda a, b: a >= b,
    "LessThan": lambda a, b: a < b,
    "LessThanOrEqualTo": lambda a, b: a <= b,
}


class Search:
    """Answers it for the cloud's own resources; the others are moto's."""

    def __init__(self, *resources: Resource[Any]) -> None:
        self._resources = {resource.kind.path: resource for resource in resources}

    def operations(self) -> Mapping[str, Operation]:
        """The call."""
        return {"Search": self.search}

    def search(self, scope: Scope, params: Params) -> Params:
        """A page of records, and how many there are. Raises NotOursError, ValidationException."""
        kind = params["Resource"]
        resource = self._resources.get(RESOURCES.get(kind, ""))
        if resource is None:
            raise NotOursError(kind)
        expression = params.get("SearchExpression") or {}
        shape = service_model().shape_for("SearchRecord").members[kind]
        check_names(expression, shape)
        found = [resource.described(record) for record in resource.all(scope.region)]
        kept = [document for document in found if matches(document, expression)]
        by, descending = params.get("SortBy", "LastModifiedTime"), params.get("SortOrder", "Descending") == "Descending"
        if "SortBy" in params and not _has(shape, by):
            raise _unknown(shape, by)
        ordered = sorted(kept, key=lambda document: _place(next(iter(values(document, by)), None)), reverse=descending)
        token = params.get("NextToken", "0")
        start = int(token) if token.isdecimal() else -1
        if start < 0:
            raise validation("Invalid NextToken.")
        page = ordered[start : (end := start + params.get("MaxResults", PAGE))]
        results = [{kind: {"Model": document} if kind == "Model" else document} for document in page]
        more = {"NextToken": str(end)} if end < len(ordered) else {}
        return {"Results": results, "TotalHits": {"Value": len(ordered), "Relation": "EqualTo"}, **more}


def check_names(expression: Mapping[str, Any], shape: Any) -> None:
    """Refuse properties that a resource does not have. Raises ValidationException. Source: botocore's documentation of Filter."""
    nested = expression.get("NestedFilters", [])
    names = [
        *(each["Name"] for each in expression.get("Filters", [])),
        *(each["NestedPropertyName"] for each in nested),
        *(item["Name"] for each in nested for item in each["Filters"]),
    ]
    for name in names:
        if not _has(shape, name):
            raise _unknown(shape, name)
    for each in expression.get("SubExpressions", []):
        check_names(each, shape)


def _unknown(shape: Any, name: str) -> ApiError:
    return validation(f"{name} is no property of the resource {shape.name}: see SearchRecord.")


def _has(shape: Any, name: str) -> bool:
    if shape.type_name == "list":
        return _has(shape.member, name)
    if shape.type_name != "structure":
        return bool(shape.type_name == "map")
    head, _, rest = name.partition(".")
    if head not in shape.members:  # what is searched for as a Model is what a dashboard has of it
        return shape.name == "ModelDashboardModel" and _has(shape.members["Model"], name)
    return not rest or head == "Tags" or _has(shape.members[head], rest)


def matches(document: Mapping[str, Any], expression: Mapping[str, Any]) -> bool:
    """Whether a resource is what an expression asks for. Raises ValidationException."""
    results = [
        *(_passes(document, each) for each in expression.get("Filters", [])),
        *(_nested(document, each) for each in expression.get("NestedFilters", [])),
        *(matches(document, each) for each in expression.get("SubExpressions", [])),
    ]
    return (any(results) if expression.get("Operator") == "Or" else all(results)) if results else True


def _nested(document: Mapping[str, Any], nested: Mapping[str, Any]) -> bool:
    """Whether one item of a list passes all filters: their names begin with the list's."""
    name = nested["NestedPropertyName"]
    items: Any = next(iter(values(document, name)), [])
    own = [{**each, "Name": each["Name"].removeprefix(f"{name}.")} for each in nested["Filters"]]
    return any(all(_passes(item, each) for each in own) for item in (items if isinstance(items, list) else []))


def _passes(document: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    found, operator, wanted = list(values(document, asked["Name"])), asked.get("Operator", "Equals"), asked.get("Value")
    if operator in {"Exists", "NotExists"}:
        exists = bool(found)
        return exists if operator == "Exists" else not exists
    if wanted is None:
        raise validation(f"The filter of {asked['Name']} needs a Value.")
    if operator == "NotEquals":
        return not any(_same(value, wanted) for value in found)
    if operator == "In":
        return any(_same(value, each) for value in found for each in wanted.split(","))
    if operator == "Contains":
        return any(str(wanted).lower() in str(value).lower() for value in found)
    if operator in ORDERS:
        return any(_ordered(value, wanted, ORDERS[operator]) for value in found)
    return any(_same(value, wanted) for value in found)


def values(document: Any, name: str) -> Iterable[Any]:
    """What a property's name leads to: through members by dots, and to a tag's value by `Tags.key`."""
    if isinstance(document, Mapping):
        if name in document:
            yield document[name]
        head, _, rest = name.partition(".")
        if rest and head == "Tags":
            yield from (tag["Value"] for tag in document.get("Tags") or [] if tag["Key"] == rest)
        elif rest and head in document:
            yield from values(document[head], rest)
    elif isinstance(document, list):
        for item in document:
            yield from values(item, name)


def _same(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return str(value).lower() == wanted.lower()
    return _number(value) == _number(wanted) if isinstance(value, int | float) else str(value) == wanted


def _ordered(value: Any, wanted: str, order: Callable[[Any, Any], Any]) -> bool:
    a, b = _number(value), _number(wanted)
    return bool(order(a, b) if a is not None and b is not None else order(str(value), wanted))


def _number(value: Any) -> float | None:
    """A number, or a moment as seconds since 1970."""
    with contextlib.suppress(TypeError, ValueError):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return None


def _place(value: Any) -> tuple[int, Any]:
    return (0, 0) if value is None else (1, value) if isinstance(value, int | float) else (2, str(value))
