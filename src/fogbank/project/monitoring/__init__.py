"""Monitors of either carrier: found, run now, and their verdicts read."""
