"""What runs the jobs, as in the units of their room."""

from __future__ import annotations

from tests.unit.cloud.conftest import runner

__all__ = ["runner"]
