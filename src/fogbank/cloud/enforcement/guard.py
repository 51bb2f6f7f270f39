"""Who may do what: a request of a role's is refused where IAM would refuse it. The cloud's user may do everything.

In: a request, and whose it is; out: nothing, or AccessDenied in AWS's words. Source: the IAM User Guide, "How enforcement code logic evaluates
requests" within one account; "Granting a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
GIVE_ROLES = ("Create", "Update", "StartPipelineExecution")
"""How the operations begin that give a service a role."""
YOU = f"arn:aws:iam::{LOCAL_ACCOUNT}:user/fogbank-local"
ALWAYS = frozenset({"sts:GetCallerIdentity"})
"""Actions that nobody needs a permission for."""


Needs = Callable[[Request], Iterator[tuple[str, str, str]]]
"""What a request asks besides its own action, for what is there: action, resource, and what AWS says where it is `{missing}`."""


@dataclass(frozen=True, kw_only=True)
class _Caller:
    """Who asks: their ARN, their session's, what they are called in the ledger, and their policies. The user is `free` of any."""

    arn: str
    session: str
    principal: str
    identity: Identity | None
    free: bool
    context: Context


class Guard:
    """Decides. `roles` finds whose an access key is, `now` is the cloud's time, `needs` what a request asks of other services; `ledger` is
    where it is recorded, and what is tried."""

    def __init__(self, roles: Callable[[str], Issued | None], now: Callable[[], datetime], *needs: Needs) -> None:
        self._roles, self._now, self._needs = roles, now, needs
        self.ledger = Ledger()

    def refusal(self, request: Request) -> Answer | None:
        """Why a request is not answered; None where it may be."""
        if request.path.startswith("/_fogbank/"):
            return None
        issued = self._roles(request.access_key) if request.access_key else None
        said = request.headers.get(HEADER)
        caller, session = (issued.role, issued.session) if issued else (said or "", "fogbank")
        if caller or said is None:
            asking = self._caller(request, caller, session)
            if denied := self._denied(request, asking):
                return error_answer(request, 403, _code(request), denied)
            if lacking := self._lacking(request, asking):
                return error_answer(request, 400, "ValidationException", lacking)
        return self._untrusted(request)

    def _caller(self, request: Request, role_arn: str, session: str) -> _Caller:
        """A role, or the user (no ARN), who may do everything unless a policy of theirs is tried."""
        principal = role_arn.rpartition("/")[2] or USER
        tried = self.ledger.tried(principal)
        arn = role_arn or YOU
        return _Caller(
            arn=arn,
            session=f"arn:aws:sts::{LOCAL_ACCOUNT}:assumed-role/{principal}/{session}" if role_arn else YOU,
            principal=principal,
            identity=Identity(policies=(tried,), trust="", boundary=None) if tried is not None else role(role_arn),
            free=tried is None and not role_arn,
            context={
                "aws:principalarn": [arn],
                "aws:principalaccount": [LOCAL_ACCOUNT],
                "aws:requestedregion": [request.region],
                "aws:sourceip": ["127.0.0.1"],
                "aws:securetransport": ["true"],
                **context_of(request, self._now()),
            },
        )

    def _denied(self, request: Request, caller: _Caller) -> str | None:
        """Why somebody may not."""
        service = TRUSTED.get(request.service, (f"{request.service}.amazonaws.com",))[0]
        wanted = [(action, resource, "") for action, resource in actions(request)]
        wanted += [("iam:PassRole", passed, service) for passed in passed_roles(request)]
        for action, resource, passed_to in wanted:
            if why := self._why_not(caller, action, resource, passed_to):
                on = f" on resource: {resource}" if resource else ""
                return f"User: {caller.session} is not authorized to perform: {action}{on} {why}"
        return None

    def _lacking(self, request: Request, caller: _Caller) -> str | None:
        """Why somebody may not whom a service asks for more than the call's own action, as the service says it."""
        missing: dict[str, list[str]] = {}
        for action, resource, words in (each for needs in self._needs for each in needs(request)):
            if self._why_not(caller, action, resource):
                missing.setdefault(words, []).append(action)
        return next((words.format(missing=", ".join(each)) for words, each in missing.items()), None)

    def _why_not(self, caller: _Caller, action: str, resource: str | None, passed_to: str = "") -> str | None:
        """Why IAM refuses, and a note of what was asked."""
        context = {**caller.context, "iam:passedtoservice": [passed_to]} if passed_to else caller.context
        principals = _principals(caller.arn, caller.session)
        asked = Asked(action=action, resource=resource, principals=principals, context=context)
        why = None if caller.free or action in ALWAYS else _why_not(caller.identity, asked)
        said = Call(principal=caller.principal, action=action, resource=resource, passed_to=passed_to, denied=bool(why))
        self.ledger.note(said)
        return why

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
        if request.service not in TRUSTED or not operation_of(request)[0].startswith(GIVE_ROLES):
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
