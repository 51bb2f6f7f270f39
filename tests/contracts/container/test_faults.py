"""Under fire: twenty thousand bad requests, and any bytes at all. Workers that are killed under traffic: tests/soak/test_workers.py."""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from fogbank.contracts.container import ServeSettings
from tests.contracts.container.conftest import Start
from tests.contracts.container.served import Subprocess, exchange, with_limits
from tests.packages import signed

DOCUMENTED = {200, 400, 404, 405, 406, 408, 413, 415, 431}
"""What a bad request may get: none of these is a 5xx."""


TYPES = [
    "text/csv", "application/json", "application/jsonlines", "application/x-npy", "application/x-parquet", "text/plain", "image/png", "",
    "text/csv; charset=utf-16", "application/json; charset=klingon", "text/csv;;;=", "*/*", "a" * 300,
]  # fmt: skip
ACCEPTS = [
    "text/csv",
    "application/json",
    "*/*",
    "",
    "application/x-npy;q=0.1",
    "text/*;q=2",
    ",,;;",
    "image/png",
    "application/x-parquet",
]
SEEDS = [
    b"1,2\n3,4\n", b'"1","2"\r\n', b"a,b\n1,2\n", b"[[1,2],[3,4]]", b'{"instances":[{"a":1,"b":2}]}', b'{"columns":["a","b"],"data":[[1,2]]}',
    b'{"a":1,"b":2}\n{"a":3,"b":4}\n', b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }" + b" " * 58 + b"\n" + bytes(16),
    b"PAR1" + bytes(40) + b"PAR1", b"nan,inf\n", b"1e400,-1e400\n", b"\xff\xfe1,2", b"9" * 400 + b",1", b"[" * 900, b'{"a":' * 150,
]  # fmt: skip


def bad_requests(count: int, seed: int) -> Iterator[tuple[bytes, str, str]]:
    """Bodies that were good before bytes of them were changed, cut, doubled or mixed, under any content type and Accept."""
    chance = random.Random(seed)
    for _ in range(count):
        body = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(body) + 1)
            match chance.randrange(5):
                case 0:
                    body[place : place + 1] = bytes([chance.randrange(256)])
                case 1:
                    del body[place : place + chance.randrange(1, 8)]
                case 2:
                    body[place:place] = chance.choice(
                        [b",", b"\n", b'"', b"[", b"}", b"null", b"1e999", b"-", b"\x00", b"\xc3"]
                    )
                case 3:
                    body += body[:place]
                case _:
                    body[place:place] = chance.choice(string.printable).encode() * chance.randrange(1, 30)
        yield bytes(body[:1200]), chance.choice(TYPES), chance.choice(ACCEPTS)


def memory(server: Subprocess) -> int:
    """The bytes that the workers hold."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in server.workers())


HARMLESS = "def model_fn(d): return 2.0\ndef predict_fn(data, model): return data\n"
"""A handler that cannot fail, so that every 5xx is the server's own."""


@pytest.fixture
def harmless(start: Start, settings: ServeSettings) -> Subprocess:
    """A server of such a handler, with a small body limit."""
    return start(with_limits(signed(settings.base_dir / "harmless", HARMLESS), payload_limit=1000))


def test_twenty_thousand_bad_requests(harmless: Subprocess) -> None:
    workers = harmless.workers()
    connection = harmless.connection()
    statuses: Counter[int] = Counter()
    grown = 0
    for number, (body, content_type, accept) in enumerate(bad_requests(20_000, seed=4)):
        if number == 5_000:
            grown = memory(harmless)
        statuses[
            exchange(connection, "POST", "/invocations", body, {"Content-Type": content_type, "Accept": accept}).status
        ] += 1
    connection.close()

    assert set(statuses) <= DOCUMENTED, statuses
    assert statuses[400] > 5_000, statuses
    assert memory(harmless) - grown < 8 << 20
    assert harmless.workers() == workers
    assert harmless.send("GET", "/ping").status == 200


@given(
    body=st.binary(max_size=600),
    content_type=st.sampled_from(TYPES),
    path=st.sampled_from(["/invocations", "/ping", "/", "/%00", "/models"]),
)
@hypothesis_settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate, Phase.shrink],
)
def test_any_bytes_at_all(harmless: Subprocess, body: bytes, content_type: str, path: str) -> None:
    assert harmless.send("POST", path, body, {"Content-Type": content_type}).status in DOCUMENTED


def test_schemathesis_finds_nothing_against_the_openapi_document(start: Start, settings: ServeSettings) -> None:
    load_all_checks()
    url = f"http://127.0.0.1:{start(signed(settings.base_dir / 'harmless', HARMLESS)).port}"
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operation = schema["/invocations"]["POST"]
    seen: Counter[int] = Counter()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @given(case=operation.as_strategy(generation_mode=mode))
        @hypothesis_settings(
            max_examples=300,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        def check(case: schemathesis.Case[Any]) -> None:
            response = case.call()
            seen[response.status_code] += 1
            # What npy, parquet and lines of JSON are cannot be said in a schema: only JSON and CSV must be taken as it says.
            sayable = case.media_type in {"application/json", "text/csv"}
            case.validate_response(response, excluded_checks=[] if sayable else [positive_data_acceptance])

        check()
    assert seen[200] > 50
    assert seen[400] + seen[415] > 50, seen
