"""The package as a whole: doctests hold, public names are there."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import fogbank


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(fogbank.__path__, "fogbank.")
    return [importlib.import_module(item.name) for item in found if not item.name.endswith("__main__")]


def test_every_doctest_in_the_package_holds() -> None:
    results = [doctest.testmod(module) for module in modules()]

    assert sum(result.attempted for result in results) >= 10
    assert sum(result.failed for result in results) == 0


def test_public_names_are_there() -> None:
    for module in modules():
        names = getattr(module, "__all__", [])
        assert all(hasattr(module, name) for name in names), module.__name__
