"""Who may do what: a request of a role's is refused where IAM would refuse it. The cloud's user may do everything.

In: a request, and whose it is; out: nothing, or AccessDenied in AWS's words. Source: the IAM User Guide, "How enforcement code logic evaluates
requests" within one account; "Granting a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fogbank.cloud.enforcement.actions import actions, operation_of, passed_roles
from fogbank.cloud.enforcement.conditions import context_of
from fogbank.cloud.enforcement.ledger import USER, Call, Ledger
from fogbank.cloud.enforcement.policy import Asked, Context, Verdict, verdict
from fogbank.cloud.enforcement.signer import signing_key
from fogbank.cloud.enforcement.statements import PolicyError, statements
from fogbank.cloud.ground.acting import HEADER
from fogbank.cloud.ground.roles import Issued
from fogbank.cloud.ground.wire import Answer, Request, error_answer, speaks_json
from fogbank.cloud.moto.identities import Identity, of_resource, role
from fogbank.cloud.moto.internals import bucket
from fogbank.cloud.moto.sessions import session_policies
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
    """Who asks: their ARN, their session's, what they are called in the ledger, their policies, and those that bound the session. The user is
    `free` of any."""

    arn: str
    session: str
    principal: str
    identity: Identity | None
    bounds: Sequence[str] | None
    free: bool
    context: Context


class Guard:
    """Decides. `roles` finds whose an access key is, `now` is the cloud's time, `spelled` gives an ARN as what it names has it, where requests may
    spell it otherwise; `needs` is what a request asks of other services; `ledger` is where it is recorded, and what is tried."""

    def __init__(
        self,
        roles: Callable[[str], Issued | None],
        now: Callable[[], datetime],
        spelled: Callable[[str], str] = str,
        *needs: Needs,
    ) -> None:
        self._roles, self._now, self._spelled, self._needs = roles, now, spelled, needs
        self.ledger = Ledger()

    def refusal(self, request: Request) -> Answer | None:
        """Why a request is not answered; None where it may be."""
        if request.path.startswith("/_fogbank/"):
            return None
        asking = self._caller(request)
        if asking is not None:
            if denied := self._denied(request, asking):
                return error_answer(request, 403, _code(request), denied)
            if lacking := self._lacking(request, asking):
                return error_answer(request, 400, "ValidationException", lacking)
        return self._untrusted(request) or _malformed(request)

    def hidden(self, request: Request, answer: Answer) -> Answer:
        """An answer as somebody gets it who may not know that a key is not there: S3 says 404 to whoever may list the bucket by that prefix.
        What else is not found, an upload or a setting of the object's, is said.

        Source: the S3 API reference, GetObject's "Permissions"; that the key counts as the prefix, as others found (ceph/ceph#68577, kopia/kopia#3072).
        """
        if answer.status != 404 or request.service not in {"s3", ""} or not _tells_of_no_key(request, answer):
            return answer
        name, _, key = request.plain_path[1:].partition("/")
        caller = self._caller(request)
        if caller is None or not key or bucket(name) is None:
            return answer
        asking = replace(caller, context={**caller.context, "s3:prefix": [key]})
        why = self._why_not(asking, "s3:ListBucket", f"arn:aws:s3:::{name}")
        if why is None:
            return answer
        words = (
            f"User: {caller.session} is not authorized to perform: s3:ListBucket on resource: arn:aws:s3:::{name} {why}"
        )
        return error_answer(request, 403, "AccessDenied", words)

    def _caller(self, request: Request) -> _Caller | None:
        """A role, or the user (no ARN), who may do everything unless a policy of theirs is tried; None for the cloud itself."""
        key, said = signing_key(request), request.headers.get(HEADER)
        issued = self._roles(key) if key else None
        role_arn, session = (issued.role, issued.session) if issued else (said or "", "fogbank")
        if not role_arn and said is not None:
            return None
        principal = role_arn.rpartition("/")[2] or USER
        tried = self.ledger.tried(principal)
        arn = role_arn or YOU
        return _Caller(
            arn=arn,
            session=f"arn:aws:sts::{LOCAL_ACCOUNT}:assumed-role/{principal}/{session}" if role_arn else YOU,
            principal=principal,
            identity=Identity(policies=(tried,), trust="", boundary=None) if tried is not None else role(role_arn),
            bounds=issued.policies if issued else None,
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
        wanted = [(action, resource and self._spelled(resource), "") for action, resource in actions(request)]
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
        why = (
            None if caller.free or action in ALWAYS else _why_not(caller.identity, asked, caller.session, caller.bounds)
        )
        prefix = "".join(context.get("s3:prefix", ())) if action.startswith("s3:ListBucket") else ""
        said = Call(principal=caller.principal, action=action, resource=resource, passed_to=passed_to, prefix=prefix)
        self.ledger.note(replace(said, denied=bool(why)))
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
        why = _why_not(role(issued.role), asked, who, issued.policies)
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


def _malformed(request: Request) -> Answer | None:
    """A session's policy that is none."""
    for document in (session_policies(request) if request.service == "sts" else None) or ():
        try:
            statements(document)
        except PolicyError as error:
            return error_answer(
                request, 400, "MalformedPolicyDocument", f"The policy is not in the valid JSON format: {error}"
            )
    return None


def _why_not(identity: Identity | None, asked: Asked, session: str, bounds: Sequence[str] | None = None) -> str | None:
    """Why IAM refuses, as it says it; None where it does not. What a resource lets the session itself do, the session's policies (`bounds`) do not
    bound (IAM User Guide, "Session policies")."""
    own: Verdict = verdict(identity.policies, asked) if identity else "silent"
    theirs: Verdict = verdict(of_resource(asked.resource), asked, resource_based=True) if asked.resource else "silent"
    if own == "deny":
        return "with an explicit deny in an identity-based policy"
    if theirs == "deny":
        return "with an explicit deny in a resource-based policy"
    if own != "allow" and theirs != "allow":
        return f"because no identity-based policy allows the {asked.action} action"
    if bounds is not None and (why := _out_of_bounds(asked, session, bounds)):
        return why
    if own == "allow" and identity and identity.boundary and verdict([identity.boundary], asked) != "allow":
        return f"because no permissions boundary allows the {asked.action} action"
    return None


def _out_of_bounds(asked: Asked, session: str, bounds: Sequence[str]) -> str | None:
    """Why a session may not what its role may."""
    bound = verdict(bounds, asked)
    if bound == "deny":
        return "with an explicit deny in a session policy"
    own = replace(asked, principals=frozenset({session}))
    if bound == "allow" or (
        asked.resource and verdict(of_resource(asked.resource), own, resource_based=True) == "allow"
    ):
        return None
    return f"because no session policy allows the {asked.action} action"


def _principals(caller: str, who: str) -> frozenset[str]:
    return frozenset({"*", caller, who})


def _code(request: Request) -> str:
    return (
        "AccessDeniedException" if "x-amz-target" in request.headers or speaks_json(request.service) else "AccessDenied"
    )


def _tells_of_no_key(request: Request, answer: Answer) -> bool:
    """An answer to HEAD has no body to say what is not found: it is the key."""
    return request.method == "HEAD" or (request.method == "GET" and b"<Code>NoSuchKey</Code>" in answer.body)
