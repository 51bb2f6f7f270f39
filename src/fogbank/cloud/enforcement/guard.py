"""Who may do what: a request of a role's is refused where IAM would refuse it. The cloud's user may do everything.

In: a request, and whose it is; out: nothing, or AccessDenied in AWS's words. Source: the IAM User Guide, "How enforcement code logic evaluates
requests" within one account; "Granting a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fogbank.cloud.enforcement.actions import actions, operation_of, passed_roles
from fogbank.cloud.enforcement.conditions import context_of
from fogbank.cloud.enforcement.ledger import USER, Call, Ledger
from fogbank.cloud.enforcement.policy import Asked, Context, Verdict, verdict
from fogbank.cloud.ground.acting import HEADER
from fogbank.cloud.ground.roles import Issued
from fogbank.cloud.ground.wire import Answer, Request, error_answer, speaks_json
from fogbank.cloud.moto.identities import Identity, of_resource, role
from fogbank.ground.aws import LOCAL_ACCOUNT

TRUSTED = {
    "sagemaker": (
        "sagemaker.amazonaws.com", "ValidationException",
        "Could not assume role {role}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.",
    ),
    "scheduler": (
        "scheduler.amazonaws.com", "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    ),
    "lambda": (
        "lambda.amazonaws.com", "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
}  # fmt: skip
"""Services that look at a role when they are given it: their principal, and how they refuse it."""
SENDS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}
"""What EventBridge does to targets whose own policy must let it."""
YOU = f"arn:aws:iam::{LOCAL_ACCOUNT}:user/fogbank-local"
ALWAYS = frozenset({"sts:GetCallerIdentity"})
"""Actions that nobody needs a permission for."""


class Guard:
    """Decides. `roles` finds whose an access key is, `now` is the cloud's time; `ledger` is where it is recorded, and what is tried."""

    def __init__(self, roles: Callable[[str], Issued | None], now: Callable[[], datetime]) -> None:
        self._roles, self._now = roles, now
        self.ledger = Ledger()

    def refusal(self, request: Request) -> Answer | None:
        """Why a request is not answered; None where it may be."""
        if request.path.startswith("/_fogbank/"):
            return None
        issued = self._roles(request.access_key) if request.access_key else None
        said = request.headers.get(HEADER)
        caller, session = (issued.role, issued.session) if issued else (said or "", "fogbank")
        if (caller or said is None) and (denied := self._denied(request, caller, session)):
            return error_answer(request, 403, _code(request), denied)
        return self._untrusted(request)

    def _denied(self, request: Request, caller: str, session: str) -> str | None:
        """Why a role, or the user (no `caller`), may not; the user may do everything unless a policy of theirs is tried."""
        who = f"arn:aws:sts::{LOCAL_ACCOUNT}:assumed-role/{caller.rpartition('/')[2]}/{session}" if caller else YOU
        principal = caller.rpartition("/")[2] or USER
        tried = self.ledger.tried(principal)
        identity = Identity(policies=(tried,), trust="", boundary=None) if tried is not None else role(caller)
        free = tried is None and not caller
        context: Context = {
            "aws:principalarn": [caller or YOU],
            "aws:principalaccount": [LOCAL_ACCOUNT],
            "aws:requestedregion": [request.region],
            "aws:sourceip": ["127.0.0.1"],
            "aws:securetransport": ["true"],
            **context_of(request, self._now()),
        }
        service = TRUSTED.get(request.service, (f"{request.service}.amazonaws.com",))[0]
        wanted = [(action, resource, "") for action, resource in actions(request)]
        wanted += [("iam:PassRole", passed, service) for passed in passed_roles(request)]
        for action, resource, passed_to in wanted:
            passing = {**context, "iam:passedtoservice": [passed_to]} if passed_to else context
            asked = Asked(action=action, resource=resource, principals=_principals(caller or YOU, who), context=passing)
            why = None if free or action in ALWAYS else _why_not(identity, asked)
            self.ledger.note(
                Call(principal=principal, action=action, resource=resource, passed_to=passed_to, denied=bool(why))
            )
            if why:
                on = f" on resource: {resource}" if resource else ""
                return f"User: {who} is not authorized to perform: {action}{on} {why}"
        return None

    @staticmethod
    def may(issued: Issued, action: str, resource: str) -> str | None:
        """Why a role may not do an action to a resource; None where it may."""
        who = f"arn:aws:sts::{LOCAL_ACCOUNT}:assumed-role/{issued.role.rpartition('/')[2]}/{issued.session}"
        context: Context = {
            "aws:principalarn": [issued.role],
            "aws:principalaccount": [LOCAL_ACCOUNT],
            "lambda:functionurlauthtype": ["AWS_IAM"],
            "lambda:invokedviafunctionurl": ["true"],
        }
        asked = Asked(action=action, resource=resource, principals=_principals(issued.role, who), context=context)
        why = _why_not(role(issued.role), asked)
        return why and f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}"

    @staticmethod
    def _untrusted(request: Request) -> Answer | None:
        """A role that is given to a service must be there, and let the service assume it."""
        if request.service not in TRUSTED or not operation_of(request)[0].startswith(("Create", "Update")):
            return None
        principal, code, words = TRUSTED[request.service]
        for given in passed_roles(request):
            if not trusts(given, principal):
                return error_answer(request, 400, code, words.format(role=given))
        return None


def trusts(arn: str, principal: str) -> bool:
    """Whether a role is there and lets a service assume it, which does so for this account ("The confused deputy problem")."""
    identity = role(arn)
    if identity is None:
        return False
    context: Context = {"aws:sourceaccount": [LOCAL_ACCOUNT]}
    asked = Asked(action="sts:AssumeRole", resource=None, principals=frozenset({principal}), context=context)
    return verdict([identity.trust], asked, resource_based=True) == "allow"


def service_may(arn: str, rule: str) -> bool:
    """Whether a queue's, topic's or function's own policy lets EventBridge send to it for a rule; a log group's is not looked at."""
    action = SENDS.get(arn.split(":")[2])
    if action is None:
        return True
    context: Context = {"aws:sourcearn": [rule], "aws:sourceaccount": [LOCAL_ACCOUNT]}
    asked = Asked(action=action, resource=arn, principals=frozenset({"*", "events.amazonaws.com"}), context=context)
    return verdict(of_resource(arn), asked, resource_based=True) == "allow"


def _why_not(identity: Identity | None, asked: Asked) -> str | None:
    """Why IAM refuses, as it says it; None where it does not."""
    own: Verdict = verdict(identity.policies, asked) if identity else "silent"
    theirs: Verdict = verdict(of_resource(asked.resource), asked, resource_based=True) if asked.resource else "silent"
    if own == "deny":
        return "with an explicit deny in an identity-based policy"
    if theirs == "deny":
        return "with an explicit deny in a resource-based policy"
    if own != "allow" and theirs != "allow":
        return f"because no identity-based policy allows the {asked.action} action"
    if own == "allow" and identity and identity.boundary and verdict([identity.boundary], asked) != "allow":
        return f"because no permissions boundary allows the {asked.action} action"
    return None


def _principals(caller: str, who: str) -> frozenset[str]:
    return frozenset({"*", caller, who})


def _code(request: Request) -> str:
    return (
        "AccessDeniedException" if "x-amz-target" in request.headers or speaks_json(request.service) else "AccessDenied"
    )
