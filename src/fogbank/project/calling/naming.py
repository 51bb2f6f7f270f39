"""What there is, told where a name is wrong; and the names that a shell completes.

In: clients of a stack's account or of the local cloud; out: names of endpoints and schedules, and the next step of an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.contracts.analysis import CREATE_PROCESSING_JOB
from fogbank.contracts.errors import AwsError
from fogbank.contracts.scheduler import starts
from fogbank.contracts.transform import CREATE_TRANSFORM_JOB
from fogbank.project.calling.clients import Clients

Kind = Literal["endpoint", "batch schedule", "monitoring schedule"]
NOT_FOUND = frozenset({"ValidationError", "ResourceNotFound", "ResourceNotFoundException"})


@contextmanager
def told(clients: Clients, kind: Kind, name: str, prefix: str) -> Iterator[None]:
    """Says what there is where nothing has that name. Raises AwsError with a hint of its own."""
    try:
        yield
    except AwsError as error:
        if error.code not in NOT_FOUND:
            raise
        names = list(known(clients, kind))
        if name in names:
            raise
        raise AwsError(error.code, error.cause, hint(kind, name, names, prefix)) from error


def hint(kind: Kind, name: str, names: Sequence[str], prefix: str) -> str:
    """The next step for a name that is none. Pure.

    >>> hint("endpoint", "churn-liv", ["churn-live", "churn-canary"], "churn")
    "did you mean 'live'? There is live, canary"
    >>> hint("endpoint", "churn-live", [], "churn")
    'there is no endpoint yet: run `fogbank up`'
    """
    if not names:
        declared = "" if kind == "endpoint" else ", once infra/ declares one (docs/03-declare.md)"
        return f"there is no {kind} yet: run `fogbank up`{declared}"
    near = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {_short(near[0], prefix)!r}? " if near else ""
    return f"{guess}{'There' if guess else 'there'} is {', '.join(_short(item, prefix) for item in names)}"


def known(clients: Clients, kind: Kind) -> Iterator[str]:
    """The full names of what there is of a kind; none where that cannot be asked."""
    try:
        yield from NAMES[kind](clients)
    except (ClientError, BotoCoreError):
        return


def short_names(clients: Clients, kind: Kind, prefix: str) -> list[str]:
    """The names as a user says them."""
    return [_short(name, prefix) for name in known(clients, kind)]


def _short(name: str, prefix: str) -> str:
    return name.removeprefix(f"{prefix}-")


def _endpoints(clients: Clients) -> Iterator[str]:
    for page in clients("sagemaker").get_paginator("list_endpoints").paginate():
        yield from (item["EndpointName"] for item in page["Endpoints"])


def _schedules(clients: Clients, call: str) -> Iterator[str]:
    for page in clients("scheduler").get_paginator("list_schedules").paginate():
        yield from (item["Name"] for item in page["Schedules"] if starts(item["Target"]["Arn"], call))


def _monitors(clients: Clients) -> Iterator[str]:
    yield from _schedules(clients, CREATE_PROCESSING_JOB)
    for page in clients("sagemaker").get_paginator("list_monitoring_schedules").paginate():
        yield from (item["MonitoringScheduleName"] for item in page["MonitoringScheduleSummaries"])


NAMES: Mapping[Kind, Callable[[Clients], Iterator[str]]] = {
    "endpoint": _endpoints,
    "batch schedule": lambda clients: _schedules(clients, CREATE_TRANSFORM_JOB),
    "monitoring schedule": _monitors,
}
