"""The table, what was cut of pulumi-aws, and the installed package agree; the recipe for a new type is the code."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from fogbank.provider import declared
from fogbank.provider.declared import inputs_of, object_inputs
from fogbank.provider.resource import AutoName
from fogbank.provider.row import Row, Tagging
from fogbank.provider.shapes import LACKING
from fogbank.provider.standin import TABLE

ROOT = Path(__file__).parents[3]


def test_what_was_cut_is_what_the_installed_package_declares() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools/pulumi_aws/cut.py"), "--check"], check=False, cwd=ROOT)

    assert done.returncode == 0, "a new pulumi-aws: run tools/pulumi_aws/cut.py, and look at what changed"
    assert declared.version() == version("pulumi-aws")


@pytest.mark.parametrize("token", sorted(TABLE))
def test_every_input_is_mapped_or_refused_by_name(token: str) -> None:
    row = replace(TABLE[token], checks=None)  # what a value may be is another question
    for name, given in inputs_of(token).items():
        value: object = {"list": [], "map": {}, "object": {}, "boolean": True, "number": 1}.get(given.kind, "x")
        reasons = {failure.property: failure.reason for failure in row.check({name: value})}
        assert reasons.get(name, LACKING).startswith(LACKING), (name, reasons)
        if given.object:
            assert object_inputs(given.object), f"{given.object} was not cut"


def test_the_recipes_row_is_the_tables() -> None:
    text = (ROOT / "docs/12-resource-types.md").read_text()
    block = re.search(r"```text\n(Row\(.*?\n\)),\n```", text, re.DOTALL)
    assert block is not None
    row = eval(block[1], {"Row": Row, "AutoName": AutoName, "Tagging": Tagging})  # noqa: S307 - our own page's text

    assert row == TABLE[row.token]
    assert len(block[1].splitlines()) <= 10
