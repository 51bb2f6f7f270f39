"""A resource's life, as the stand-in's suite lives it, and the policies that such lives take."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
WIDER = POLICY.replace("s3:GetObject", "s3:*")
WIDER_OTHERWISE = json.dumps(
    {"Statement": {"Resource": ["*"], "Action": ["s3:*"], "Effect": "Allow"}, "Version": "2012-10-17"}
)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What happens to a resource: `same` says the same in other words, `by_hand` is a call (service, method, arguments) beside Pulumi, about `{id}`,
    `leaves` are the inputs that it has after its end, where AWS has no way to take it back."""

    same: dict[str, Any] = field(default_factory=dict)
    by_hand: tuple[str, str, dict[str, Any]] | None = None
    leaves: dict[str, Any] | None = None


@dataclass(frozen=True)
class Life(Changes):
    """A resource's life: its inputs, changes that an update makes, and the id that imports it, made of its inputs, where that is not
    its own."""

    token: str
    inputs: dict[str, Any]
    change: dict[str, Any] = field(default_factory=dict)
    import_id: str | None = None
