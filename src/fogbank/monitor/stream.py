"""A shift of a stream of windows, told at any time: evidence that each execution continues from where the one before it left it.

In: what is kept (stream.json), the baseline's statistics.json and the window's; out: the next stream.json. Each window bets on the ranks of
its values among the baseline's: on their mean, and on how far they are from the middle. Without a shift a bet gains nothing on average, so
that all of them together pass 1/level with a chance of at most the level, however many windows there are (Ville's inequality). What the
baseline may be off by, being a sample and a sketch itself, is taken off every bet. Bets that begin with each window share what is at stake,
so that a shift after a long time without one is told nearly as soon. No rows are kept: ten numbers for each column are.
Sources: Shafer, Vovk, "Game-Theoretic Foundations for Probability and Finance" (2019); Dvoretzky, Kiefer, Wolfowitz (1956) with Massart's
constant (1990); the mean of n uniform numbers is off by more than d with a chance of 2 exp(-6 n d^2) at most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from fogbank.contracts.capture import TIME_FORMAT
from fogbank.ground.digest import sha256_bytes
from fogbank.monitor.baseline import encode
from fogbank.monitor.drift import has_sketch
from fogbank.monitor.profile import Document
from fogbank.monitor.shifts import LEVEL, error_bound
from fogbank.monitor.sketch import Floats, share_at, weighted

VERSION = 1.0
STAKES = np.array([-1.6, -0.8, -0.4, -0.2, 0.2, 0.4, 0.8, 1.6])
FEWEST = 20
WHOLE = ("test", "assumptions", "since", "until", "windows", "level", "shifted")
FEATURE = frozenset({"name", "rows", "windows", "most", "shifted", "bets"})
REFERENCE = 0.1
"""This share of the level is the chance that the baseline is off by more than is taken off."""
TESTS = "mean and spread of ranks in the baseline"
ASSUMES = (
    "rows are independent draws, and so are the baseline's; the evidence begins anew with another baseline, and grows by windows that do not "
    "overlap; left out are a window in which a column has another type, and texts of more than a hundred values"
)


class Reference(NamedTuple):
    """The baseline's values in ascending order, and the share of them that is at most each; `rows` were drawn, the shares err by `error`."""

    values: Floats
    shares: Floats
    rows: int
    error: float


class Current(NamedTuple):
    """A window's values, each so many times; the share of those that are at most any of them errs by `error`."""

    values: Floats
    counts: Floats
    error: float


@dataclass(frozen=True, kw_only=True)
class Window:
    """What a window is called, and what continues: `before` is the stream.json of an earlier one, or why there is none is `anew`.

    `unread` says why it is not known whether there is one.
    """

    start: datetime
    end: datetime
    before: Document | None = None
    anew: str = ""
    unread: str = ""

    def left_out(self, reference: str) -> str:
        """Why the window leaves the stream as it is; empty where it goes on with it, or begins anew with a baseline of another digest."""
        if self.unread:
            return f"{self.unread}. The stream stays as it is, and the next execution goes on with it."
        if self.before is None or self.before["reference"]["sha256"] != reference or until(self.before) <= self.start:
            return ""
        last = self.before["until"]
        return f"The window begins before {last}, and its rows up to then would count twice: what is said is of the windows up to then."


def digest(base: Document) -> str:
    """What a baseline's statistics are known by."""
    return sha256_bytes(encode(base))


def until(stream: Document) -> datetime:
    """When the last window ended that a stream.json is of."""
    return datetime.strptime(stream["until"], TIME_FORMAT).replace(tzinfo=UTC)


def stream_document(document: Any) -> Document:
    """A stream.json that can be continued. Raises ValueError."""
    try:
        until(document)
        if document["version"] != VERSION:
            raise ValueError(f"it is of version {document['version']}, and {VERSION} is known")
        whole, _ = evidence(document)
        if not isinstance(document["reference"]["sha256"], str) or not isinstance(whole["windows"], int):
            raise ValueError("its reference or its windows are not what they should be")  # noqa: TRY004 - a document is read
        for item in document["features"]:
            if not item.keys() >= FEATURE or np.array(item["bets"], dtype=float).shape != (2, len(STAKES)):
                raise ValueError(f"it has no bets for {item.get('name')!r}")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it lacks {error}") from error
    found: Document = document
    return found


def continued(
    window: Window, base: Document, now: Document, *, level: float = LEVEL, reference: str | None = None
) -> Document:
    """The next stream.json: of every column that both have as numbers or as texts. `reference` is the baseline's digest, if it is known."""
    reference = reference or digest(base)
    before, anew = window.before, window.anew
    if before is not None and before["reference"]["sha256"] != reference:
        before, anew = None, "the baseline is another one"
    kept = {item["name"]: item for item in before["features"]} if before else {}
    current = {item["name"]: item for item in now["features"]}
    pairs = {item["name"]: pair for item in base["features"] if (pair := _pair(item, current.get(item["name"])))}
    tested = [item["name"] for item in base["features"] if item["name"] in pairs or item["name"] in kept]
    share = level / max(1, len(base["features"]))
    features = [_feature(name, kept.get(name), pairs.get(name), share) for name in tested]
    return {
        "version": VERSION,
        "test": TESTS,
        "assumptions": ASSUMES,
        "reference": {
            "what": "baseline statistics", "item_count": base["dataset"]["item_count"], "sha256": reference,
        },
        "since": before["since"] if before else window.start.strftime(TIME_FORMAT),
        "until": window.end.strftime(TIME_FORMAT),
        "windows": (before["windows"] if before else 0) + 1,
        **({"anew": anew} if anew and not before else {}),
        "level": level,
        "shifted": [item["name"] for item in features if item["shifted"]],
        "features": features,
    }  # fmt: skip


def evidence(stream: Document) -> tuple[Document, dict[str, Document]]:
    """What shifts.json says of a stream, and of each of its columns: all but what is kept to go on from."""
    whole = {name: stream[name] for name in (*WHOLE, *(["anew"] if "anew" in stream else []))}
    return whole, {
        item["name"]: {key: item[key] for key in item if key not in ("name", "bets")} for item in stream["features"]
    }


def _feature(name: str, kept: Document | None, pair: tuple[Reference, Current] | None, level: float) -> Document:
    """A column's evidence after a window; without a pair it is what it was."""
    if pair is None and kept is not None:
        return kept
    assert pair is not None  # noqa: S101 - a column is there for one of both
    reference, current = pair
    windows = (kept["windows"] if kept else 0) + 1
    rows = (kept["rows"] if kept else 0) + int(current.counts.sum())
    bets = np.array(kept["bets"]) if kept else np.full((2, len(STAKES)), -np.inf)
    bets = np.logaddexp(bets, -math.log(windows * (windows + 1))) + gains(reference, current, level)
    now = _mean(np.logaddexp(bets, -math.log(windows + 1)))
    most = max(kept["most"] if kept else 0.0, now)
    return {
        "name": name,
        "rows": rows,
        "windows": windows,
        "e_value": math.exp(min(700.0, now)),
        "p_value": min(1.0, math.exp(-most) + REFERENCE * level),
        "shifted": most >= -math.log(level * (1 - REFERENCE)),
        "smallest_detectable": {"measure": "|P(value > baseline's) - 1/2|", "value": _detectable(reference, rows, windows, level)},
        "most": most,
        "bets": bets.tolist(),
    }  # fmt: skip


def gains(reference: Reference, current: Current, level: float) -> Floats:
    """What each bet's logarithm gains of a window, at least: 2 x 8, on the mean of the ranks and on their distance from the middle."""
    low, high = (share_at(reference.values, reference.shares, current.values, side) for side in ("left", "right"))
    total = current.counts.sum()
    found = []
    for ranks, off, turns in zip(_ranks(low, high), off_by(reference, level), (1, 2), strict=True):
        told = (np.log1p(np.outer(STAKES, ranks)) * current.counts).sum(axis=1)
        allowed = np.log1p(np.abs(STAKES) * off)
        sketched = current.error * turns * (np.log1p(np.abs(STAKES) / 2) - np.log1p(-np.abs(STAKES) / 2))
        found.append(told - total * (allowed + sketched))
    return np.array(found)


def off_by(reference: Reference, level: float) -> tuple[float, float]:
    """By how much the mean rank, and the mean distance from the middle, of values without a shift may differ from what they should be."""
    sample = math.log(4 / (level * REFERENCE)) / reference.rows
    return math.sqrt(sample / 6) + reference.error, 2 * (math.sqrt(sample / 2) + reference.error)


def _ranks(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Of values whose ranks lie evenly between two shares the mean rank above the middle, and the mean distance from it above a quarter."""
    between = np.maximum(high - low, 0.0)
    wide = between > 0

    def summed(share: Floats) -> Floats:
        return (share - 0.5) * np.abs(share - 0.5) - share / 2

    mean = (summed(high) - summed(low)) / np.where(wide, between, 1.0)
    return (low + high) / 2 - 0.5, np.where(wide, mean, 2 * np.abs(low - 0.5) - 0.5)


def _mean(logarithms: Floats) -> float:
    """The logarithm of the mean."""
    most = logarithms.max()
    return float(most + np.log(np.exp(logarithms - most).mean()))


def _detectable(reference: Reference, rows: int, windows: int, level: float) -> float:
    """How far from one half the chance must be that a value is above one of the baseline, if it has been from the first window on."""
    needed = math.log(2 * len(STAKES) / (level * (1 - REFERENCE))) + 2 * math.log(windows + 1)
    return min(0.5, off_by(reference, level)[0] + math.sqrt(needed / (6 * max(1, rows))))


def _pair(base: Document, now: Document | None) -> tuple[Reference, Current] | None:
    """A column of both; None where it cannot be tested."""
    if now is None:
        return None
    if "numerical_statistics" in base and "numerical_statistics" in now and has_sketch(base["numerical_statistics"]):
        pair = _numbers(base["numerical_statistics"], now["numerical_statistics"])
    elif base["inferred_type"] == now["inferred_type"] == "String":
        pair = _texts(base["string_statistics"], now["string_statistics"])
    else:
        return None
    return pair if pair and pair[0].rows >= FEWEST and pair[1].counts.sum() else None


def _numbers(base: Document, now: Document) -> tuple[Reference, Current] | None:
    old: Sequence[Sequence[float]] = base["distribution"]["kll"]["sketch"]["data"]
    new: Sequence[Sequence[float]] = now["distribution"]["kll"]["sketch"]["data"]
    values = np.concatenate([np.asarray(level, dtype=np.float64) for level in new])
    counts = np.concatenate([np.full(len(level), 2.0**i) for i, level in enumerate(new)])
    reference = Reference(*weighted(old), int(base["common"]["num_present"]), error_bound(old))
    return reference, Current(values, counts, error_bound(new))


def _texts(base: Document, now: Document) -> tuple[Reference, Current] | None:
    """Texts in the order of their signs, which no data says; those that the baseline does not have come last.

    None where either statistics do not show all of them: which those are, the data says.
    """
    old, new = ({item["value"]: float(item["count"]) for item in _shown(texts)} for texts in (base, now))
    rows, present = base["common"]["num_present"], now["common"]["num_present"]
    if not rows or sum(old.values()) != rows or sum(new.values()) != present:
        return None
    order = sorted(old)
    values = np.arange(len(order) + 1.0)
    shares = np.array([*(old[value] for value in order), 0.0]).cumsum() / rows
    own = [new.get(value, 0.0) for value in order]
    return Reference(values, shares, int(rows), 0.0), Current(values, np.array([*own, present - sum(own)]), 0.0)


def _shown(texts: Document) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = texts.get("distribution", {}).get("categorical", {}).get("buckets", [])
    return found
