"""A writer of schedules: a storm of them over one queue, while the clock is moved and the cloud is killed. Each slot is one message."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from tests.contracts.aws.served import ROLE, Served
from tests.soak.ledger import ask
from tests.soak.writer import Writer

SCHEDULES, EACH = 12, timedelta(minutes=5)
STEP_S = 1200.0


class Storm(Writer):
    """Schedules of every five minutes, all due at the same moments, and a rule of the same: no slot is fired twice, none never."""

    pace_s = 0.2

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        cloud, name = served.cloud, f"{served.name}-storm"
        self._sqs, self._scheduler = cloud.client("sqs"), cloud.client("scheduler")
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        for number in range(SCHEDULES):
            text = json.dumps({"by": str(number), "at": "<aws.scheduler.scheduled-time>"})
            self._scheduler.create_schedule(
                Name=f"{name}-{number}", ScheduleExpression="cron(0/5 * * * ? *)", FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": arn, "RoleArn": ROLE, "Input": text},
            )  # fmt: skip
        events = cloud.client("events")
        events.put_rule(Name=name, ScheduleExpression="cron(0/5 * * * ? *)")
        template = {"InputPathsMap": {"at": "$.time"}, "InputTemplate": '{"by": "rule", "at": <at>}'}
        target = {"Id": "q", "Arn": arn, "InputTransformer": template}
        events.put_targets(Rule=name, Targets=[target, {**target, "Id": "again"}])
        self._begin = self._time()
        self.seen: Counter[tuple[str, str]] = Counter()

    def _time(self) -> datetime:
        return datetime.fromisoformat(ask(lambda: self.served.cloud.admin.call("status"))["time"])

    def step(self) -> None:
        ask(lambda: self.served.cloud.admin.call("advance", seconds=STEP_S))

    def compare(self) -> list[str]:
        """Only at the end: messages are read then."""
        return []

    def finish(self) -> list[str]:
        clock = self.served.cloud.admin
        ask(lambda: clock.call("clock", speed=0))  # a slot that comes due while messages are read is not expected
        ask(lambda: clock.call("advance", seconds=0))
        end = self._time()
        self._read()
        ask(lambda: clock.call("clock", speed=1))
        slots = []
        at = self._begin.replace(minute=0, second=0, microsecond=0)
        while at <= end:
            if at > self._begin:
                slots.append(at.strftime("%Y-%m-%dT%H:%M:%SZ"))
            at += EACH
        wanted = Counter({(str(number), slot): 1 for number in range(SCHEDULES) for slot in slots})
        wanted.update({("rule", slot): 2 for slot in slots})
        seen = Counter({slot: count for slot, count in self.seen.items() if slot[1] >= slots[0]})
        return sorted(
            f"the slot {slot} was fired {seen[slot]} times" for slot in wanted | seen if seen[slot] != wanted[slot]
        )

    def _read(self) -> None:
        while messages := self._messages():
            for message in messages:
                told = json.loads(message["Body"])
                self.seen[told["by"], told["at"]] += 1
            entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
            ask(self._sqs.delete_message_batch, QueueUrl=self._queue, Entries=entries)

    def _messages(self) -> list[dict[str, Any]]:
        answer = ask(self._sqs.receive_message, QueueUrl=self._queue, MaxNumberOfMessages=10)
        return list(answer.get("Messages", []))
