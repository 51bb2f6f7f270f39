"""/metrics: the scoreboard in Prometheus' text format (version 0.0.4), of all workers together, whichever one answers.

The numbers are shared memory rather than prometheus-client's files per process: a request costs half a microsecond, and a
worker that was killed leaves nothing to clean up (docs/decisions/0005-server.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fogbank.serve.scoreboard import ROWS, SECONDS, STATUSES, Field, Scoreboard, State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(board: Scoreboard) -> bytes:
    """Every metric, with its help and type."""
    return ("\n".join(_lines(board)) + "\n").encode()


def _lines(board: Scoreboard) -> Iterator[str]:
    yield from _head(
        "fogbank_requests_total", "counter", "Invocations answered, by status; other is any status not listed."
    )
    for i, status in enumerate(STATUSES):
        yield f'fogbank_requests_total{{status="{status or "other"}"}} {_number(board.total(Field.ANSWERS + i))}'
    what = "Seconds from the first byte of an invocation to its answer."
    yield from _histogram(board, "fogbank_request_seconds", what, SECONDS, Field.REQUEST_SUM)
    what = "Seconds in the handler, a run; a run may answer several invocations."
    yield from _histogram(board, "fogbank_handler_seconds", what, SECONDS, Field.MODEL_SUM)
    yield from _histogram(board, "fogbank_batch_requests", "Invocations answered by one run.", ROWS, Field.BATCH_SUM)
    for name, kind, field, what in PLAIN:
        yield from _head(name, kind, what)
        yield f"{name} {_number(board.total(field))}"
    yield from _head("fogbank_workers", "gauge", "Workers, by state.")
    states = [slot.state for slot in board.slots]
    for state in State:
        yield f'fogbank_workers{{state="{state.name.lower()}"}} {states.count(state)}'


PLAIN = (
    ("fogbank_request_bytes_total", "counter", Field.BYTES_IN, "Bytes of invocations' bodies."),
    ("fogbank_response_bytes_total", "counter", Field.BYTES_OUT, "Bytes of their answers."),
    ("fogbank_requests_held", "gauge", Field.HELD, "Invocations running or waiting now."),
    ("fogbank_connections", "gauge", Field.CONNECTIONS, "Open connections."),
    ("fogbank_handler_cut_off_total", "counter", Field.CUT_OFF, "Handlers that ran too long."),
    ("fogbank_worker_restarts_total", "counter", Field.RESTARTS, "Workers that were replaced."),
)


def _head(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"


def _histogram(board: Scoreboard, name: str, what: str, bounds: Sequence[float], first: int) -> Iterator[str]:
    """Cumulative buckets; the sum lies at `first`, the buckets behind it."""
    yield from _head(name, "histogram", what)
    seen = 0.0
    for i, bound in enumerate((*bounds, "+Inf")):
        seen += board.total(first + 1 + i)
        yield f'{name}_bucket{{le="{bound}"}} {_number(seen)}'
    yield f"{name}_sum {_number(board.total(first))}"
    yield f"{name}_count {_number(seen)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
