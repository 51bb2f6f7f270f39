"""What the carriers of a monitor are told: whose records, the baseline, when and where to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from fogbank.components.captured import Captured
from fogbank.components.failures import Failures
from fogbank.components.grants import granted
from fogbank.components.monitor_kinds import Kind
from fogbank.contracts.analysis import Asks


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A monitor to be. `files` are the objects of its baseline and configuration that there are, by what they are (`statistics`,
    `constraints`, `config`); `image` is None where the carrier knows its own; `reads` are prefixes of labels, and of a batch's records."""

    component: pulumi.Resource
    name: str
    public_name: str
    looks_at: Captured
    image: pulumi.Input[str] | None
    schedule: str
    window_s: int
    delay_s: int
    instance_type: str
    instance_count: int
    results: pulumi.Output[str]
    asks: pulumi.Output[Asks]
    kind: Kind
    files: Mapping[str, aws.s3.BucketObjectv2]
    reads: Sequence[str] = ()
    failures: Failures | None = None

    @property
    def child(self) -> pulumi.ResourceOptions:
        """Options of a resource of the component's."""
        return pulumi.ResourceOptions(parent=self.component)

    def granted(self, image: pulumi.Input[str] | None) -> list[pulumi.Resource]:
        """What the service's role may besides: the labels, and an image that is not the service's."""
        return granted(self.name, self.component, self.looks_at.service, reads=self.reads, image=image or "")

    def uris(self) -> dict[str, pulumi.Output[str]]:
        """The files' S3 URIs."""
        return {name: pulumi.Output.format("s3://{0}/{1}", item.bucket, item.key) for name, item in self.files.items()}
