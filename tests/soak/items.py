"""A writer of other services that moto has: a table's items, a secret, a schedule."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.contracts.aws.served import Served
from tests.soak.ledger import Cell, ask
from tests.soak.writer import Writer


class Items(Writer):
    """Items of other services that moto has: a table's, a secret's, a schedule's."""

    pace_s = 0.02

    def __init__(self, served: Served, chance: random.Random) -> None:
        super().__init__(served, chance)
        cloud, name = served.cloud, served.name
        self._dynamo, self._secrets = cloud.client("dynamodb"), cloud.client("secretsmanager")
        self._scheduler = cloud.client("scheduler")
        self._dynamo.create_table(
            TableName=name, KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        )  # fmt: skip
        self._secrets.create_secret(Name=name, SecretString="0")
        self._target = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": "arn:aws:iam::123456789012:role/r"}
        self._schedule("0", self._scheduler.create_schedule)
        self._rows = [Cell[str | None](f"item {i}", None) for i in range(8)]
        self._secret, self._described = Cell[str](f"secret {name}", "0"), Cell[str](f"schedule {name}", "0")

    def step(self) -> None:
        value = str(self.steps)
        match self.chance.randrange(4):
            case 0:
                put = {"SecretId": self.served.name, "SecretString": value}
                self._secret.write(value, lambda: ask(self._secrets.put_secret_value, **put))
            case 1:
                self._described.write(value, lambda: self._schedule(value, self._scheduler.update_schedule))
            case 2:
                row = self.chance.choice(self._rows)
                key = {"TableName": self.served.name, "Key": {"k": {"S": row.name}}}
                row.write(None, lambda: ask(self._dynamo.delete_item, **key))
            case _:
                row = self.chance.choice(self._rows)
                item = {"TableName": self.served.name, "Item": {"k": {"S": row.name}, "v": {"S": value}}}
                row.write(value, lambda: ask(self._dynamo.put_item, **item))

    def _schedule(self, description: str, call: Callable[..., Any]) -> None:
        ask(
            call, Name=self.served.name, Description=description, ScheduleExpression="rate(365 days)",
            FlexibleTimeWindow={"Mode": "OFF"}, Target=self._target,
        )  # fmt: skip

    def compare(self) -> list[str]:
        scanned = ask(self._dynamo.scan, TableName=self.served.name)["Items"]
        there = {item["k"]["S"]: item["v"]["S"] for item in scanned}
        wrong = [problem for row in self._rows for problem in row.compare(there.pop(row.name, None))]
        wrong += [f"{name} is there, and nobody wrote it" for name in there]
        wrong += self._secret.compare(ask(self._secrets.get_secret_value, SecretId=self.served.name)["SecretString"])
        return wrong + self._described.compare(
            ask(self._scheduler.get_schedule, Name=self.served.name).get("Description", "")
        )
