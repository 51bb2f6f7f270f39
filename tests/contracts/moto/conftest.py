"""A whole moto, as the units of its room have parts of one."""

from __future__ import annotations

from tests.unit.cloud.conftest import open_store
from tests.unit.cloud.moto.conftest import ask, memory

__all__ = ["ask", "memory", "open_store"]
