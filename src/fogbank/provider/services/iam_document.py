"""aws:iam/getPolicyDocument: a policy's text out of its parts, as Terraform's aws_iam_policy_document writes it. Pure.

In: the function's arguments by pulumi-aws's names; out: its answer. Sources are merged first, then the statements, then the overrides;
a statement takes the place of an earlier one with its sid.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from fogbank.provider.resource import Properties, ProvisionError

VERSION = "2012-10-17"
LISTS = {"actions": "Action", "notActions": "NotAction", "resources": "Resource", "notResources": "NotResource"}
PRINCIPALS = {"principals": "Principal", "notPrincipals": "NotPrincipal"}
STATEMENT = frozenset({"sid", "effect", "conditions", *LISTS, *PRINCIPALS})
ARGUMENTS = frozenset({"statements", "version", "policyId", "sourcePolicyDocuments", "overridePolicyDocuments"})


def policy_document(arguments: Properties) -> Properties:
    """The text and its shortest form; the id is the text's checksum. Raises ProvisionError for what it does not have, by name."""
    refuse_unknown(arguments, ARGUMENTS, "")
    document = _merged(arguments.get("sourcePolicyDocuments") or [], {}, unique=True)
    own = [_statement(item, f"statements[{number}]") for number, item in enumerate(arguments.get("statements") or [])]
    _refuse_twice(own)
    head: Properties = {"Version": arguments.get("version") or document.get("Version") or VERSION}
    if identifier := arguments.get("policyId") or document.get("Id"):
        head["Id"] = identifier
    document = {**head, "Statement": _put(document.get("Statement", []), own)}
    document = _merged(arguments.get("overridePolicyDocuments") or [], document, unique=False)
    if not document["Statement"]:
        del document["Statement"]
    text = json.dumps(document, indent=2, ensure_ascii=False)
    short = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return {
        **arguments,
        "version": document["Version"],
        "id": str(zlib.crc32(text.encode())),
        "json": text,
        "minifiedJson": short,
    }


def refuse_unknown(given: Properties, known: frozenset[str], path: str) -> None:
    """Raises ProvisionError for a key that is not known, by its path."""
    for key in sorted(given.keys() - known):
        raise ProvisionError(f"{path}{key} is not implemented by the local cloud's stand-in for pulumi-aws")


def _merged(texts: list[str], document: Properties, *, unique: bool) -> Properties:
    """A document with others merged into it; each has its say over those before."""
    seen: list[Properties] = []
    for text in texts:
        try:
            other = json.loads(text) if text else {}
        except ValueError as error:
            raise ProvisionError(f"a policy document to merge is not JSON: {error}") from error
        statements = other.get("Statement", [])
        statements = statements if isinstance(statements, list) else [statements]
        seen += statements
        merged = _put(document.get("Statement", []), statements)
        document = {**document, **{key: other[key] for key in ("Version", "Id") if other.get(key)}, "Statement": merged}
    if unique:
        _refuse_twice(seen)
    return document


def _put(before: list[Properties], statements: list[Properties]) -> list[Properties]:
    result = list(before)
    for statement in statements:
        places = [
            place for place, item in enumerate(result) if statement.get("Sid") and item.get("Sid") == statement["Sid"]
        ]
        if places:
            result[places[0]] = statement
        else:
            result.append(statement)
    return result


def _refuse_twice(statements: list[Properties]) -> None:
    sids = [item["Sid"] for item in statements if item.get("Sid")]
    twice = sorted({sid for sid in sids if sids.count(sid) > 1})
    if twice:
        raise ProvisionError(f"duplicate Sid ({twice[0]}): sids of one document are different")


def _statement(item: Properties, path: str) -> Properties:
    """A statement as IAM has it."""
    refuse_unknown(item, STATEMENT, f"{path}.")
    statement: Properties = {"Sid": item["sid"]} if item.get("sid") else {}
    statement["Effect"] = item.get("effect") or "Allow"
    for key, member in LISTS.items():
        if item.get(key):
            statement[member] = _one_or_many(item[key])
    for key, member in PRINCIPALS.items():
        if item.get(key):
            statement[member] = _principals(item[key])
    for condition in item.get("conditions") or []:
        values = [_variables(value) for value in condition["values"]]
        tested = statement.setdefault("Condition", {}).setdefault(condition["test"], {})
        tested[_variables(condition["variable"])] = values[0] if len(values) == 1 else values
    return statement


def _principals(items: list[Properties]) -> Any:
    """By type; everybody is a star."""
    if any(item["type"] == "*" for item in items):
        return "*"
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(item["type"], []).extend(item["identifiers"])
    return {kind: _one_or_many(identifiers) for kind, identifiers in sorted(found.items())}


def _one_or_many(values: list[str]) -> Any:
    """One by itself; many in Terraform's order, which is the alphabet's backwards."""
    written = sorted({_variables(value) for value in values}, reverse=True)
    return written[0] if len(written) == 1 else written


def _variables(text: str) -> str:
    """IAM's variables, which Terraform writes `&{aws:username}`."""
    return text.replace("&{", "${")
