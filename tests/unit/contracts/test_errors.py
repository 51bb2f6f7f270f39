"""The tree of errors: a code, a cause, a next step, and an exit code for each kind."""

from __future__ import annotations

import inspect
import re

from fogbank.contracts import errors
from fogbank.contracts.errors import ConfigError, DigestError, FogbankError


def test_an_error_says_code_cause_and_next_step() -> None:
    error = DigestError("model.joblib", "aa", "bb")

    assert isinstance(error, FogbankError)
    told = {"code": "digest-mismatch", "cause": error.cause, "hint": error.hint, "exit_code": 3}
    assert error.document() == {"error": told}
    assert str(error).splitlines()[0].startswith("digest-mismatch: model.joblib is not the file that was packed")


def test_the_tree_that_is_drawn_is_the_tree_that_is_there() -> None:
    kinds = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, FogbankError)}
    drawn = re.findall(r"^([│├└─ ]*)(\w+Error) .*?(?:exit (\d+))?$", errors.__doc__ or "", re.MULTILINE)

    assert {name for _, name, _ in drawn} == set(kinds)
    above: list[str] = []
    for indent, name, code in drawn:
        depth = len(indent) // 4
        above[depth:] = [name]
        if depth:
            assert kinds[name].__bases__ == (kinds[above[depth - 1]],)
            assert kinds[name].exit_code == int(code)


def test_a_configuration_error_tells_all_problems_in_one_report() -> None:
    error = ConfigError(["unknown key 'a'", "port must be a number"], "pyproject.toml")

    assert error.problems == ["unknown key 'a'", "port must be a number"]
    assert error.cause == "pyproject.toml has 2 problem(s):\n  - unknown key 'a'\n  - port must be a number"
    assert "next: edit pyproject.toml" in str(error)


def test_an_error_without_a_next_step_is_one_line() -> None:
    assert str(FogbankError("code", "cause")) == "code: cause"
