"""Sizes of instances, held against botocore's list of types."""

from __future__ import annotations

from fogbank.cloud.api.control import service_model
from fogbank.cloud.hosting.instance_sizes import Size, size_of


def test_every_type_that_an_endpoint_may_have_is_known_but_the_newest() -> None:
    types = service_model().shape_for("ProductionVariantInstanceType").enum
    unknown = {name for name in types if size_of(name) is None}
    assert {name.split(".")[1] for name in unknown} <= {"g7"}


def test_sizes_are_those_of_ec2() -> None:
    assert size_of("ml.c5.9xlarge") == Size(cores=36, memory_mb=72 * 1024)
    assert size_of("ml.m8g.medium") == Size(cores=1, memory_mb=4 * 1024)
    assert size_of("ml.r5.large") == Size(cores=2, memory_mb=16 * 1024)
    assert size_of("ml.g5.12xlarge") == Size(cores=48, memory_mb=192 * 1024, accelerators=4)
    assert size_of("ml.g5.16xlarge") == Size(cores=64, memory_mb=256 * 1024, accelerators=1)
    assert size_of("ml.inf2.48xlarge") == Size(cores=192, memory_mb=768 * 1024, accelerators=12)
    assert size_of("ml.c4.large") == Size(cores=2, memory_mb=3840)
    assert size_of("t3.large") is None


def test_what_is_taken_is_not_there_any_more() -> None:
    whole = Size(cores=2, memory_mb=1000, accelerators=1)
    left = whole.without(Size(cores=1.5, memory_mb=400))
    assert left == Size(cores=0.5, memory_mb=600, accelerators=1)
    assert left.holds(Size(cores=0.5, accelerators=1))
    assert not left.holds(Size(cores=0.75))
    assert not left.holds(Size(memory_mb=601))
    assert not left.holds(Size(accelerators=2))
