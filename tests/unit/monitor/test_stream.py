"""Evidence of a stream over its windows: no more false alarms than asked for, shifts told late and early, and what continues from what."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from fogbank.monitor.baseline import encode
from fogbank.monitor.dataset import Dataset
from fogbank.monitor.profile import Document, Profile, statistics
from fogbank.monitor.stream import Window, continued, digest, evidence, stream_document

START = datetime(2026, 4, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def numbers(**columns: np.ndarray) -> Document:
    """As much of statistics.json as a test of numbers looks at."""
    return {
        "dataset": {"item_count": len(next(iter(columns.values())))},
        "features": [
            {
                "name": name, "inferred_type": "Fractional",
                "numerical_statistics": {
                    "common": {"num_present": len(values)}, "distribution": {"kll": {"sketch": {"data": [np.sort(values).tolist()]}}},
                },
            }
            for name, values in columns.items()
        ],
    }  # fmt: skip


def texts(*values: str) -> Document:
    return statistics(Dataset({"s": values}))


def after(base: Document, windows: list[Document]) -> Document:
    """The stream.json after windows, each of which reads what the one before it wrote."""
    found: Any = None
    reference = digest(base)
    for number, now in enumerate(windows):
        start = START + number * HOUR
        window = Window(start=start, end=start + HOUR, before=found)
        found = json.loads(json.dumps(continued(window, base, now, reference=reference)))
    return dict(found)


def test_without_a_shift_at_most_as_many_streams_ever_alarm_as_asked_for() -> None:
    """120 streams of 25 windows of two columns, one with ties: none of the level 0.05, and three deviations of a binomial."""
    g, streams = np.random.default_rng(8), 120

    def draw(rows: int) -> Document:
        return numbers(a=g.normal(size=rows), b=g.normal(size=rows).round())

    alarms = sum(bool(after(draw(200), [draw(60) for _ in range(25)])["shifted"]) for _ in range(streams))
    assert alarms <= streams * 0.05 + 3 * np.sqrt(streams * 0.05 * 0.95)


@pytest.mark.parametrize(("move", "spread"), [(0.5, 1.0), (0.0, 2.5)])
def test_a_shift_is_told_soon_also_after_a_long_time_without_one(move: float, spread: float) -> None:
    g = np.random.default_rng(9)
    base = numbers(a=g.normal(size=2000), b=g.normal(size=2000))
    calm = [numbers(a=g.normal(size=300), b=g.normal(size=300)) for _ in range(60)]
    moved = [numbers(a=g.normal(move, spread, size=300), b=g.normal(size=300)) for _ in range(4)]

    assert after(base, calm)["shifted"] == []
    found = after(base, [*calm, *moved])
    assert found["shifted"] == ["a"]
    told = {item["name"]: item for item in found["features"]}
    assert told["a"]["p_value"] < 0.01
    assert 0.02 < told["b"]["smallest_detectable"]["value"] < 0.1


def test_a_baseline_of_few_rows_cannot_be_the_cause_of_an_alarm() -> None:
    """Against 30 rows, however many come: what those may be off by is taken off."""
    base, g = numbers(a=np.random.default_rng(3).normal(size=30) + 0.2), np.random.default_rng(4)

    assert after(base, [numbers(a=g.normal(size=5000)) for _ in range(5)])["shifted"] == []


def test_what_was_sketched_is_no_shift() -> None:
    g = np.random.default_rng(5)

    def sketched(rows: int) -> Document:
        profile = Profile()
        profile.add({"a": g.normal(size=rows)}, rows)
        return profile.document()

    assert after(sketched(200_000), [sketched(200_000)] * 3)["shifted"] == []


def test_a_window_that_is_looked_at_again_says_the_same() -> None:
    g = np.random.default_rng(6)
    base, windows = numbers(a=g.normal(size=100)), [numbers(a=g.normal(1.0, size=40)) for _ in range(3)]
    before = after(base, windows[:2])
    window = Window(start=START + 2 * HOUR, end=START + 3 * HOUR, before=before)

    once, again = (encode(continued(window, base, windows[2])) for _ in range(2))
    assert once == again == encode(after(base, windows))
    found = json.loads(once)
    assert (found["since"], found["until"], found["windows"]) == ("2026-04-18T00:00:00Z", "2026-04-18T03:00:00Z", 3)
    assert stream_document(found) == found
    whole, columns = evidence(found)
    assert whole["shifted"] == ["a"]
    assert columns["a"].keys() == {"rows", "windows", "e_value", "p_value", "shifted", "smallest_detectable", "most"}


def test_another_baseline_begins_another_stream() -> None:
    g = np.random.default_rng(7)
    one, two = (numbers(a=g.normal(size=100)) for _ in range(2))
    before = after(one, [numbers(a=g.normal(2.0, size=100))])
    found = continued(Window(start=START, end=START + HOUR, before=before), two, numbers(a=g.normal(size=100)))

    assert before["shifted"] == ["a"]
    assert (found["shifted"], found["windows"], found["anew"]) == ([], 1, "the baseline is another one")


def test_windows_that_overlap_are_one_chain_of_those_that_do_not() -> None:
    """Six hours, looked at every hour: every sixth window goes on, the others leave the stream as it is and say why."""
    base = numbers(a=np.random.default_rng(12).normal(size=100))
    before: Any = None
    chain = []
    for hour in range(13):
        start = START + hour * HOUR
        window = Window(start=start, end=start + 6 * HOUR, before=before)
        if not window.left_out(digest(base)):
            before = continued(window, base, base)
            chain.append(hour)
            continue
        assert f"begins before {before['until']}" in window.left_out(digest(base))

    assert (chain, before["windows"]) == ([0, 6, 12], 3)
    other = numbers(a=np.random.default_rng(13).normal(size=100))
    assert Window(start=START, end=START + HOUR, before=before).left_out(digest(other)) == "", (
        "another baseline's begins anew"
    )


def test_the_chance_of_a_baseline_that_is_off_is_in_what_is_told() -> None:
    """As much evidence as alarms is the level of a column, and no stream says less than the baseline may be off by."""
    g = np.random.default_rng(14)
    base = numbers(a=g.normal(size=500), b=g.normal(size=500))
    [a, b] = after(base, [numbers(a=g.normal(3.0, size=500), b=g.normal(size=500))] * 3)["features"]

    assert a["p_value"] == pytest.approx(0.1 * 0.05 / 2)
    for item in (a, b):
        assert item["shifted"] == (item["p_value"] <= 0.05 / 2)


def test_texts_are_told_where_all_of_them_are_known() -> None:
    base = texts(*["x", "y", "z"] * 200)
    assert after(base, [texts(*["x", "y", "z"] * 60)] * 5)["shifted"] == []
    assert after(base, [texts(*["new"] * 60, *["x"] * 60)])["shifted"] == ["s"]
    many = [f"v{i}" for i in range(101)] * 3
    assert after(texts(*many), [texts(*["new"] * 60)])["features"] == []


def test_a_column_without_values_or_of_another_type_keeps_its_evidence() -> None:
    g = np.random.default_rng(10)
    base = numbers(a=g.normal(size=100), few=g.normal(size=19))
    once = [numbers(a=g.normal(size=50), few=g.normal(size=50))]
    other = [
        statistics(Dataset({"a": ["x"] * 50})),
        statistics(Dataset({"a": [None] * 50})),
        statistics(Dataset({"b": ["1"]})),
    ]

    found = after(base, [*once, *other])
    assert [item["name"] for item in found["features"]] == ["a"]
    assert found["features"] == after(base, once)["features"]
    assert found["windows"] == 4
