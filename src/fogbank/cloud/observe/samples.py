"""What rooms measure besides invocations: a value of one of an endpoint's metrics, now.

In: a value of a variant, or of a whole endpoint; out: a measure of AWS/SageMaker, which a `kill -9` leaves to the next process.
"""

from __future__ import annotations

from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.measures import NAMESPACE, Measures


class Samples:
    """Takes values one by one; safe from many threads."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def add(self, source: Source, name: str, value: float, unit: str = "None", at: float | None = None) -> None:
        """Take one, of now or of a moment of the cloud's time. A source without a variant is the whole endpoint."""
        variant = (("VariantName", source.variant),) if source.variant else ()
        dimensions = (("EndpointName", source.endpoint), *variant)
        self._measures.add(source.region, NAMESPACE, dimensions, {name: (value, unit)}, at)
