"""A baseline's statistics that somebody edited, or another tool wrote: what cannot be used is named by its place, and all else is."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from fogbank.monitor.baseline import suggest
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.edited_statistics import statistics_problems
from tests.unit.monitor.traffic import NOON, judged, record

ODD: list[Any] = [None, True, -1, 10**400, float("nan"), "", "x", [], {}, [1, "a"], {"a": 1}, [[]], [None]]
NUMBERS, WORDS = "numerical_statistics", "string_statistics"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Statistics of a label, a number and a word."""
    folder = tmp_path_factory.mktemp("statistics")
    rows = "".join(f"{number % 2},{number * 0.37 % 7},{'abc'[number % 3]}\n" for number in range(300))
    (folder / "d.csv").write_text("p,a,b\n" + rows)
    stats, constraints = suggest(folder / "d.csv", ("p", "a", "b"))
    return {"statistics": json.loads(stats), "constraints": json.loads(constraints)}


def edited(document: dict[str, Any], *place: Any, value: Any = None, gone: bool = False) -> dict[str, Any]:
    """The same with one value changed, or gone."""
    found = document = copy.deepcopy(document)
    for key in place[:-1]:
        found = found[key]
    if gone:
        del found[place[-1]]
    else:
        found[place[-1]] = value
    return document


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("dataset",), 3, "dataset: must be an object with item_count"),
        (("dataset", "item_count"), -1, "dataset.item_count: must be a number of at least 0, not -1"),
        (("features", 1), 3, "features[1]: must be an object with a name"),
        (("features", 1, "name"), "p", "features[1] (p): is there twice"),
        (("features", 1, "inferred_type"), "Number", "(a).inferred_type: must be one of Integral, Fractional, String, Unknown, not 'Number'"),
        (("features", 1, NUMBERS), [], "(a).numerical_statistics: must be an object, not []"),
        (("features", 1, NUMBERS, "std_dev"), "1", "(a).numerical_statistics.std_dev: must be a number of at least 0, not '1'"),
        (("features", 1, NUMBERS, "common"), None, "(a).numerical_statistics.common: must be an object with num_present and num_missing"),
        (("features", 1, NUMBERS, "common", "num_present"), 1e300, "num_present: must be a number of at least 0, not 1e+300"),
        (("features", 1, NUMBERS, "distribution"), None, "distribution: must be an object, not None"),
        (("features", 1, NUMBERS, "distribution", "kll", "sketch", "data"), [["1"]], "sketch.data: must be lists of numbers"),
        (("features", 1, NUMBERS, "distribution", "kll", "sketch", "data"), 3, "sketch.data: must be lists of numbers"),
        (("features", 1, NUMBERS, "distribution", "kll", "sketch", "data"), [[]], "sketch.data: has no numbers in it"),
        (("features", 2, WORDS, "distribution", "categorical", "buckets"), {}, "buckets: must be a list of values and counts"),
        (("features", 2, WORDS, "distribution", "categorical", "buckets", 0), {"value": 1}, "buckets[0]: must be a value, a text, and its count"),
        (("features", 2, WORDS, "distribution", "categorical", "buckets", 0, "value"), "b", "the value 'b' is there twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(made: dict[str, Any], place: tuple[Any, ...], value: Any, problem: str) -> None:
    [said] = statistics_problems(edited(made["statistics"], *place, value=value))

    assert problem in said


@pytest.mark.parametrize(
    "place",
    [
        ("version",),
        ("features", 1, NUMBERS, "distribution"),
        ("features", 1, NUMBERS, "distribution", "kll", "sketch"),
        ("features", 2, WORDS, "distribution"),
        ("features", 0, NUMBERS, "mean"),
        ("features", 1),
    ],
)
def test_what_other_tools_leave_out_may_lack(tmp_path: Path, made: dict[str, Any], place: tuple[Any, ...]) -> None:
    own = edited(made["statistics"], *place, gone=True)

    assert list(statistics_problems(own)) == []
    assert held_to(tmp_path, own, made["constraints"]).startswith("Completed")


def held_to(folder: Path, statistics: Any, constraints: Any) -> str:
    """The verdict on sixty rows."""
    for name, document in (("statistics.json", statistics), ("constraints.json", constraints)):
        (folder / name).write_text(json.dumps(document))
    lines = [record(f"{n % 2}\n", f"{n * 0.31 % 9},{'abd'[n % 3]}\n", NOON) for n in range(60)]
    return judged(folder, lines, folder / "statistics.json", folder / "constraints.json")[0]


@pytest.mark.parametrize("seed", range(40))
def test_any_edit_is_a_verdict_or_a_reason(tmp_path: Path, made: dict[str, Any], seed: int) -> None:
    chance = random.Random(seed)
    documents = dict(made)
    name = chance.choice(["statistics", "constraints"])
    place = chance.choice(list(places(documents[name])))
    documents[name] = edited(documents[name], *place, value=chance.choice(ODD), gone=chance.random() < 0.3)

    reason = ""
    try:
        held_to(tmp_path, documents["statistics"], documents["constraints"])
    except DatasetError as error:
        reason = str(error)
    assert not reason or f"{name}.json" in reason
    for file in (tmp_path / "output").glob("*"):
        json.loads(file.read_text(), parse_constant=pytest.fail)


def places(value: Any, at: tuple[Any, ...] = ()) -> Any:
    """Every place in a document, of lists the first three."""
    if at:
        yield at
    own = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, inner in own:
        yield from places(inner, (*at, key))
