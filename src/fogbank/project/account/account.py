"""The account of a stack on AWS, as its file says: region, profile and endpoints, and boto3 clients of it.

In: a stack's document; out: unmodified boto3. A shell that is still the local cloud's is refused: its calls would not reach AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fogbank.contracts.errors import AwsError, ProjectError
from fogbank.ground.aws import account_client
from fogbank.ground.ports import is_loopback

MakeClient = Callable[[str, str, str, str], Any]
"""A boto3 client of a service, a region, a profile and an endpoint's URL; those that are empty are boto3's own to find."""
PULUMIS = {"sagemaker-runtime": "sagemakerruntime", "logs": "cloudwatchlogs"}
"""Services by pulumi-aws's names in `aws:endpoints`, where these are not boto3's."""


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """How a stack reaches AWS."""

    region: str = ""
    profile: str = ""
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any], endpoints: Mapping[str, str]) -> AccountSettings:
        """From a stack's configuration."""
        region, profile = (config.get(key) for key in ("aws:region", "aws:profile"))
        return cls(region=_text(region), profile=_text(profile), endpoints=endpoints)


class AccountClients:
    """Clients of an account, each made once."""

    def __init__(self, settings: AccountSettings, make: MakeClient = account_client) -> None:
        self._settings, self._make = settings, make
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """A client. Raises AwsError (`account-unreachable`)."""
        if service not in self._made:
            from botocore.exceptions import BotoCoreError

            where, url = self._settings, self._settings.endpoints.get(PULUMIS.get(service, service), "")
            try:
                self._made[service] = self._make(service, where.region, where.profile, url)
            except BotoCoreError as error:
                raise AwsError(
                    "account-unreachable",
                    f"{service} cannot be asked: {error}",
                    "set aws:region and aws:profile of the stack, or AWS_PROFILE",
                ) from error
        return self._made[service]


def refuse_local_shell(environ: Mapping[str, str], stack: str) -> None:
    """Raises ProjectError (`shell-is-local`) where the shell's own variables send every call to this machine."""
    url = environ.get("AWS_ENDPOINT_URL", "")
    if is_loopback(url):
        raise ProjectError(
            "shell-is-local",
            f"the stack {stack} is on AWS, and AWS_ENDPOINT_URL of this shell is {url}",
            f'`eval "$(fogbank env -s {stack})"`, then again',
        )


def _text(value: Any) -> str:
    """A plain setting; a secret or what is not there is none."""
    return value if isinstance(value, str) else ""
