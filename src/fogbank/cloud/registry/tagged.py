"""GetResources of the Resource Groups Tagging API: moto's resources, and the cloud's own, by their tags.

In: a request; out: one page of all that has tags. Source: the Resource Groups Tagging API reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fogbank.cloud.api.resource import Resource
from fogbank.cloud.ground.payload import Payload
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer

TARGET = "ResourceGroupsTaggingAPI_20170126.GetResources"
PAGE = 100
Mapped = dict[str, Any]
Others = Callable[[str], Iterable[tuple[str, str, Sequence[Mapping[str, str]]]]]


class Tagged:
    """The door of that call; `moto` answers a request. `others` give (type, ARN, tags) of what of a region else has tags."""

    def __init__(
        self,
        moto: Callable[[Request], Answer],
        resources: Sequence[Resource[Any]],
        others: Sequence[Others] = (),
    ) -> None:
        self._moto, self._resources, self._others = moto, resources, others

    def takes(self, request: Request) -> bool:
        """Whether it is that call."""
        return request.headers.get("x-amz-target") == TARGET

    def handle(self, request: Request) -> Answer:
        """A page of moto's and the cloud's own; what moto refuses is refused."""
        try:
            asked = json.loads(request.body or b"{}")
            start = int(asked.pop("PaginationToken", "") or 0)
        except (ValueError, TypeError, AttributeError):
            return error_answer(request, 400, "PaginationTokenExpiredException", "Invalid PaginationToken.")
        size = asked.pop("ResourcesPerPage", PAGE)
        if not isinstance(size, int) or not 1 <= size <= PAGE:
            why = f"ResourcesPerPage must be between 1 and {PAGE}"
            return error_answer(request, 400, "InvalidParameterException", why)
        found, token = list(self._own(request.region, asked)), ""
        while True:
            body = json.dumps({**asked, **({"PaginationToken": token} if token else {})}).encode()
            answer = self._moto(replace(request, payload=Payload.of(body)))
            if answer.status != 200:
                return answer
            page = json.loads(answer.body)
            found += page["ResourceTagMappingList"]
            token = page.get("PaginationToken") or ""
            if not token:
                break
        end = start + size
        return json_answer({
            "ResourceTagMappingList": found[start:end],
            "PaginationToken": str(end) if end < len(found) else "",
        })  # fmt: skip

    def _own(self, region: str, asked: Mapping[str, Any]) -> Iterator[Mapped]:
        kinds, arns = set(asked.get("ResourceTypeFilters") or []), asked.get("ResourceARNList") or []
        for type_, arn, tags in self._all(region):
            wanted = not kinds or kinds & {type_, type_.partition(":")[0]}
            if wanted and tags and (not arns or arn in arns) and _passes(tags, asked.get("TagFilters") or []):
                yield {"ResourceARN": arn, "Tags": list(tags)}

    def _all(self, region: str) -> Iterator[tuple[str, str, Sequence[Mapping[str, str]]]]:
        """(type, ARN, tags) of everything."""
        for resource in self._resources:
            for record in resource.all(region):
                yield (
                    f"sagemaker:{resource.kind.path}",
                    record.public[resource.kind.arn],
                    record.public.get("Tags") or [],
                )
        for others in self._others:
            yield from others(region)


def _passes(tags: Sequence[Mapping[str, str]], filters: Sequence[Mapping[str, Any]]) -> bool:
    held = {tag["Key"]: tag["Value"] for tag in tags}
    return all(
        each["Key"] in held and (not each.get("Values") or held[each["Key"]] in each["Values"]) for each in filters
    )
