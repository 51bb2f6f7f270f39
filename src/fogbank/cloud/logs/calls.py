"""CloudWatch Logs' calls about SageMaker's groups: the lines that instances and jobs write, as events; groups are moto's all the same.

In: JSON requests; out: answers. moto has the groups with their tags and retention; what is in a group that fogbank writes is read from the
files where it lies. What moto would answer with nothing (queries, filters to metrics and subscriptions) is refused. Source: CloudWatch Logs
API Reference.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.cloud.api.check import check_input, without_nulls
from fogbank.cloud.api.errors import ApiError, NotOursError
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer
from fogbank.cloud.logs.events import PAGE_BYTES, LogEvent, before, forwards
from fogbank.cloud.logs.marks import Marks
from fogbank.cloud.logs.pattern import Matches, PatternError, matcher
from fogbank.cloud.logs.streams import Stream, Streams
from fogbank.ground.aws import LOCAL_ACCOUNT

PREFIX, TARGET = "/aws/sagemaker/", "Logs_20140328."
MOST, PAGE = 10_000, 50
DAY_MS = 86_400_000
EVER = 1 << 62
LACKING = frozenset({
    "StartQuery", "StartLiveTail", "PutSubscriptionFilter", "PutMetricFilter", "CreateExportTask", "PutLogEvents", "CreateLogStream",
})  # fmt: skip
"""Calls that are refused for these groups: moto, which would take them, sees nothing of what is in them."""
Params = dict[str, Any]
Operation = Callable[[str, str, Params], Params]
Place = tuple[int, str, int]
"""An event's time, its stream and where it begins: in this order FilterLogEvents answers."""


class LogCalls:
    """Answers the calls. `moto` answers a request, `clock` is the cloud's time in seconds."""

    def __init__(
        self, streams: Streams, marks: Marks, moto: Callable[[Request], Answer], clock: Callable[[], float]
    ) -> None:
        self._streams, self._marks, self._moto, self._clock = streams, marks, moto, clock
        self._operations: Mapping[str, Operation] = {
            "DescribeLogStreams": self._describe,
            "GetLogEvents": self._get,
            "FilterLogEvents": self._filter,
            "DeleteLogStream": self._delete_stream,
            "DeleteLogGroup": self._delete_group,
        }

    def takes(self, request: Request) -> bool:
        """Whether the request may be about one of the groups."""
        if request.service != "logs" or not request.headers.get("x-amz-target", "").startswith(TARGET):
            return False
        return _name(request) in {"DescribeLogGroups", "FilterLogEvents"} or PREFIX.encode() in request.body

    def handle(self, request: Request) -> Answer:
        """Answer it. Raises NotOursError where it is about what moto has."""
        name, region = _name(request), request.region
        self._marks.note()
        for group in self._streams.groups(region):
            self._provide(region, group)
        try:
            params = without_nulls(json.loads(request.body or b"{}"))
            group = _group(params)
            ours = bool(self._streams.of(region, group))
            if ours and name in LACKING:
                raise _invalid(
                    f"The local cloud does not have {name} for the log groups of SageMaker; it is refused, not ignored."
                )
            if not ours and name == "FilterLogEvents" and params.get("filterPattern"):
                return self._filter_motos(request, params)
            if not ours or name not in self._operations:
                raise NotOursError(name)
            check_input(params, _model().operation_model(name).input_shape)
            return json_answer(self._operations[name](region, group, params))
        except ApiError as error:
            code = "InvalidParameterException" if error.code == "ValidationException" else error.code
            return error_answer(request, error.status, code, error.message)
        except (ValueError, AttributeError) as error:
            return error_answer(request, 400, "SerializationException", f"the body cannot be read: {error}")

    def _filter_motos(self, request: Request, params: Params) -> Answer:
        """FilterLogEvents of a group that moto has, whose patterns are terms alone: a page of moto's, without what does not match."""
        matches = _matcher(params)
        asked = json.dumps({name: value for name, value in params.items() if name != "filterPattern"}).encode()
        headers = {**request.headers, "content-length": str(len(asked))}
        answer = self._moto(
            Request(
                method="POST", path=request.path, query=request.query, headers=headers, body=asked, peer=request.peer
            )
        )
        if answer.status >= 300:
            return answer
        found = json.loads(answer.body)
        return json_answer({**found, "events": [event for event in found["events"] if matches(event["message"])]})

    def _describe(self, region: str, group: str, params: Params) -> Params:
        prefix, by_time = params.get("logStreamNamePrefix", ""), params.get("orderBy") == "LastEventTime"
        if prefix and by_time:
            raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        streams = [stream for stream in self._streams.of(region, group) if stream.name.startswith(prefix)]
        if by_time:
            streams.sort(key=lambda stream: stream.times.moments[-1])
        if params.get("descending"):
            streams.reverse()
        first, size = _number(params.get("nextToken", "0")), params.get("limit", PAGE)
        more = {"nextToken": str(first + size)} if len(streams) > first + size else {}
        return {"logStreams": [_described(region, group, each) for each in streams[first : first + size]], **more}

    def _get(self, region: str, group: str, params: Params) -> Params:
        name = params["logStreamName"]
        stream = next((each for each in self._streams.of(region, group) if each.name == name), None)
        if stream is None:
            raise NotOursError(name)
        limit = params.get("limit", MOST)
        start, end = self._stretch(region, group, stream, params)
        way, place = _token(params.get("nextToken"))
        if way == "f" or (way == "" and params.get("startFromHead")):
            place = max(start, place)
            events = _whole(islice(forwards(stream.path, stream.times, place, end), limit))
        else:
            place = min(end, place) if way else end
            events = _whole(reversed(before(stream.path, stream.times, start, place, limit)))[::-1]
        first, last = (events[0].start, events[-1].end) if events else (place, place)
        shown = [{"timestamp": each.at, "message": each.message, "ingestionTime": each.at} for each in events]
        return {"events": shown, "nextForwardToken": f"f/{last:056d}", "nextBackwardToken": f"b/{first:056d}"}

    def _filter(self, region: str, group: str, params: Params) -> Params:
        matches = _matcher(params)
        names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix", "")
        if names and prefix:
            raise _invalid("logStreamNames and logStreamNamePrefix are mutually exclusive.")
        after = _place(params.get("nextToken"))
        streams = [
            stream
            for stream in self._streams.of(region, group)
            if stream.name.startswith(prefix) and (not names or stream.name in names)
        ]
        merged = heapq.merge(*(self._placed(region, group, each, params) for each in streams), key=lambda item: item[0])
        found: list[tuple[Place, LogEvent]] = []
        size, limit = 0, params.get("limit", MOST)
        for place, event in merged:
            if (after is not None and place <= after) or not matches(event.message):
                continue
            found.append((place, event))
            size += len(event.message)
            if len(found) >= limit or size >= PAGE_BYTES:
                break
        more = {"nextToken": _token_of(found[-1][0])} if found and (len(found) >= limit or size >= PAGE_BYTES) else {}
        return {"events": [_filtered(place, event) for place, event in found], "searchedLogStreams": [], **more}

    def _placed(self, region: str, group: str, stream: Stream, params: Params) -> Iterator[tuple[Place, LogEvent]]:
        start, end = self._stretch(region, group, stream, {**params, "endTime": params.get("endTime", EVER) + 1})
        for event in forwards(stream.path, stream.times, start, end):
            yield (event.at, stream.name, event.start), event

    def _delete_stream(self, region: str, group: str, params: Params) -> Params:
        found = [each for each in self._streams.of(region, group) if each.name == params["logStreamName"]]
        if not found:
            raise NotOursError(params["logStreamName"])
        self._marks.delete(found[0].path)
        return {}

    def _delete_group(self, region: str, group: str, params: Params) -> Params:
        """What is in it goes; whoever writes on makes it again, as on AWS."""
        for stream in self._streams.of(region, group):
            self._marks.delete(stream.path)
        raise NotOursError(group)  # moto has the group itself

    def _stretch(self, region: str, group: str, stream: Stream, params: Params) -> tuple[int, int]:
        """Where in the file the time begins, and ends, that is asked for, and that the group's retention keeps."""
        days = self._retention(region, group)
        kept = int(self._clock() * 1000) - days * DAY_MS if days else 0
        start = stream.times.first(max(params.get("startTime", 0), kept))
        return start, stream.times.first(params["endTime"]) if "endTime" in params else stream.times.end

    def _retention(self, region: str, group: str) -> int | None:
        answer = self._asked(region, "DescribeLogGroups", {"logGroupNamePrefix": group})
        found = json.loads(answer.body).get("logGroups", [])
        days: int | None = next((each.get("retentionInDays") for each in found if each["logGroupName"] == group), None)
        return days

    def _provide(self, region: str, group: str) -> None:
        """Let moto have the group."""
        answer = self._asked(region, "DescribeLogGroups", {"logGroupNamePrefix": group})
        if all(each["logGroupName"] != group for each in json.loads(answer.body).get("logGroups", [])):
            self._asked(region, "CreateLogGroup", {"logGroupName": group})

    def _asked(self, region: str, operation: str, params: Params) -> Answer:
        scope = f"AWS4-HMAC-SHA256 Credential=fogbank/20200101/{region}/logs/aws4_request"
        kind = {"content-type": "application/x-amz-json-1.1", "host": "127.0.0.1", "authorization": scope}
        headers = {**kind, "x-amz-target": f"{TARGET}{operation}"}
        return self._moto(Request(method="POST", path="/", query="", headers=headers, body=json.dumps(params).encode()))


def _whole(events: Iterator[LogEvent]) -> list[LogEvent]:
    """As many as are in one answer."""
    found: list[LogEvent] = []
    size = 0
    for event in events:
        size += len(event.message) + 26
        if size > PAGE_BYTES and found:
            break
        found.append(event)
    return found


def _described(region: str, group: str, stream: Stream) -> Params:
    times = stream.times
    first = times.moments[0]
    return {
        "logStreamName": stream.name,
        "creationTime": first,
        "firstEventTimestamp": times.of(times.gone + 1),
        "lastEventTimestamp": times.moments[-1],
        "lastIngestionTime": times.moments[-1],
        "uploadSequenceToken": f"{times.end:056d}",
        "arn": f"arn:aws:logs:{region}:{LOCAL_ACCOUNT}:log-group:{group}:log-stream:{stream.name}",
        "storedBytes": 0,
    }


def _matcher(params: Params) -> Matches:
    """What matches the pattern. Raises ApiError."""
    try:
        return matcher(params.get("filterPattern", ""))
    except PatternError as error:
        raise _invalid(str(error)) from error


def _filtered(place: Place, event: LogEvent) -> Params:
    at, stream, start = place
    unique = int(hashlib.sha256(stream.encode()).hexdigest()[:12], 16)
    return {
        "logStreamName": stream,
        "timestamp": at,
        "message": event.message,
        "ingestionTime": at,
        "eventId": f"{at:020d}{unique:018d}{start:018d}",
    }


def _group(params: Params) -> str:
    """SageMaker's group that a request names, by its name or its ARN; empty where it names none."""
    named = params.get("logGroupName") or params.get("logGroupIdentifier")
    several = params.get("logGroupNames") or params.get("logGroupIdentifiers") or []
    given: Sequence[str] = [named] if named else several
    names = [text.partition(":log-group:")[2].removesuffix(":*") if text.startswith("arn:") else text for text in given]
    return next((name for name in names if name.startswith(PREFIX)), "")


def _token(token: str | None) -> tuple[str, int]:
    if token is None:
        return "", 0
    way, _, place = token.partition("/")
    if way not in {"f", "b"}:
        raise _invalid("The specified nextToken is invalid.")
    return way, _number(place)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise _invalid("The specified nextToken is invalid.")
    return int(text)


def _token_of(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(token: str | None) -> Place | None:
    if token is None:
        return None
    try:
        at, stream, start = json.loads(base64.urlsafe_b64decode(token))
        return int(at), str(stream), int(start)
    except (ValueError, TypeError) as error:
        raise _invalid("The specified nextToken is invalid.") from error


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def _name(request: Request) -> str:
    return request.headers["x-amz-target"].removeprefix(TARGET)


@lru_cache(maxsize=1)
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("logs", "service-2"), "logs")
