"""Names in an account: of what project and stack they are, and how long and of which letters AWS lets them be. Pure.

In: a project, a stack, the name of a role in it (`live`); out: a name that no other stack of the account has. Sources: botocore's models
(SageMaker's EndpointName, ModelName, TransformJobName; Scheduler's ScheduleName).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fogbank.ground.digest import sha256_bytes
from fogbank.ground.ports import is_loopback

SAGEMAKER = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
LONGEST = 63
OWN_LETTERS = 8
"""A hyphen and the seven letters that Pulumi puts after a name of its own."""
PREFIX = 46
"""What is left of 63 characters for project and stack beside a name such as `-nightly`, with room for longer ones."""
MARK = 6
EXECUTION = 36
"""The characters of an execution's id of EventBridge Scheduler, and of a UUID."""
LOCAL = "local"
CREDENTIALS = frozenset(
    {
        "aws:accessKey",
        "aws:secretKey",
        "aws:token",
        "aws:assumeRole",
        "aws:assumeRoles",
        "aws:assumeRoleWithWebIdentity",
    }
)
OWN_CREDENTIALS = (
    "fogbank's own resources and verbs would ask another account: put the role into a profile (`role_arn` in ~/.aws/config) and name it in "
    "aws:profile, or give keys in the environment"
)


def is_local_stack(stack: str, endpoints: Sequence[str]) -> bool:
    """Whether a stack is a local cloud's: each endpoint that it sets is on this machine; where it sets none, its name says it.

    >>> is_local_stack("dev", ["http://127.0.0.1:4566"]), is_local_stack("local", ["https://vpce-1.s3.amazonaws.com"])
    (True, False)
    """
    return all(is_loopback(url) for url in endpoints) if endpoints else stack == LOCAL


def unreached(keys: Iterable[str]) -> list[str]:
    """The configuration keys that give pulumi-aws credentials which nothing but pulumi-aws would use. Pure.

    >>> unreached(["aws:region", "aws:assumeRole", "aws:accessKey"])
    ['aws:accessKey', 'aws:assumeRole']
    """
    return sorted(CREDENTIALS & set(keys))


def stack_prefix(project: str, stack: str, *, local: bool) -> str:
    """What the names of a stack's resources begin with: the project, and, in an account that others share, the stack.

    >>> stack_prefix("churn", "local", local=True), stack_prefix("churn", "prod", local=False)
    ('churn', 'churn-prod')
    """
    return project if local else shortened(f"{project}-{stack}", PREFIX)


def shortened(text: str, longest: int) -> str:
    """The text as a name of at most so many characters; what had to be changed gets a mark of what it was, so that two stay two.

    In lower case: CreateEndpoint takes names that differ in case alone for the same.

    >>> shortened("churn-feature/new_model", 46)
    'churn-feature-new-model-0505c5'
    """
    name = re.sub(r"[^a-zA-Z0-9]+", "-", text.lower()).strip("-")
    if name == text and len(name) <= longest:
        return name
    return f"{name[: longest - MARK - 1].rstrip('-')}-{sha256_bytes(text.encode())[:MARK]}"


def job_prefix(schedule: str) -> str:
    """What the names of a schedule's jobs begin with, and of no other's: rules of EventBridge and statements of IAM know them by it, and an
    execution's id, or a UUID, comes after it.

    The mark is of the whole name: of two long ones the beginnings may be the same, and `churn-` begins those of `churn-nightly` too.

    >>> job_prefix("churn-nightly"), len(job_prefix("customer-churn-production-nightly"))
    ('churn-nightly-6c84f3-', 27)
    """
    longest = LONGEST - EXECUTION - MARK - 2
    return f"{schedule[:longest].rstrip('-').lower()}-{sha256_bytes(schedule.encode())[:MARK]}-"


def base_name(text: str) -> str:
    """What Pulumi's own name of a resource begins with: as much as leaves room for its letters in SageMaker's 63.

    >>> base_name("churn-prod-live"), len(base_name("x" * 63))
    ('churn-prod-live', 55)
    """
    return text[: LONGEST - OWN_LETTERS].rstrip("-")


def check_name(argument: str, name: str) -> str:
    """The name, if SageMaker takes it. Raises ValueError."""
    if len(name) > LONGEST or not SAGEMAKER.fullmatch(name):
        raise ValueError(
            f"{argument} must be 1 to {LONGEST} letters, digits and hyphens that begin and end with a letter or digit, not {name!r}"
        )
    return name
