"""Side by side with another revision: which lines are figures, which way is better, and what is slower."""

from __future__ import annotations

import pytest
from against import Figure, Ratio, figures, ratios

TOLD = """
cloud start, empty, to the first answer                    median   0.47 s  (0.46-0.55, n=5)  aim 2 s: met
the same, to moto's own server                             median   1.52 x  (1.28-1.75, n=5)
FastAPI by hand                        lr json  8 connections 1 worker       2181/s  p50   3.000 ms  p99   4.500 ms
fogbank, compiled                      lr json  8 connections 1 worker      27222/s  p50   0.200 ms  p99   0.620 ms
fogbank, compiled                      lr ready 0.18 s  memory 52 MB     720000 rows/s of CSV in 6 MB posts
9 wheels, 47.0 MB compressed above the base: met
"""


def test_our_own_figures_are_read_and_no_peers_and_no_ratio() -> None:
    told = figures(TOLD)

    assert {name: figure.value for name, figure in told.items()} == {
        "cloud start, empty, to the first answer, s": 0.47,
        "fogbank, compiled lr json 8 connections 1 worker, a second": 27222.0,
        "fogbank, compiled lr json 8 connections 1 worker, p50 ms": 0.2,
        "fogbank, compiled lr json 8 connections 1 worker, p99 ms": 0.62,
        "fogbank, compiled lr, ready s": 0.18,
        "fogbank, compiled lr, MB": 52.0,
        "fogbank, compiled lr, rows a second": 720000.0,
    }


def ratio(unit: str, *pairs: tuple[float, float]) -> Ratio:
    return Ratio(
        "x", [Figure("x", ours, unit) for ours, _ in pairs], [Figure("x", theirs, unit) for _, theirs in pairs]
    )


@pytest.mark.parametrize(
    ("unit", "pairs", "slower"),
    [
        ("s", [(1.0, 1.0), (1.09, 1.0), (1.3, 1.0)], False),
        ("s", [(1.2, 1.0), (1.15, 1.0), (1.0, 1.0)], True),
        ("a_second", [(1.2, 1.0), (2.0, 1.0)], False),
        ("a_second", [(80.0, 100.0), (85.0, 100.0), (100.0, 100.0)], True),
        ("MB", [(120.0, 100.0)], True),
    ],
)
def test_less_time_and_more_a_second_are_better_and_noise_is_no_verdict(
    unit: str, pairs: list[tuple[float, float]], slower: bool
) -> None:
    subject = ratio(unit, *pairs)

    assert subject.slower is slower
    assert subject.line().endswith("SLOWER") is slower


def test_only_what_both_told_in_every_round_is_compared() -> None:
    one, two = Figure("a", 1.0, "s"), Figure("b", 1.0, "s")

    assert [item.name for item in ratios([{"a": one, "b": two}, {"a": one}], [{"a": one, "b": two}] * 2)] == ["a"]
