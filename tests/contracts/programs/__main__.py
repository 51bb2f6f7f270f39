"""All of them, as one stack; each tells its outputs under its own name."""

from importlib import import_module

import pulumi
from told import PROGRAMS

for program in PROGRAMS:
    pulumi.export(program, import_module(program).outputs)
