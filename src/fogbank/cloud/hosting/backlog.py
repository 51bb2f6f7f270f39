"""The queue of asynchronous endpoints: every accepted request to its end, each once.

In: requests (acceptance.py); out: as instances have room for them, their outcomes (deliveries.py). What a killed cloud had accepted is
queued again by the next one; without instances it waits, until its time to live is over on the cloud's clock.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from datetime import datetime
from functools import partial
from typing import NamedTuple

from fogbank.cloud.api.resource import Ground
from fogbank.cloud.ground.wire import Request
from fogbank.cloud.hosting.asynchronous import DEFAULT_CONCURRENCY, HEADER, AsyncRequest
from fogbank.cloud.hosting.deliveries import KIND, Deliveries, InputError
from fogbank.cloud.hosting.endpoints import Endpoints
from fogbank.cloud.hosting.instance import FleetGoneError
from fogbank.cloud.hosting.invocation import TIMED_OUT
from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError
from fogbank.cloud.hosting.notices import Result
from fogbank.cloud.hosting.pool import Seat
from fogbank.cloud.hosting.router import NoTrafficError
from fogbank.cloud.hosting.stages import ComingError, Name
from fogbank.cloud.hosting.variant import Variant
from fogbank.cloud.observe.capture import Recorder, Source
from fogbank.cloud.observe.samples import Samples

log = logging.getLogger("fogbank.cloud")
LOOK_S = 0.2
MINUTE = 60
MOST_MINUTES = 1440
ATTEMPTS = 3
"""So often a request is asked whose instance dies of it, or beside it."""
GRACE_S = 2.0
"""A stop waits for answers so long."""
PAUSE_S = 5.0
"""What could not be concluded, on a full disk, is tried again after so long."""
READ_LOGS = "See the SageMaker Endpoint logs in your account for more information."


class Entry(NamedTuple):
    """A request that waits: its id, when it was received and when it is too old, of which making of the endpoint it is."""

    id: str
    received: float
    until: float
    made: float
    attempts: int = 0
    not_before: float = 0.0


class Place(NamedTuple):
    """Where a request is asked."""

    variant: Variant
    seat: Seat


class Asked(NamedTuple):
    """A request that is being answered."""

    entry: Entry
    place: Place


class Backlog:
    """The requests of every asynchronous endpoint; safe from many threads."""

    def __init__(
        self, ground: Ground, endpoints: Endpoints, deliveries: Deliveries, recorder: Recorder, samples: Samples
    ) -> None:
        self._store, self._clock, self._runner = ground.store, ground.clock, ground.runner
        self._endpoints, self._deliveries = endpoints, deliveries
        self._recorder, self._samples = recorder, samples
        self._lock = threading.RLock()
        self._fewer = threading.Condition(self._lock)
        self._waiting: dict[Name, deque[Entry]] = {}
        self._asked: dict[Name, dict[str, Asked]] = {}
        self._minute = 0
        self._closed = False

    def resume(self) -> None:
        """Queue what an earlier process had accepted, and go on from now on."""
        requests = [AsyncRequest.decode(document) for _, _, document in self._store.named(KIND)]
        for request in sorted(requests, key=lambda request: request.received):
            if request.message:
                self._runner.begin(("async", request.region, request.endpoint), partial(self._resumed, request))
            else:
                self._queue(request)
        self._runner.every(("backlog",), LOOK_S, self.turn)

    def close(self, grace_s: float = GRACE_S) -> None:
        """Ask no more, and end the instances of requests that take longer than `grace_s`: they are the next process's."""
        self._closed = True
        with self._fewer:
            self._fewer.wait_for(lambda: not any(self._asked.values()), grace_s)
            held = [asked.place for those in self._asked.values() for asked in those.values()]
        for place in held:
            place.seat.server.kill()

    def forget(self) -> None:
        """Everything was reset: begin anew."""
        with self._lock:
            self._waiting.clear()
            self._asked.clear()
            self._closed = False

    def put(self, request: AsyncRequest) -> None:
        """Take a request; when this returns it is in the store."""
        self._store.put(KIND, request.region, request.id, request.encode())
        self._queue(request)
        self._dispatch((request.region, request.endpoint))

    def turn(self) -> None:
        """Let requests go that are too old or whose endpoint is gone, ask those for which there is room, and measure."""
        with self._lock:
            names = [name for name, waiting in self._waiting.items() if waiting]
        for name in names:
            self._expire(name)
            self._dispatch(name)
        minute = int(self._clock.epoch() // MINUTE)
        if minute != self._minute:
            self._minutes(range(minute, minute + 1))

    def catch_up(self, until: datetime) -> None:
        """Measure every minute up to a moment that the clock has not reached, so that alarms find them on the way; a day's at most."""
        last = int(until.timestamp() // MINUTE)
        self._minutes(range(max(int(self._clock.epoch() // MINUTE), self._minute, last - MOST_MINUTES) + 1, last + 1))

    def _minutes(self, minutes: range) -> None:
        names = [
            (record.region, record.name)
            for record in (self._endpoints.all() if minutes else ())
            if record.state.live is not None and record.state.live.asynchronous is not None
        ]
        for minute in minutes:
            self._minute = minute
            for name in names:
                self._measure(name, max(self._clock.epoch(), minute * MINUTE))

    def _queue(self, request: AsyncRequest) -> None:
        entry = Entry(request.id, request.received, request.received + request.ttl_s, request.endpoint_made)
        name = (request.region, request.endpoint)
        with self._lock:
            self._waiting.setdefault(name, deque()).append(entry)
        self._measure(name)

    # Asking.

    def _dispatch(self, name: Name) -> None:
        """Ask as many as there is room for."""
        with self._lock:
            waiting = self._waiting.get(name)
            while waiting and not self._closed and waiting[0].not_before <= time.monotonic():
                place = self._place(name)
                if place is None:
                    return
                entry = waiting.popleft()
                self._asked.setdefault(name, {})[entry.id] = Asked(entry, place)
                key = ("async", *name)
                self._runner.begin(key, partial(self._ask, name, entry, place), partial(self._again, name, entry))

    def _place(self, name: Name) -> Place | None:
        """A variant's instance that has room, or None."""
        try:
            router = self._endpoints.router(*name)
            variant = router.pick() if router is not None else None
            seat = variant.pool.take() if variant is not None and not self._crowded(name, variant) else None
        except (ComingError, NoTrafficError, FleetGoneError, InstanceDownError):
            return None
        return Place(variant, seat) if variant is not None and seat is not None else None

    def _crowded(self, name: Name, variant: Variant) -> bool:
        """Whether as many are asked as may be, of an endpoint that has become one for InvokeEndpoint: what it had accepted goes on."""
        return not variant.plan.asynchronous and len(self._asked.get(name, ())) >= DEFAULT_CONCURRENCY

    def _ask(self, name: Name, entry: Entry, place: Place, stop: threading.Event) -> None:
        """One request, from its input to its outcome; in a task of its own."""
        source = place.variant.plan.source
        result = None
        try:
            document = self._store.get(KIND, name[0], entry.id)
            request = AsyncRequest.decode(document) if document else None  # a reset may have come first
            if request and not request.message:
                result = self._result(source, request, place)
        except InstanceDownError as error:
            leaving = place.seat.leaving or self._closed or stop.is_set()
            if leaving or entry.attempts + 1 < ATTEMPTS:
                self._again(name, entry._replace(attempts=entry.attempts + (not leaving)), error, 0.0)
                return
            result = Result(reason=f"ClientError: the container died while it answered: {error}. {READ_LOGS}")
        finally:
            place.variant.pool.leave(place.seat)
        if request and result:
            self._deliveries.conclude(source, request, result)
        elif request:  # its outcome was written down before, and could not be concluded
            self._deliveries.resume(request)
        self._done(name, entry)
        self._dispatch(name)

    def _result(self, source: Source, request: AsyncRequest, place: Place) -> Result:
        """Ask the container. Raises InstanceDownError."""
        backlog_s = self._clock.epoch() - request.received
        self._samples.add(source, "TimeInBacklog", backlog_s * 1e3, "Milliseconds")
        try:
            body = self._deliveries.fetch(source, request)
            started = time.perf_counter()
            reply = place.seat.server.invoke(body, request.headers, request.timeout_s)
        except InputError as error:
            return Result(reason=str(error))
        except InstanceTimeoutError:
            self._count(source, 0)
            return Result(reason=f"ClientError: {TIMED_OUT}")
        self._samples.add(source, "ModelLatency", (time.perf_counter() - started) * 1e6, "Microseconds")
        self._count(source, reply.status)
        headers = {key.lower(): value for key, value in reply.headers.items()}
        if 200 <= reply.status < 300:
            self._capture(source, request, place, body, Result(body=reply.data, headers=headers))
            return Result(body=reply.data, headers=headers)
        kind = "client" if 400 <= reply.status < 500 else "server"
        reason = f"ClientError: Received {kind} error ({reply.status}) from model. {READ_LOGS}"
        return Result(body=reply.data, headers=headers, reason=reason)

    def _capture(self, source: Source, request: AsyncRequest, place: Place, body: bytes, result: Result) -> None:
        if capture := place.variant.plan.capture:
            headers = {**request.headers, HEADER + "inference-id": request.inference_id}
            asked = Request(method="POST", path="", query="", headers=headers, body=body)
            self._recorder.record(asked, source, capture, result.body, result.content_type)
            self._recorder.write()

    def _count(self, source: Source, status: int) -> None:
        self._samples.add(source, "Invocation4XXErrors", float(400 <= status < 500))
        self._samples.add(source, "Invocation5XXErrors", float(status >= 500 or status == 0))

    def _again(self, name: Name, entry: Entry, error: Exception, pause_s: float = PAUSE_S) -> None:
        """It is asked once more, as the first of those that wait."""
        log.warning("endpoint %s: the request %s is asked again: %s", name[1], entry.id, error)
        with self._fewer:
            self._fewer.notify_all()
            if self._asked.get(name, {}).pop(entry.id, None) is not None:
                again = entry._replace(not_before=time.monotonic() + pause_s)
                self._waiting.setdefault(name, deque()).appendleft(again)

    def _done(self, name: Name, entry: Entry) -> None:
        with self._fewer:
            self._asked.get(name, {}).pop(entry.id, None)
            self._fewer.notify_all()
        self._measure(name)

    def _resumed(self, request: AsyncRequest, stop: threading.Event) -> None:
        self._deliveries.resume(request)

    # Letting go.

    def _expire(self, name: Name) -> None:
        """Let those go that are too old, and those of an endpoint that was deleted."""
        record, now = self._endpoints.find(*name), self._clock.epoch()
        made = record.public["CreationTime"] if record is not None else None
        with self._lock:
            waiting = self._waiting.setdefault(name, deque())
            orphans = [entry for entry in waiting if entry.made != made]
            old = [entry for entry in waiting if entry.made == made and entry.until <= now]
            for entry in (*orphans, *old):
                waiting.remove(entry)
        for entry in orphans:
            self._store.delete(KIND, name[0], entry.id)
        variants = record.state.variants if record is not None else ()
        source = Source(*name, variants[0] if variants else "")
        for entry in old:
            try:
                self._let_go(source, entry)
            except (OSError, sqlite3.Error) as error:  # a full disk: the next turn comes
                log.warning("endpoint %s: the request %s is not concluded yet: %s", name[1], entry.id, error)
                with self._lock:
                    waiting.append(entry)
        if orphans or old:
            self._measure(name)

    def _let_go(self, source: Source, entry: Entry) -> None:
        document = self._store.get(KIND, source.region, entry.id)
        if document is not None:
            request = AsyncRequest.decode(document)
            self._samples.add(source, "ExpiredRequests", 1, "Count")
            reason = f"ClientError: the request was {request.ttl_s:g} seconds in the queue and has expired."
            self._deliveries.conclude(source, request, Result(reason=reason))

    def _measure(self, name: Name, at: float | None = None) -> None:
        """What is in the queue, as CloudWatch has it, now or at a moment to come."""
        now = self._clock.epoch() if at is None else at
        with self._lock:
            waiting, asked = self._waiting.get(name, ()), self._asked.get(name, {})
            times = [entry.received for entry in (*waiting, *(each.entry for each in asked.values()))]
        instances = sum(self._endpoints.stages.running(name).live.values())
        source = Source(*name, "")
        self._samples.add(source, "ApproximateBacklogSize", len(times), "Count", now)
        oldest_s = max(0.0, now - min(times)) if times else 0.0
        self._samples.add(source, "ApproximateAgeOfOldestRequest", oldest_s, "Seconds", now)
        self._samples.add(source, "HasBacklogWithoutCapacity", float(bool(times) and not instances), "Count", now)
        if instances:
            self._samples.add(source, "ApproximateBacklogSizePerInstance", len(times) / instances, "Count", now)
