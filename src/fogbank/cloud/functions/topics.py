"""Messages of topics for functions. In: what was published, and how SNS answered; out: an event for each function that is subscribed."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs

from fogbank.cloud.functions.events import Events
from fogbank.cloud.ground.wire import Answer, Request
from fogbank.cloud.moto.topics import for_functions

MESSAGE_ID = re.compile(rb"<MessageId>([^<]+)</MessageId>")
PUBLISHES = frozenset({"Publish", "PublishBatch"})


def published(events: Events) -> Callable[[Request, Answer], None]:
    """What listens to the calls that moto has answered."""

    def listen(request: Request, answer: Answer) -> None:
        if request.service != "sns":
            return
        form = parse_qs(request.body.decode(errors="replace"))
        topic = (form.get("TopicArn") or form.get("TargetArn") or [""])[0]
        if form.get("Action", [""])[0] not in PUBLISHES or topic.count(":") != 5:
            return
        structures = [values[0] for name, values in form.items() if name.endswith("MessageStructure")]
        for found in MESSAGE_ID.findall(answer.body):
            for function, event in for_functions(topic, found.decode(), structures[0] if structures else ""):
                events.take(function.split(":")[3], function, event)

    return listen
