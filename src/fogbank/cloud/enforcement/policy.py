"""IAM's policy language, pure: whether documents let somebody do something, deny it, or say nothing.

In: documents, an action, a resource, a principal, a context; out: a verdict. Source: the IAM User Guide, "Policy evaluation logic" and
"IAM JSON policy elements".
"""

from __future__ import annotations

import contextlib
import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fogbank.cloud.enforcement.statements import PolicyError, Statement, statements

Verdict = Literal["allow", "deny", "silent"]
Context = Mapping[str, Sequence[str]]
"""Condition keys, in lower case, to their values."""
VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants to do. `resource` None is one that is not known here: any matches. `principals` are the names that a resource's
    policy may know the caller by: ARNs, an account, a service, `*`."""

    action: str
    resource: str | None
    principals: frozenset[str] = frozenset()
    context: Context = field(default_factory=dict)


def verdict(documents: Iterable[str], asked: Asked, *, resource_based: bool = False) -> Verdict:
    """What documents say together: a denial is the last word. One that is no policy says nothing."""
    found: Verdict = "silent"
    for statement in _statements(documents):
        if not _concerns(statement, asked, resource_based=resource_based):
            continue
        if statement["Effect"] == "Deny":
            return "deny"
        found = "allow"
    return found


def _statements(documents: Iterable[str]) -> Iterator[Statement]:
    for document in documents:
        with contextlib.suppress(PolicyError):
            yield from statements(document)


def _concerns(statement: Mapping[str, Any], asked: Asked, *, resource_based: bool) -> bool:
    if "NotAction" in statement:
        if any(_like(pattern.lower(), asked.action.lower()) for pattern in _listed(statement["NotAction"])):
            return False
    elif not any(_like(pattern.lower(), asked.action.lower()) for pattern in _listed(statement.get("Action"))):
        return False
    if resource_based and not _is_principal(statement, asked.principals):
        return False
    if asked.resource is not None and not _is_resource(statement, asked.resource, asked.context):
        return False
    return all(
        _holds(operator, key, _listed(values), asked.context)
        for operator, tests in (statement.get("Condition") or {}).items()
        for key, values in tests.items()
    )


def _is_resource(statement: Mapping[str, Any], resource: str, context: Context) -> bool:
    if "NotResource" in statement:
        return not any(_like(_filled(pattern, context), resource) for pattern in _listed(statement["NotResource"]))
    if "Resource" not in statement:  # a trust policy
        return True
    return any(_like(_filled(pattern, context), resource) for pattern in _listed(statement["Resource"]))


def _is_principal(statement: Mapping[str, Any], principals: frozenset[str]) -> bool:
    wanted = statement.get("Principal", statement.get("NotPrincipal")) or {}
    named = {wanted} if isinstance(wanted, str) else {each for values in wanted.values() for each in _listed(values)}
    found = "*" in named or bool(named & principals)
    return not found if "NotPrincipal" in statement else found


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    """Whether a condition holds. An operator that is not known holds for nobody."""
    quantifier, _, plain = operator.rpartition(":")
    optional = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    values = context.get(key.lower(), ())
    if plain == "Null":
        return (not values) == (str(wanted[0]).lower() == "true")
    test = TESTS.get(plain.replace("Not", "", 1) if plain in NEGATIVE else plain)
    if test is None:
        return False
    if not values:
        return optional or quantifier == "ForAllValues" or plain in NEGATIVE
    filled = [_filled(str(each), context) for each in wanted]
    results = [any(test(value, each) for each in filled) != (plain in NEGATIVE) for value in values]
    return all(results) if quantifier == "ForAllValues" or plain in NEGATIVE else any(results)


def _like(pattern: str, text: str) -> bool:
    """`*` and `?`, and nothing else, stand for others."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _filled(pattern: str, context: Context) -> str:
    return VARIABLE.sub(lambda match: (context.get(match[1].lower()) or [match[0]])[0], pattern)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _number(test: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def compare(value: str, wanted: str) -> bool:
        try:
            return test(float(value), float(wanted))
        except ValueError:
            return False

    return compare


def _date(test: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def moment(text: str) -> float:
        return float(text) if text.replace(".", "", 1).isdecimal() else datetime.fromisoformat(text).timestamp()

    def compare(value: str, wanted: str) -> bool:
        try:
            return test(moment(value), moment(wanted))
        except ValueError:
            return False

    return compare


def _within(value: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: _like(wanted, value),
    "ArnEquals": lambda value, wanted: _like(wanted, value),
    "ArnLike": lambda value, wanted: _like(wanted, value),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _within,
    **{f"Numeric{name}": _number(test) for name, test in ORDERS.items()},
    **{f"Date{name}": _date(test) for name, test in ORDERS.items()},
}
NEGATIVE = frozenset({
    "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "ArnNotEquals", "ArnNotLike", "NumericNotEquals", "DateNotEquals",
    "NotIpAddress",
})  # fmt: skip
