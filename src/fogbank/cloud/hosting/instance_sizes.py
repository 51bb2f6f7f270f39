"""How large an instance of a type is: virtual processors, memory, accelerators, as EC2 documents them.

In: SageMaker's name of a type (`ml.m5.large`); out: a size, None for a type that is not known here. Source: EC2's tables of instance types.
A family has so much memory for each processor; the families that do not are listed size by size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MB_IN_GB = 1024
TYPE = re.compile(r"ml\.(?P<family>[a-z0-9-]+)\.(?P<times>\d*)(?P<size>medium|large|xlarge)")
GB_PER_CORE: Mapping[str, int] = {
    **dict.fromkeys(("c5", "c5d", "c6i", "c7i", "c6in", "c6g", "c6gd", "c6gn", "c7g", "c8g", "inf1"), 2),
    **dict.fromkeys(("m4", "m5", "m5d", "m6i", "m7i", "m6g", "m6gd", "m8g", "g4dn", "g5", "g6", "inf2", "trn1", "trn1n"), 4),
    **dict.fromkeys(("r5", "r5d", "r6i", "r7i", "r6g", "r6gd", "r7gd", "r8g", "g6e", "dl1"), 8),
}  # fmt: skip
OF_GPUS: Mapping[str, int] = {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8, "": 1}
OF_TRAINIUM: Mapping[str, int] = {"32xlarge": 16, "": 1}
ACCELERATORS: Mapping[str, Mapping[str, int]] = {
    "g4dn": OF_GPUS, "g5": OF_GPUS, "g6": OF_GPUS, "g6e": OF_GPUS, "trn1": OF_TRAINIUM, "trn1n": OF_TRAINIUM,
    "inf1": {"6xlarge": 4, "24xlarge": 16, "": 1},
    "inf2": {"24xlarge": 6, "48xlarge": 12, "": 1},
    "dl1": {"": 8},
}  # fmt: skip
"""Accelerators by size; `""` is every other size of the family."""
ODD: Mapping[str, tuple[float, float, int]] = {
    "ml.t2.medium": (2, 4, 0), "ml.t2.large": (2, 8, 0), "ml.t2.xlarge": (4, 16, 0), "ml.t2.2xlarge": (8, 32, 0),
    "ml.c4.large": (2, 3.75, 0), "ml.c4.xlarge": (4, 7.5, 0), "ml.c4.2xlarge": (8, 15, 0), "ml.c4.4xlarge": (16, 30, 0),
    "ml.c4.8xlarge": (36, 60, 0),
    "ml.p2.xlarge": (4, 61, 1), "ml.p2.8xlarge": (32, 488, 8), "ml.p2.16xlarge": (64, 732, 16),
    "ml.p3.2xlarge": (8, 61, 1), "ml.p3.8xlarge": (32, 244, 4), "ml.p3.16xlarge": (64, 488, 8),
    "ml.p4d.24xlarge": (96, 1152, 8), "ml.p4de.24xlarge": (96, 1152, 8),
    "ml.p5.4xlarge": (16, 256, 1), "ml.p5.48xlarge": (192, 2048, 8), "ml.p5e.48xlarge": (192, 2048, 8), "ml.p5en.48xlarge": (192, 2048, 8),
    "ml.p6-b200.48xlarge": (192, 2048, 8), "ml.p6-b300.48xlarge": (192, 4096, 8), "ml.p6e-gb200.36xlarge": (144, 960, 4),
    "ml.trn2.48xlarge": (192, 2048, 16),
    "ml.g7e.2xlarge": (8, 64, 1), "ml.g7e.4xlarge": (16, 128, 1), "ml.g7e.8xlarge": (32, 256, 1), "ml.g7e.12xlarge": (48, 512, 2),
    "ml.g7e.24xlarge": (96, 1024, 4), "ml.g7e.48xlarge": (192, 2048, 8),
}  # fmt: skip
"""Processors, GiB of memory and accelerators of types that follow no rule."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What an instance has, or what a copy needs: virtual processors, MiB of memory, accelerators."""

    cores: float = 0.0
    memory_mb: float = 0.0
    accelerators: float = 0.0

    def holds(self, need: Size) -> bool:
        """Whether there is room for what is needed."""
        return need.cores <= self.cores and need.memory_mb <= self.memory_mb and need.accelerators <= self.accelerators

    def without(self, need: Size) -> Size:
        """What is left."""
        return Size(
            cores=self.cores - need.cores,
            memory_mb=self.memory_mb - need.memory_mb,
            accelerators=self.accelerators - need.accelerators,
        )


def memory_of(instance_type: str) -> int:
    """The bytes of memory that a type has; 0 where it is not known here.

    >>> memory_of("ml.m5.large") >> 30
    8
    """
    size = size_of(instance_type)
    return int(size.memory_mb) << 20 if size else 0


def size_of(instance_type: str) -> Size | None:
    """A type's size.

    >>> size_of("ml.m5.2xlarge")
    Size(cores=8, memory_mb=32768, accelerators=0)
    >>> size_of("ml.x99.large") is None
    True
    """
    if instance_type in ODD:
        cores, memory_gb, accelerators = ODD[instance_type]
        return Size(cores=cores, memory_mb=memory_gb * MB_IN_GB, accelerators=accelerators)
    match = TYPE.fullmatch(instance_type)
    if match is None or match["family"] not in GB_PER_CORE:
        return None
    family, size = match["family"], f"{match['times']}{match['size']}"
    count = {"medium": 1, "large": 2, "xlarge": 4 * int(match["times"] or 1)}[match["size"]]
    devices = ACCELERATORS.get(family, {"": 0})
    return Size(
        cores=count,
        memory_mb=count * GB_PER_CORE[family] * MB_IN_GB,
        accelerators=devices.get(size, devices[""]),
    )
