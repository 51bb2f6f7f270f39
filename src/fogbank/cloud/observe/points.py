"""What CloudWatch keeps: for each metric a summary of its values a minute, in a SQLite file of their own.

In: summaries of series; out: the same, for any stretch of time. Points get coarser with age and go, as CloudWatch's do: a second's after
3 hours, a minute's after 15 days, five minutes' after 63 days, an hour's after 455 days. What is added is in the file when `add` returns.
Beside the points of an hour that is over lies their sum, for those who read weeks by the hour or by the day.
Source: CloudWatch User Guide, "Metrics retention".
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from fogbank.cloud.observe.summary import Summary, merged, pack, unpack

log = logging.getLogger("fogbank.cloud")
DAMAGED = ".damaged"
MINUTE = 60
HOUR = 3600
SUM = -HOUR
"""The seconds of a row that sums up the finer points of an hour, which are there as well."""
FINER = "seconds IN (1, 60, 300)"
DAY_S = 86400
LADDER: Sequence[tuple[int, int, int | None]] = (
    (1, 3 * 3600, MINUTE),
    (MINUTE, 15 * DAY_S, 300),
    (300, 63 * DAY_S, 3600),
    (3600, 455 * DAY_S, None),
)
"""Seconds of a point, seconds for which it is kept so, and the seconds of the point that takes it in."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, account TEXT, region TEXT, namespace TEXT, name TEXT, dimensions TEXT, unit TEXT, last REAL,
    UNIQUE (account, region, namespace, name, dimensions, unit));
CREATE TABLE IF NOT EXISTS points (
    series INTEGER, seconds INTEGER, start INTEGER, count REAL, total REAL, least REAL, most REAL, buckets BLOB,
    PRIMARY KEY (series, seconds, start)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS points_age ON points (seconds, start);
CREATE TABLE IF NOT EXISTS taken (source TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS summed (until INTEGER);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One metric as CloudWatch tells them apart. `dimensions` are in the order of their names; each unit is a series of its own."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str = "None"

    def of_unit(self, unit: str) -> Series:
        """The same metric in another unit."""
        return replace(self, unit=unit)

    def row(self) -> tuple[str, ...]:
        """As the table has it."""
        return (self.account, self.region, self.namespace, self.name, json.dumps(self.dimensions), self.unit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A summary of the `seconds` from `start` on (since 1970)."""

    series: Series
    seconds: int
    start: int
    summary: Summary


class Points:
    """The points of every account and region; safe from many threads. A file that is none is put aside."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._db = _open(file)
        except sqlite3.DatabaseError as error:
            aside = file.with_suffix(DAMAGED)
            log.warning("metrics begin anew: %s is damaged (%s) and lies in %s", file.name, error, aside.name)
            file.replace(aside)
            for more in ("-wal", "-shm"):
                file.with_name(file.name + more).unlink(missing_ok=True)
            self._db = _open(file)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def clear(self) -> None:
        """Forget everything."""
        with self._transaction():
            for table in ("points", "series", "taken", "summed"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant

    def add(self, points: Iterable[Point], source: str = "") -> None:
        """Add, all or nothing; what came from the `source` that was added last, of those of its suffix, is left out. Raises sqlite3.Error."""
        with self._transaction():
            if source:
                if self._db.execute("SELECT 1 FROM taken WHERE source=?", (source,)).fetchone():
                    return
                self._db.execute("DELETE FROM taken WHERE source LIKE ?", (f"%{Path(source).suffix}",))
                self._db.execute("INSERT INTO taken VALUES (?)", (source,))
            summed = self._summed()
            for point in points:
                number = self._number(point.series, point.start)
                self._merge(number, point.seconds, point.start, point.summary)
                if point.seconds < HOUR and point.start < summed:  # it comes late
                    self._merge(number, SUM, point.start // HOUR * HOUR, point.summary)

    def between(self, like: Series, start: int, end: float, period: int = 1, *, histograms: bool = True) -> list[Point]:
        """What a metric had in a stretch of time, summed up by periods from `start` on, the earliest first; of every unit where `like` has
        none. Without their histograms, where nobody asks for percentiles: they are most of what is to be read."""
        columns = "unit, (start - ?) / ? AS number, min(abs(seconds)), sum(count), sum(total), min(least), max(most)"
        by_hours = start % HOUR == 0 and period % HOUR == 0
        with self._lock:
            summed = min(self._summed(), int(end) // HOUR * HOUR) if by_hours else start
            stretch = (start, end, max(start, summed))
            rows = self._find(columns, "GROUP BY unit, number ORDER BY number", (start, period), like, stretch)
            packed = (
                self._find("unit, (start - ?) / ?, buckets", "", (start, period), like, stretch) if histograms else []
            )
        parts: dict[tuple[str, int], list[bytes | None]] = {}
        for unit, number, buckets in packed:
            parts.setdefault((unit, number), []).append(buckets)
        return [
            Point(
                series=like.of_unit(unit),
                seconds=max(seconds, period),
                start=start + number * period,
                summary=Summary(count, total, least, most, merged(parts.get((unit, number), [None]))),
            )
            for unit, number, seconds, count, total, least, most in rows
        ]

    def _find(
        self, columns: str, order: str, values: tuple[int, int], like: Series, stretch: tuple[float, float, float]
    ) -> list[tuple[Any, ...]]:
        """What lies between a start and an end; before a third moment sums of hours, where there are finer points."""
        start, end, summed = stretch
        rows = "SELECT series.unit, points.* FROM series JOIN points ON series = id WHERE"  # the planner looks the points up by their key
        mine = "account=? AND region=? AND namespace=? AND name=? AND dimensions=? AND (?='' OR unit=?)"
        within = "start>=? AND start<?"
        statement = (
            f"SELECT {columns} FROM ({rows} {mine} AND seconds={HOUR} AND {within}"  # noqa: S608 - constants of this file
            f" UNION ALL {rows} {mine} AND seconds={SUM} AND {within} UNION ALL {rows} {mine} AND {FINER} AND {within}) {order}"
        )
        named = (*like.row(), like.unit)
        return self._db.execute(
            statement, (*values, *named, start, end, *named, start, summed, *named, summed, end)
        ).fetchall()

    def known(self, account: str, region: str, since: float, namespace: str = "", name: str = "") -> list[Series]:
        """The series of a region with points since a moment, the first that was put first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT namespace, name, dimensions FROM series WHERE account=? AND region=? AND last>=?"
                " AND (?='' OR namespace=?) AND (?='' OR name=?) GROUP BY namespace, name, dimensions ORDER BY min(id)",
                (account, region, since, namespace, namespace, name, name),
            ).fetchall()
        return [
            Series(
                account=account,
                region=region,
                namespace=space,
                name=named,
                dimensions=tuple((key, value) for key, value in json.loads(dimensions)),
            )
            for space, named, dimensions in rows
        ]

    def age(self, now: float) -> None:
        """Make what is old coarser, and let go what is too old."""
        for seconds, kept_s, coarser in LADDER:
            whole = coarser or seconds
            before = int(now - kept_s) // whole * whole
            with self._transaction():
                if coarser is not None:
                    self._coarsen(seconds, coarser, before)
                self._db.execute("DELETE FROM points WHERE seconds=? AND start<?", (seconds, before))
                if coarser == HOUR:  # the hour's own point takes the place of its sum
                    self._db.execute("DELETE FROM points WHERE seconds=? AND start<?", (SUM, before))
        self._sum_up(int(now) // HOUR * HOUR)
        with self._transaction():
            self._db.execute("DELETE FROM series WHERE id NOT IN (SELECT series FROM points)")

    def _summed(self) -> int:
        """The moment before which every hour's finer points are summed up."""
        row = self._db.execute("SELECT max(until) FROM summed").fetchone()
        return int(row[0] or 0)

    def _sum_up(self, until: int) -> None:
        """Sum up the hours that are over: each in a transaction, so that others need not wait for all."""
        with self._lock:
            hours = self._hours(self._summed(), until)
        for moment in (*((hour + 1) * HOUR for hour in hours), until):
            with self._transaction():
                self._sum_to(moment)

    def _sum_to(self, moment: int) -> None:
        """Move the moment, with every hour below it summed up: to one that was idle, a point may just have come."""
        summed = self._summed()
        if moment <= summed:
            return
        for hour in self._hours(summed, moment):
            self._sum_hour(hour * HOUR)
        self._db.execute("DELETE FROM summed")
        self._db.execute("INSERT INTO summed VALUES (?)", (moment,))

    def _hours(self, start: int, end: int) -> list[int]:
        """The hours since 1970 that have finer points between two moments."""
        statement = f"SELECT DISTINCT start / {HOUR} FROM points WHERE {FINER} AND start>=? AND start<? ORDER BY 1"  # noqa: S608 - likewise
        return [int(hour) for (hour,) in self._db.execute(statement, (start, end)).fetchall()]

    def _sum_hour(self, start: int) -> None:
        columns = "series, count, total, least, most, buckets"
        statement = f"SELECT {columns} FROM points WHERE {FINER} AND start>=? AND start<? ORDER BY series"  # noqa: S608 - likewise
        rows = self._db.execute(statement, (start, start + HOUR)).fetchall()
        for series, group in groupby(rows, key=itemgetter(0)):
            _, counts, totals, leasts, mosts, packed = zip(*group, strict=True)
            sums = (sum(counts), sum(totals), min(leasts), max(mosts), pack(merged(packed)))
            self._db.execute(
                "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (series, SUM, start, *sums)
            )

    def _coarsen(self, seconds: int, coarser: int, before: int) -> None:
        rows = self._db.execute(
            "SELECT series, start, count, total, least, most, buckets FROM points WHERE seconds=? AND start<?",
            (seconds, before),
        )
        for number, start, count, total, least, most, buckets in rows.fetchall():
            summary = Summary(count, total, least, most, unpack(buckets))
            self._merge(number, coarser, start // coarser * coarser, summary)

    def _number(self, series: Series, at: float) -> int:
        row = self._db.execute(
            "INSERT INTO series (account, region, namespace, name, dimensions, unit, last) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET last = max(last, excluded.last) RETURNING id",
            (*series.row(), at),
        ).fetchone()
        return int(row[0])

    def _merge(self, number: int, seconds: int, start: int, summary: Summary) -> None:
        row = self._db.execute(
            "SELECT count, total, least, most, buckets FROM points WHERE series=? AND seconds=? AND start=?",
            (number, seconds, start),
        ).fetchone()
        whole = Summary()
        if row:
            whole = Summary(row[0], row[1], row[2], row[3], unpack(row[4]))
        whole.add(summary)
        self._db.execute(
            "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, seconds, start, whole.count, whole.total, whole.least, whole.most, pack(whole.buckets)),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _open(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(SCHEMA)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
