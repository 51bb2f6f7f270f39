"""IAM's policy simulator: SimulatePrincipalPolicy of roles, SimulateCustomPolicy. SageMaker's SDK asks it what a role may before it deploys.

In: a request in the query protocol; out: a decision for each action and resource, by the policies and boundary of a role, or by those that
are given. Whatever else could have a say is refused. Sources: IAM's API reference; the IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from fogbank.cloud.enforcement.policy import Asked, verdict
from fogbank.cloud.enforcement.statements import PolicyError, statements
from fogbank.cloud.ground.wire import Answer, Request, error_answer, new_id
from fogbank.cloud.moto.identities import Identity, role

ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
OPERATIONS = frozenset({"SimulatePrincipalPolicy", "SimulateCustomPolicy"})
REFUSED = (
    "ResourcePolicy",
    "ResourceOwner",
    "ResourceHandlingOption",
    "PolicyExclusionList",
    "OrderedOrganizationPolicyInputList",
)
"""Members that would change what is decided, and are not evaluated here."""
MOST_ITEMS, LARGEST_PAGE = 100, 1000
BOUNDARIES = "PermissionsBoundaryPolicyInputList"
DOCUMENTS = ("PolicyInputList", BOUNDARIES)
Params = Mapping[str, Any]


class Simulations:
    """Answers them."""

    def takes(self, request: Request) -> bool:
        """Whether it is one of the two."""
        return request.service == "iam" and _operation(request) in OPERATIONS

    def handle(self, request: Request) -> Answer:
        """The decisions; NoSuchEntity for a role that is not there, InvalidInput for what is not simulated here."""
        from moto.core.parse import PROTOCOL_PARSERS
        from moto.core.serialize import get_serializer_class
        from moto.core.utils import get_service_model

        operation = get_service_model("iam").operation_model(_operation(request))
        values = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        asked: Any = {"values": values, "body": request.body}  # all that the parser looks at
        try:
            params: Params = PROTOCOL_PARSERS["query"](operation).parse(asked)
        except ValueError as error:
            return _invalid(request, f"A member's value is of another type: {error}.")
        if lacking := [member for member in operation.input_shape.required_members if member not in params]:
            return error_answer(
                request, 400, "ValidationError", f"1 validation error detected: {lacking[0]} must not be null"
            )
        if refused := [member for member in REFUSED if params.get(member)]:
            return _invalid(request, f"The local cloud does not simulate {refused[0]}; it is refused, not ignored.")
        if not 1 <= int(params.get("MaxItems", MOST_ITEMS)) <= LARGEST_PAGE:
            return _invalid(request, f"MaxItems must be from 1 to {LARGEST_PAGE}.")
        try:
            for text in (each for member in DOCUMENTS for each in params.get(member, ())):
                statements(text)
        except PolicyError as error:
            return _invalid(request, f"{text[:100]!r} is no policy: {error}.")
        arn: str = params.get("PolicySourceArn", "")
        if arn and ":role/" not in arn:
            return _invalid(request, f"The local cloud simulates policies of roles, and {arn} is none.")
        identity = role(arn) if arn else Identity(policies=(), trust="", boundary=None)
        if identity is None:
            return error_answer(
                request, 404, "NoSuchEntity", f"The role with name {arn.rpartition('/')[2]} cannot be found."
            )
        results, following = _page(decisions(params, identity), params)
        result = {
            "EvaluationResults": results,
            "IsTruncated": bool(following),
            **({"Marker": following} if following else {}),
        }
        written = get_serializer_class("iam", "query")(operation_model=operation).serialize(result)
        headers = {**written["headers"], "x-amzn-RequestId": new_id()}
        return Answer(status=written["status_code"], headers=headers, body=str(written["body"]).encode())


def decisions(params: Params, identity: Identity) -> list[dict[str, Any]]:
    """An EvaluationResult for each action on each resource; without any, on all of them."""
    policies = (*identity.policies, *params.get("PolicyInputList", ()))
    boundaries = params.get(BOUNDARIES) or ([identity.boundary] if identity.boundary else [])
    context = {
        str(entry.get("ContextKeyName", "")).lower(): [str(value) for value in entry.get("ContextKeyValues", ())]
        for entry in params.get("ContextEntries", ())
    }
    return [
        _decided(policies, boundaries, Asked(action=action, resource=resource, context=context))
        for action in params["ActionNames"]
        for resource in params.get("ResourceArns") or ["*"]
    ]


def _decided(policies: Sequence[str], boundaries: Sequence[str], asked: Asked) -> dict[str, Any]:
    own = verdict(policies, asked)
    bounds = verdict(boundaries, asked) if boundaries else "allow"
    decision = "explicitDeny" if "deny" in {own, bounds} else "allowed" if own == bounds == "allow" else "implicitDeny"
    within = (
        {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": bounds == "allow"}} if boundaries else {}
    )
    return {"EvalActionName": asked.action, "EvalResourceName": asked.resource, "EvalDecision": decision, **within}


def _page(results: list[dict[str, Any]], params: Params) -> tuple[list[dict[str, Any]], str]:
    marker = str(params.get("Marker") or "0")
    first = int(marker) if marker.isdecimal() else 0
    last = first + int(params.get("MaxItems", MOST_ITEMS))
    return results[first:last], str(last) if last < len(results) else ""


def _invalid(request: Request, message: str) -> Answer:
    return error_answer(request, 400, "InvalidInput", message)


def _operation(request: Request) -> str:
    match = ACTION.search(request.body)
    return match[1].decode() if match else ""
