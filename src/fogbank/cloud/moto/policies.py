"""AWS's own IAM policies, put into moto's backends where and when somebody looks at them.

moto can load them itself, but then into every partition of every account at the first request of any service: seconds, and seven times
the memory. In: a region; out: its partition of every account has them, with the same identifiers each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from moto.moto_api._internal import mock_random
from moto.utilities.utils import get_partition

from fogbank.cloud.ground.wire import Request
from fogbank.ground.aws import LOCAL_ACCOUNT

SERVICES = frozenset({"iam", "cloudformation"})
"""The services by which a policy can be read or attached."""
SEED = 1


def wanting(request: Request) -> bool:
    """Whether the request may look at policies that are not there yet."""
    looks = request.service in SERVICES or (request.service == "sts" and b"PolicyArns" in request.body)
    return looks and any(not backend.aws_managed_policies for backend in _backends(request.region))


def provide(region: str) -> None:
    """Put them there. It changes moto's random numbers, so it is a write."""
    from moto.iam.models import AWSManagedPolicy

    for backend in _backends(region):
        if backend.aws_managed_policies:
            continue
        mock_random.seed(SEED)
        make: Any = AWSManagedPolicy  # its abstract members are CloudFormation's, which makes none of these
        place = {"account_id": backend.account_id, "region": backend.region_name}
        backend.aws_managed_policies = [make(name, **place, **members) for name, members in _documents()]
        backend.managed_policies = {
            **{policy.arn: policy for policy in backend.aws_managed_policies},
            **backend.managed_policies,
        }


def _backends(region: str) -> Iterator[Any]:
    from moto.iam.models import iam_backends

    partition = get_partition(region)
    for account in dict.fromkeys([LOCAL_ACCOUNT, *iam_backends]):
        yield iam_backends[account][partition]


@lru_cache(maxsize=1)
def _documents() -> list[tuple[str, dict[str, Any]]]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return [
        (
            name,
            {
                "default_version_id": data.get("DefaultVersionId"),
                "path": data.get("Path"),
                "document": json.dumps(data.get("Document")),
                "create_date": datetime.fromisoformat(data["CreateDate"]),
                "update_date": datetime.fromisoformat(data["UpdateDate"]),
            },
        )
        for name, data in json.loads(aws_managed_policies_data).items()
    ]
