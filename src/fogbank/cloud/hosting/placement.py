"""Where the copies of inference components lie, pure: which instances of a variant have room for all of them.

In: an instance's size, how many there are, and what each component needs, in the order in which they were made; out: whether all copies
have a place, or how many instances they need. An instance is no process here: what it has is counted and given out. Source: botocore's
documentation of InferenceComponentSchedulingConfig.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from fogbank.cloud.api.errors import validation
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.instance_sizes import Size, size_of

SPREAD, BINPACK = "SPREAD", "BINPACK"
NO_ROOM = "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference component."
"""SageMaker's FailureReason."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one component needs: so many `copies`, each of a size, on the emptiest instance that has room or on the fullest one."""

    size: Size
    copies: int
    strategy: str = SPREAD


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a variant has: `count` instances of a size, between `least` and `most` of them where they are managed."""

    instance: Size
    count: int
    least: int
    most: int

    @classmethod
    def of(cls, item: Document, count: int) -> Self:
        """Of a variant as its configuration has it, with so many instances now. Raises ValidationException."""
        instance = size_of(item["InstanceType"])
        if instance is None:
            raise validation(
                f"The local cloud does not know how large an {item['InstanceType']} is, and places no inference component on it."
            )
        managed = managed_by(item)
        least, most = (managed["MinInstanceCount"], managed["MaxInstanceCount"]) if managed else (count, count)
        return cls(instance=instance, count=count, least=least, most=most)

    def count_for(self, needs: Sequence[Need]) -> int | None:
        """How many instances there are to be for all copies, no fewer than there are; None where there may not be so many."""
        return instances(self.instance, needs, self.count, max(self.count, self.most))

    def fewest(self, needs: Sequence[Need]) -> int:
        """How many instances are enough, where they are managed; else as many as there are."""
        found = instances(self.instance, needs, self.least, self.count)
        return self.count if found is None else found


def managed_by(item: Document) -> Document | None:
    """A variant's ManagedInstanceScaling, where it is enabled."""
    managed: Document = item.get("ManagedInstanceScaling", {})
    return managed if managed.get("Status") == "ENABLED" else None


def fits(instance: Size, count: int, needs: Sequence[Need]) -> bool:
    """Whether so many instances have room for all copies."""
    free = Counter({instance: count} if count else {})  # what is left on instances, to how many have just so much left
    for need in needs:
        choose = max if need.strategy == SPREAD else min
        for _ in range(need.copies):
            room = [left for left in free if left.holds(need.size)]
            if not room:
                return False
            chosen = choose(room, key=lambda left: (left.memory_mb, left.cores))
            free[chosen] -= 1
            if not free[chosen]:
                del free[chosen]
            free[chosen.without(need.size)] += 1
    return True


def instances(instance: Size, needs: Sequence[Need], least: int, most: int) -> int | None:
    """So few instances, between two limits, that one less has no room for all copies; None where even the most have none."""
    copies = sum(need.copies for need in needs)
    low, high = least, max(least, min(most, copies))  # each copy has an instance of its own then
    if high > most or not fits(instance, high, needs):
        return None
    while low < high:
        middle = (low + high) // 2
        if fits(instance, middle, needs):
            high = middle
        else:
            low = middle + 1
    return high
