"""Which inference components live on which endpoint, and the room that their copies take on the instances of its variants.

In: records of components and of endpoints; out: whether there is room, and as many instances as copies need where those are managed.
A count is made and written under the components' lock and then the endpoints', as everywhere where both are held: so it is of all
components that there are then, and of what the endpoint serves then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.resource import Record, Resource
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.component import ComponentState
from fogbank.cloud.hosting.deployment import Deployment, EndpointState
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.placement import NO_ROOM, Need, Room

Component = Record[ComponentState]
Endpoint = Record[EndpointState]


class Housing:
    """The components of every endpoint; `records` holds them."""

    def __init__(self, records: Resource[ComponentState], endpoints: Endpoints) -> None:
        self._records, self._endpoints = records, endpoints

    def endpoint_of(self, record: Component) -> Endpoint | None:
        """The endpoint that hosts a component; None where it was deleted, also where another one has its name now, or it lost the variant."""
        endpoint = self._endpoints.find(record.region, record.public["EndpointName"])
        if endpoint is None or not lives_on(record, endpoint) or endpoint.public["EndpointStatus"] == "Deleting":
            return None
        live = endpoint.state.live
        if live is not None and all(item["VariantName"] != record.public["VariantName"] for item in live.variants):
            return None
        return endpoint

    def host(self, region: str, name: str, variant: str | None) -> tuple[Endpoint, Document]:
        """The endpoint and its variant that host a component. Raises ValidationException."""
        endpoint = self._endpoints.get(region, name)
        arn, live = endpoint.public["EndpointArn"], endpoint.state.live
        if endpoint.public["EndpointStatus"] not in {"InService", "Updating"} or live is None:
            raise validation(f'Cannot create an inference component on the endpoint "{arn}", which is not InService.')
        if not live.hosts_components:
            raise validation(
                "Inference Components are not supported in this Endpoint. Please make sure this endpoint can deploy inference "
                "components."
            )
        if variant is None:
            raise validation("A VariantName must be given.")
        coming = endpoint.state.pending
        if coming is not None and all(item["VariantName"] != variant for item in coming.variants):
            raise validation(
                f'The endpoint "{arn}" is being updated to a configuration without the variant "{variant}".'
            )
        return endpoint, item_of(endpoint, variant)

    def hosted(self, region: str, endpoint: str) -> list[Component]:
        """The components of an endpoint that take room on it."""
        return [
            record
            for record in self._records.all(region)
            if record.public["EndpointName"] == endpoint
            and record.public["InferenceComponentStatus"] not in {"Failed", "Deleting"}
            and self.endpoint_of(record) is not None
        ]

    def check(self, region: str, endpoint: str, deployment: Deployment) -> None:
        """Raises ValidationException for a deployment that has no room for the components that the endpoint hosts."""
        items = {item["VariantName"]: item for item in deployment.variants}
        hosted = self.hosted(region, endpoint)
        if lost := sorted({each.public["VariantName"] for each in hosted} - items.keys()):
            raise validation(
                f"The variant(s) [{', '.join(lost)}] host inference components: the endpoint must keep them."
            )
        for name, item in items.items():
            if Room.of(item, deployment.counts[name]).count_for(needs(hosted, name)) is None:
                raise validation(NO_ROOM)

    def widen(self, endpoint: Endpoint, variant: str) -> bool:
        """Let a variant have the instances that all copies on it need; False where it may not have so many."""
        with self._room(endpoint.region, endpoint.name, variant) as room:
            if room is None:
                return False
            count = room.count_for(needs(self.hosted(endpoint.region, endpoint.name), variant))
            if count is not None and count > room.count:
                self._endpoints.set_instances(endpoint.region, endpoint.name, variant, count)
            return count is not None

    def release(self, region: str, endpoint: str, variant: str) -> None:
        """Let a variant whose instances are managed have no more of them than its copies need."""
        with self._room(region, endpoint, variant) as room:
            if room is None:
                return
            count = room.fewest(needs(self.hosted(region, endpoint), variant))
            if count < room.count:
                self._endpoints.set_instances(region, endpoint, variant, count)

    @contextmanager
    def _room(self, region: str, endpoint: str, variant: str) -> Iterator[Room | None]:
        """What a variant that hosts components has, while nobody else makes a component or changes an endpoint."""
        with self._records.lock, self._endpoints.lock:
            record = self._endpoints.find(region, endpoint)
            live = record.state.live if record else None
            item = next((each for each in live.variants if each["VariantName"] == variant), None) if live else None
            if live is None or item is None or not live.hosts_components:
                yield None
            else:
                yield Room.of(item, live.counts[variant])


def needs(hosted: Sequence[Component], variant: str) -> list[Need]:
    """What the components of a variant need, the oldest first."""
    ordered = sorted(hosted, key=lambda each: (each.public["CreationTime"], each.name))
    of_variant = [each for each in ordered if each.public["VariantName"] == variant]
    return [each.state.placed.need for each in of_variant if each.state.placed is not None]


def lives_on(record: Component, endpoint: Endpoint) -> bool:
    """Whether it was made on that endpoint, and not on an earlier one of its name."""
    same = record.public["EndpointName"] == endpoint.name
    return same and bool(record.state.endpoint_made == endpoint.public["CreationTime"])


def item_of(endpoint: Endpoint, variant: str) -> Document:
    """A variant as the endpoint's configuration has it. Raises ValidationException."""
    live = endpoint.state.live
    found = next((item for item in live.variants if item["VariantName"] == variant), None) if live else None
    if found is None:
        raise validation(f'Could not find variant "{variant}" of the endpoint "{endpoint.public["EndpointArn"]}".')
    return found
