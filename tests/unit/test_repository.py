"""Promises of the repository itself."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import yaml
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "fogbank"
UNIT = ROOT / "tests" / "unit"
THIN = 80
"""A module of so many lines may go without a test of its own for a reason in words; a longer one must say which suite runs it."""


def test_the_demo_needs_at_most_75_wheels() -> None:
    done = subprocess.run(
        [find_uv_bin(), "export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--quiet", "--python", "3.11"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = {
        line.partition("==")[0].strip()
        for line in done.stdout.splitlines()
        if "==" in line and not line.lstrip().startswith("#")
    }

    assert "sagemaker" not in names
    assert 50 < len(names) <= 75


def test_what_is_forbidden_appears_nowhere() -> None:
    forbidden = re.compile(
        r"mock\.patch|unittest\.mock|monkeypatch\.setattr|type: ignore(?!\[)|# noqa(?!: )|\bTODO\b|\bFIXME\b"
    )
    this = Path(__file__)
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for room in ("src", "infra", "model", "handlers", "tests", "benchmarks", "tools")
        for path in (ROOT / room).rglob("*.py")
        if path != this and forbidden.search(text := path.read_text())
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]

    assert places == []


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, also where these tests are run by make."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=own, capture_output=True, text=True, check=False)


def commands(*arguments: str) -> str:
    """What make would run, without running it."""
    done = make("-n", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_that_docs_name_is_in_the_makefile_and_every_one_there_is_told() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())
    told = {line.split()[0] for line in make("help").stdout.splitlines()}
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", ".ci/run")]
    named = {
        word
        for page in [*pages, *(ROOT / "docs").rglob("*.md")]
        for word in re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), re.MULTILINE)
    }

    assert told == phony
    assert named - phony == set()
    for target in phony:
        assert commands(target)


def test_a_room_has_its_units_and_the_suites_of_its_wires() -> None:
    suites = {
        room: paths.split()
        for room, paths in re.findall(r"^SUITES_([a-z]+) := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    }
    named = [path for paths in suites.values() for path in paths]
    contracts = ROOT / "tests" / "contracts"

    assert {room for room in suites if not (SOURCE / room).is_dir()} == set()
    assert {path for path in named if not (ROOT / path).exists()} == set()
    covered = {ROOT / path for path in named}
    unnamed = [path for path in contracts.rglob("test_*.py") if not covered & {path, *path.parents}]
    assert unnamed == []
    of_a_room = commands("test", "ROOM=cloud", "ARGS=-k name")
    assert "tests/unit/cloud tests/contracts/aws" in of_a_room
    assert of_a_room.rstrip().endswith("-k name")
    refused = make("test", "ROOM=nowhere")
    assert (refused.returncode, "no tests of a room nowhere" in refused.stdout) == (2, True)


def test_the_checks_before_a_commit_are_those_of_make_check_by_what_is_installed() -> None:
    document = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in document["repos"] for hook in repository["hooks"]]
    programs = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}

    assert [repository["repo"] for repository in document["repos"]] == ["local"], "nothing is fetched"
    assert {hook["language"] for hook in hooks} == {"system"}
    assert programs == set(re.findall(r"^\.venv/bin/([a-z-]+)", commands("check"), re.MULTILINE))


def modules() -> dict[str, Path]:
    """Path below src/fogbank to file, of every module that holds code."""
    return {
        str(path.relative_to(SOURCE)): path
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name != "__init__.py" and holds_code(path.read_text())
    }


def holds_code(text: str) -> bool:
    """Whether there is more than a docstring; a module of some length is not asked."""
    return len(text.splitlines()) > THIN or any(not is_text(node) for node in ast.parse(text).body)


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def mirror(module: str) -> Path:
    place = Path(module)
    return UNIT / place.parent / f"test_{place.stem.strip('_')}.py"


def test_every_module_has_its_unit_tests_or_a_reason_and_the_list_only_shrinks() -> None:
    listed: dict[str, str] = tomllib.loads((UNIT / "mirrors.toml").read_text())["without-tests-of-their-own"]
    there = modules()
    missing = [f'"{module}" = ""' for module in there if module not in listed and not mirror(module).is_file()]
    gone = [module for module in listed if module not in there]
    mirrored = [module for module in listed if mirror(module).is_file()]

    assert missing == [], "write tests/unit/<room>/test_<module>.py, or say in tests/unit/mirrors.toml why not"
    assert gone == [], "these modules are gone: take them off tests/unit/mirrors.toml"
    assert mirrored == [], "these modules have their tests now: take them off tests/unit/mirrors.toml"


def test_a_module_without_tests_of_its_own_is_thin_or_says_which_suite_runs_it() -> None:
    listed: dict[str, str] = tomllib.loads((UNIT / "mirrors.toml").read_text())["without-tests-of-their-own"]
    wrong = []
    for module, reason in listed.items():
        suites = re.findall(r"tests/[\w/.]+\w", reason)
        wrong += [f"{module}: there is no {suite}" for suite in suites if not (ROOT / suite).exists()]
        if not reason:
            wrong.append(f"{module}: no reason is given")
        if not suites and len((SOURCE / module).read_text().splitlines()) > THIN:
            wrong.append(f"{module}: it is longer than {THIN} lines, and no suite is named that runs it")

    assert wrong == []


SUITES = {
    "nobody": "tests/contracts/aws/test_nobody_in.py",
    "pages": "tests/contracts/aws/test_pages.py",
    "gate": "tests/unit/cloud/test_gate.py",
}


def test_each_promise_of_the_threat_model_names_a_test_that_is_there() -> None:
    table = (ROOT / "SECURITY.md").read_text().partition("| against |")[2].partition("\n\n")[0]
    cells = [line.rsplit("|", 2)[1] for line in table.splitlines()[2:]]
    named = [pair for cell in cells for pair in re.findall(r"(\w+) ((?:`\w+`(?:, )?)+)", cell)]
    missing = [
        f"{suite} {name}"
        for suite, names in named
        for name in re.findall(r"`(\w+)`", names)
        if not re.search(rf"^def test_\w*{name}", (ROOT / SUITES[suite]).read_text(), re.MULTILINE)
    ]
    files = [name for cell in cells for name in re.findall(r"`(tests/[\w/]+\.py)`", cell)]

    assert len(cells) == len([cell for cell in cells if "`" in cell]) > 10
    assert {suite for suite, _ in named} == set(SUITES)
    assert missing == []
    assert [name for name in files if not (ROOT / name).is_file()] == []
