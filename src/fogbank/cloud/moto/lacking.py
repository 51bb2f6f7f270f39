"""What moto would keep and nobody would carry out, or answer as done without doing it, is refused by name: pipes, executions of state machines.

In: a request; out: the refusal, or nothing. State machines themselves are moto's.
"""

from __future__ import annotations

import re

from fogbank.cloud.ground.wire import Answer, Request, error_answer

PIPE = re.compile(r"/v1/pipes/[^/]+(/start)?")
EXECUTIONS = frozenset({"StartExecution", "StartSyncExecution", "RedriveExecution", "TestState"})
OPERATIONS = frozenset({
    *(("stepfunctions", name) for name in EXECUTIONS),
    *(("pipes", name) for name in ("CreatePipe", "UpdatePipe", "StartPipe")),
})  # fmt: skip
"""By boto3's name of the service."""
PIPES = (
    "the local cloud does not carry out EventBridge pipes yet; they are refused, not ignored: an event source mapping of a Lambda function "
    "reads a queue, a rule hands events to targets"
)
MACHINES = (
    "the local cloud keeps state machines and does not run them; an execution is refused, not called done: a Lambda function, or a schedule "
    "with a target, can start what it would"
)


def refusal(request: Request) -> Answer | None:
    """Why it is not done; None where it is not one of these."""
    if request.service == "pipes" and request.method in {"POST", "PUT"} and PIPE.fullmatch(request.path):
        return error_answer(request, 501, "NotImplemented", PIPES)
    operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if request.service == "states" and operation in EXECUTIONS:
        return error_answer(request, 501, "NotImplemented", MACHINES)
    return None
