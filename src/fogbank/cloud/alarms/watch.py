"""Alarms on the cloud's clock: each is evaluated every minute (every ten seconds, where its period is shorter than a minute), in order.

In: beats of the clock, as time passes or as it is moved; out: alarms in their states. Where no alarm's metric has a value the beats that
could change nothing are left out, so that weeks without traffic take no time. Source: CloudWatch User Guide, "Alarm evaluation".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from fogbank.cloud.alarms.book import Alarm, Book
from fogbank.cloud.alarms.changes import BEFORE, MEMBERS, Changes
from fogbank.cloud.alarms.evaluation import Verdict, evaluate
from fogbank.cloud.alarms.readings import Periods, has_points, period_of, question_of, read
from fogbank.cloud.alarms.rule import read as read_rule
from fogbank.cloud.alarms.told import time_of
from fogbank.cloud.observe.expressions import ExpressionError

log = logging.getLogger("fogbank.cloud")
MINUTE, SHORT = 60, 10
MISSED = 3
"""So many beats are made up for while time passes by itself; of more, the machine having slept, the last one is."""


class Watch:
    """Evaluates alarms. `before` carries out what else goes by the clock up to a moment, before the alarms of that moment."""

    def __init__(self, book: Book, changes: Changes, periods: Periods, before: Callable[[datetime], None]) -> None:
        self._book, self._changes, self._periods, self._before = book, changes, periods, before
        self._last = int(book.clock.epoch())

    def catch_up(self, until: datetime) -> None:
        """Every beat up to a moment that the clock has not reached, each at its own time."""
        end = until.timestamp()
        while (moment := self._next()) <= end and (alarms := self._book.all()):
            self._before(_moment(moment))
            self._book.clock.move_to(_moment(moment))
            self._beat(moment, alarms)
            if self._is_quiet(moment, end):
                break
        self._last = max(self._last, int(end))
        self._before(until)

    def turn(self, alone: Callable[[], AbstractContextManager[None]]) -> None:
        """The beats that are due by now; nothing else goes by the clock meanwhile."""
        with alone():
            self._turn(self._book.clock.epoch())

    def _turn(self, now: float) -> None:
        beats = []
        while (moment := self._next()) <= now:
            beats.append(moment)
            self._last = moment
        for moment in beats[-1:] if len(beats) > MISSED else beats:
            self._beat(moment, self._book.all())

    def _next(self) -> int:
        short = any(not alarm.is_composite and period_of(alarm) < MINUTE for alarm in self._book.all())
        step = SHORT if short else MINUTE
        return self._last // step * step + step

    def _beat(self, moment: int, alarms: list[Alarm]) -> None:
        self._last = moment
        for alarm in alarms:
            if BEFORE in alarm.document:
                self._changes.finish(alarm)
        for alarm in alarms:
            if not alarm.is_composite and (moment % MINUTE == 0 or period_of(alarm) < MINUTE):
                self._look(alarm, moment)
        for alarm in self._book.all():
            if alarm.is_composite and self._is_behind(alarm):
                self._changes.follow(alarm)

    def _look(self, alarm: Alarm, moment: int) -> None:
        """Evaluate one alarm; whatever is wrong with it, the others are evaluated."""
        question = question_of(alarm)
        try:
            data = read(alarm, moment, question.range, self._periods)
            verdict = evaluate(data, question)
        except ExpressionError as error:
            log.warning("alarm %s: %s", alarm.name, error)
            return
        newest = next((datum.value for datum in reversed(data) if datum is not None), None)
        state = verdict.state if verdict else alarm.state
        first = alarm.document["StateReason"].startswith("Unchecked")
        if verdict is not None and (state != alarm.state or first):
            reason = json.dumps(_reason_data(alarm, verdict, self._book.clock.epoch()))
            self._changes.move(alarm, state, verdict.reason, reason, newest)
        elif _scales(alarm):
            self._changes.act(alarm, alarm, newest, "autoscaling")

    def _is_behind(self, composite: Alarm) -> bool:
        """Whether an alarm that it names has changed since: a killed process had not come to it."""
        names = read_rule(composite.document["AlarmRule"]).names
        named = [self._book.find(composite.account, composite.region, name) for name in names]
        since = composite.document["StateUpdatedTimestamp"]
        return any(alarm is None or alarm.document["StateUpdatedTimestamp"] > since for alarm in named)

    def _is_quiet(self, moment: int, end: float) -> bool:
        """Whether every later beat up to `end` would find what this one has found."""
        alarms = [alarm for alarm in self._book.all() if not alarm.is_composite]
        if any(_scales(alarm) or alarm.document["StateUpdatedTimestamp"] >= moment for alarm in alarms):
            return False
        for alarm in alarms:
            start = moment - question_of(alarm).range * period_of(alarm)
            if has_points(alarm, start, end, self._periods):
                return False
        return True


def _scales(alarm: Alarm) -> bool:
    """Whether its present state has actions that are done again every minute."""
    arns = alarm.document.get(MEMBERS[alarm.state], [])
    return any(arn.split(":")[2] == "autoscaling" for arn in arns)


def _reason_data(alarm: Alarm, verdict: Verdict, now: float) -> dict[str, object]:
    document = alarm.document
    starts = [datum.at for datum in verdict.evaluated]
    statistic = document.get("Statistic") or document.get("ExtendedStatistic")
    return {
        "version": "1.0",
        "queryDate": time_of(now),
        **({"startDate": time_of(min(starts))} if starts else {}),
        **({"unit": document["Unit"]} if "Unit" in document else {}),
        **({"statistic": statistic} if statistic else {}),
        "period": period_of(alarm),
        "recentDatapoints": [datum.value for datum in reversed(verdict.evaluated)],
        "threshold": document["Threshold"],
        "evaluatedDatapoints": [
            {"timestamp": time_of(datum.at), "sampleCount": datum.samples, "value": datum.value}
            for datum in verdict.evaluated
        ],
    }


def _moment(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)
