"""Honest implementations of the Protocols and callables that our constructors take, in memory, for tests.

A fake keeps the promises of what it stands for: `tests/unit/fakes` runs one test on the fake and on the real thing where the
real thing is cheap, and holds each fake to its Protocol's names and parameters.
"""
