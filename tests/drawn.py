"""How many examples a property is drawn: fewer than the profile's hundred where each takes long, and as few as `make unit` says."""

from __future__ import annotations

from hypothesis import settings


def at_most(examples: int) -> settings:
    """A test's settings."""
    return settings(max_examples=min(examples, settings().max_examples))
