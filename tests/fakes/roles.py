"""Grants that grant nothing: who is tested asks no credentials."""

from __future__ import annotations

from fogbank.cloud.ground.roles import Grant


def granted(role: str, session: str, region: str) -> Grant:
    """A grant without variables."""
    return Grant(environment={}, end=lambda: None)
