"""The stack of the account suite: the reference program's resources under names of their own, whose schedules never come due.

In: a package and names; out: a Pulumi program. `environment` and `program` are what the scenes change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fogbank.contracts.manifest import Manifest

NEVER = "at(2099-01-01T00:00:00)"
INSTANCE = "ml.m5.large"


@dataclass(frozen=True, kw_only=True)
class SuiteStack:
    """One state of the stack. `image` is one that is there; without it, one is built for `platform` and pushed to `repository`."""

    prefix: str
    package: Manifest
    image: str
    repository: str
    platform: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return f"{self.prefix}-live"

    @property
    def nightly(self) -> str:
        """The batch schedule's name."""
        return f"{self.prefix}-nightly"

    @property
    def quality(self) -> str:
        """The monitor's name."""
        return f"{self.prefix}-quality"

    def program(self) -> Callable[[], None]:
        """The program that declares it."""

        def declare() -> None:
            import pulumi

            from fogbank.components import (
                BatchTransform,
                DataCapture,
                Endpoint,
                Image,
                ModelService,
                MonitoringSchedule,
            )

            image = (
                self.image
                or Image("image", package=self.package, repository=self.repository, platform=self.platform).uri
            )
            service = ModelService(
                self.prefix, package=self.package, image=image, environment=self.environment, force_destroy=True
            )
            live = Endpoint(
                "live", service=service, endpoint_name=self.endpoint, instance_type=INSTANCE, capture=DataCapture()
            )
            BatchTransform(
                "nightly", service=service, schedule=NEVER, schedule_name=self.nightly, instance_type=INSTANCE
            )
            MonitoringSchedule(
                "quality",
                endpoint=live,
                schedule=NEVER,
                schedule_name=self.quality,
                window_hours=1,
                instance_type=INSTANCE,
            )
            pulumi.export("config", live.config_name)
            pulumi.export("bucket", service.bucket)

        return declare
