"""Pulumi's protocol without the SDK around it: whoever only speaks it need not import what declares resources, which is half of a start.

In: nothing; out: while it lasts, `pulumi.runtime.proto` is imported from where it lies, and `import pulumi` means its folder alone.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PARENTS = ("pulumi", "pulumi.runtime")


@contextmanager
def protocol_alone() -> Iterator[None]:
    """Import Pulumi's protocol in it; afterwards the SDK is imported as ever, by whoever needs it. Where it is there already, nothing happens.

    >>> with protocol_alone():
    ...     from pulumi.runtime.proto import provider_pb2
    """
    spec = None if "pulumi" in sys.modules else importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        yield
        return
    [place] = spec.submodule_search_locations
    for name in PARENTS:
        module = ModuleType(name)
        module.__path__ = [str(Path(place, *name.split(".")[1:]))]
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in PARENTS:
            sys.modules.pop(name, None)
