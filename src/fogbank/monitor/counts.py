"""Counts of texts in bounded memory: the frequent ones, and how many different ones there are. Both merge.

Sources: Misra, Gries, "Finding repeated elements" (1982), merged as in Agarwal et al., "Mergeable Summaries" (2012); Bar-Yossef et al.,
"Counting distinct elements in a data stream" (2002): the k smallest hashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from fogbank.monitor.sketch import Floats

CAPACITY = 2000
"""So many texts are kept; up to twice as many are while they come in."""
HASHES = 4096
"""Of so many hashes the standard error is 1.6 %; up to that many different values the number is exact."""
Hashes = NDArray[np.uint64]
Times = NDArray[np.int64]
NO_NUMBERS, NO_TIMES = np.empty(0), np.empty(0, np.int64)


class Frequent:
    """The frequent texts of a column. A count is too low by `error` at most, never too high; `error` is 0 up to 4000 different texts, and
    never above a two-thousandth of all. Numbers alone are made texts when somebody asks which they are, for of most columns nobody does."""

    def __init__(self) -> None:
        self.error = 0
        self._counts: Counter[str] = Counter()
        self._numbers, self._times = NO_NUMBERS, NO_TIMES

    @property
    def full(self) -> bool:
        """Whether there are too many different texts for each of them to be counted."""
        return len(self._counts) + len(self._numbers) > CAPACITY or self.error > 0

    def add(self, counts: Mapping[str, int]) -> None:
        """Take counted texts."""
        self._texts().update(counts)
        self._settle()

    def add_numbers(self, ordered: Floats) -> None:
        """Take numbers in ascending order."""
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        if len(starts) == len(ordered) > 2 * CAPACITY:
            self.error += 1  # each is there once: none of them is frequent
            return
        counts = np.diff(starts, append=len(ordered))
        if len(counts) > 2 * CAPACITY:
            least = _loss(counts, len(ordered) // CAPACITY)
            self.error += least
            counts = counts - least
        kept = counts > 0
        self._take(ordered[starts[kept]], counts[kept])

    def merge(self, other: Frequent) -> None:
        """Take what another one has counted."""
        self.error += other.error
        self._take(other._numbers, other._times)
        if other._counts:
            self.add(other._counts)

    def most(self, number: int) -> list[tuple[str, int]]:
        """The most frequent texts, by their count and then by themselves: in whatever order they came."""
        return sorted(self._texts().items(), key=lambda item: (-item[1], item[0]))[:number]

    def within(self, texts: Iterable[str]) -> int:
        """How many of the counted are one of these texts."""
        counts = self._texts()
        return sum(counts[text] for text in set(texts))

    def _take(self, numbers: Floats, times: Times) -> None:
        """Take different numbers, each so many times: as numbers, unless there are texts."""
        if self._counts:
            self.add(_as_texts(numbers, times))
            return
        if len(self._numbers) and len(numbers):
            numbers, where = np.unique(np.concatenate([self._numbers, numbers]), return_inverse=True)
            times = np.bincount(where, np.concatenate([self._times, times])).astype(np.int64)
        elif len(self._numbers):
            return
        if len(numbers) > 2 * CAPACITY:
            least = int(np.partition(times, -CAPACITY - 1)[-CAPACITY - 1])
            self.error += least
            numbers, times = numbers[times > least], times[times > least] - least
        self._numbers, self._times = numbers, times

    def _texts(self) -> Counter[str]:
        """What is counted, with no number left that is none."""
        if len(self._numbers):
            numbers, times = self._numbers, self._times
            self._numbers, self._times = NO_NUMBERS, NO_TIMES
            self._counts.update(_as_texts(numbers, times))
        return self._counts

    def _settle(self) -> None:
        if len(self._counts) > 2 * CAPACITY:
            least = sorted(self._counts.values(), reverse=True)[CAPACITY]
            self.error += least
            self._counts = Counter({text: count - least for text, count in self._counts.items() if count > least})


def _as_texts(numbers: Floats, times: Times) -> dict[str, int]:
    return dict(zip(map(number_text, numbers.tolist()), times.tolist(), strict=True))


def _loss(counts: NDArray[np.int64], limit: int) -> int:
    """The most that each of many counts may lose so that all of them together lose `CAPACITY` times as much, of which `limit` is the most:
    so the bound of the error holds, and few are kept."""
    at_least = np.bincount(np.minimum(counts, limit + 1))[::-1].cumsum()[::-1]
    lost = at_least[1:].cumsum()
    return int(np.flatnonzero(lost >= CAPACITY * np.arange(1, len(lost) + 1))[-1]) + 1


class Distinct:
    """How many different values there are. A number is one value however it is written."""

    def __init__(self) -> None:
        self._smallest: Hashes = np.empty(0, np.uint64)

    def add_texts(self, texts: Iterable[str]) -> None:
        """Take texts that are no numbers."""
        digests = b"".join(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
        self._take(np.frombuffer(digests, np.uint64))

    def add_numbers(self, values: Floats) -> None:
        """Take numbers."""
        bits = (values + 0.0).view(np.uint64)  # -0.0 is 0.0
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # splitmix64
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        self._take(bits ^ (bits >> np.uint64(31)))

    def merge(self, other: Distinct) -> None:
        """Take what another one has seen."""
        self._take(other._smallest)

    def count(self) -> float:
        """The number of different values: exact up to 4096."""
        if len(self._smallest) < HASHES:
            return float(len(self._smallest))
        return float(round((HASHES - 1) / ((float(self._smallest[-1]) + 1) / 2.0**64)))

    def _take(self, hashes: Hashes) -> None:
        if len(self._smallest) == HASHES:
            hashes = hashes[hashes < self._smallest[-1]]
        if len(hashes):
            ordered = np.sort(np.concatenate([self._smallest, np.sort(hashes)]), kind="stable")
            self._smallest = ordered[np.append(True, ordered[1:] != ordered[:-1])][:HASHES]


def number_text(value: float) -> str:
    """A number as a text: a whole one without a point.

    >>> number_text(3.0), number_text(0.1)
    ('3', '0.1')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
