"""The container wire: what every implementation must do, on the ASGI application and on the server in a process of its own."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fogbank.contracts.container import ServeSettings
from tests.contracts.container.conftest import LIMIT, Serve
from tests.contracts.container.served import Server, invoke, with_limits
from tests.packages import script, signed


def test_ping_and_invocations(server: Server) -> None:
    assert server.send("GET", "/ping").status == server.send("HEAD", "/ping").status == 200
    answer = invoke(server, b"1,2\n3,4\n")
    assert (answer.status, answer.body, answer.content_type) == (200, b"2.0,4.0\n6.0,8.0\n", "text/csv")
    assert invoke(server, b"[[1,2]]", "application/json", "application/json").body == b"[[2.0,4.0]]"
    assert invoke(server, b"1,2", accept="*/*").content_type.startswith("text/csv"), (
        "who has no wish gets the request's type"
    )
    assert invoke(server, b"[[1, 2]]", "application/json", accept="*/*").content_type == "application/json"
    assert invoke(server, b"1,2", accept="application/json;q=0.1, text/csv;q=0.9").content_type == "text/csv"


def test_a_bad_body_is_the_callers_fault_and_names_the_column(server: Server) -> None:
    reply = invoke(server, b"1,2\n1,two\n")

    assert reply.status == 400
    assert json.loads(reply.body) == {"error": "row 2, column 'b': 'two' is not a number"}


def test_types_paths_methods_and_sizes(server: Server) -> None:
    assert invoke(server, b"x", "image/png").status == 415
    assert invoke(server, b"x", "text/csv; charset=nonsense").status == 415
    assert invoke(server, b"1,2", accept="image/png").status == 406
    assert server.send("GET", "/invocations").status == 405
    assert server.send("POST", "/ping").status == 405
    assert server.send("GET", "/nothing").status == 404
    assert invoke(server, b"").status == 400
    assert invoke(server, b"1,2\n" * LIMIT).status == 413
    assert invoke(server, b"1,2").status == 200


def test_execution_parameters_are_the_handlers(server: Server) -> None:
    reply = server.send("GET", "/execution-parameters")

    assert (reply.status, json.loads(reply.body)["MaxConcurrentTransforms"]) == (200, 4)


def test_a_handler_that_fails_is_a_500_and_the_server_lives_on(server: Server) -> None:
    assert b"RuntimeError: the handler's own fault" in invoke(server, b"-1,0").body
    assert invoke(server, b"-1,0").status == 500
    assert invoke(server, b"1,2").status == 200


def test_metrics_count_every_answer(server: Server) -> None:
    for body in (b"1,2", b"1,2", b"1,two", b"-1,0"):
        invoke(server, body)

    families = {
        family.name: family for family in text_string_to_metric_families(server.send("GET", "/metrics").body.decode())
    }
    by_status = {sample.labels["status"]: sample.value for sample in families["fogbank_requests"].samples}
    assert (by_status["200"], by_status["400"], by_status["500"], by_status["503"]) == (2, 1, 1, 0)
    counted = {sample.name: sample.value for sample in families["fogbank_request_seconds"].samples if not sample.labels}
    assert counted["fogbank_request_seconds_count"] == 4
    assert [s.value for s in families["fogbank_workers"].samples if s.labels == {"state": "ready"}] == [1]


def test_openapi_is_made_from_the_schema(server: Server) -> None:
    document = json.loads(server.send("GET", "/openapi.json").body)

    assert document["components"]["schemas"]["Row"]["required"] == ["a", "b"]
    answers = document["paths"]["/invocations"]["post"]["responses"]
    assert set(answers) == {"200", "400", "406", "408", "413", "415", "500", "503", "504"}


def test_every_answer_to_an_invocation_has_the_requests_id(server: Server) -> None:
    assert invoke(server, b"1,2", x_request_id="order-7").headers["x-request-id"] == "order-7"
    assert invoke(server, b"1,2", x_amzn_sagemaker_inference_id="i-1").headers["x-request-id"] == "i-1"
    made = [invoke(server, b"1,two", x_request_id="not plain at all").headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]


CONTEXT = """
def model_fn(model_dir): return 1.0
def input_fn(data, content_type, context): return data, content_type, context.get_request_header(0, "X-Amzn-SageMaker-Custom-Attributes")
def predict_fn(data, model, context): return [*data, context.get_request_header(0, "traceparent"), context.get_request_id()]
def output_fn(prediction, accept, context):
    context.set_response_header(0, "X-Amzn-SageMaker-Custom-Attributes", "seen=" + str(prediction[2]))
    context.set_response_status(code=201)
    context.set_response_content_type(0, "text/x-told")
    return repr(prediction[:2]) + str(prediction[3:])
"""
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_the_context_carries_headers_both_ways_and_any_body_reaches_the_handler(
    serve: Serve, settings: ServeSettings
) -> None:
    server = serve(script(settings.base_dir / "other", CONTEXT))
    headers = {"x_amzn_sagemaker_custom_attributes": "k=v", "traceparent": TRACE, "x_request_id": "r1"}

    answer = invoke(server, b"\x89PNG\x00", "image/png", "image/png", **headers)

    assert (answer.status, answer.content_type) == (201, "text/x-told")
    assert answer.body == f"[b'\\x89PNG\\x00', 'image/png']['{TRACE}', 'r1']".encode()
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "seen=k=v"


def test_a_header_that_would_break_the_answer_apart_is_refused(serve: Serve, settings: ServeSettings) -> None:
    code = """
def model_fn(d): return 1
def transform_fn(m, d, c, a, context):
    context.set_response_header(0, 'x-y', 'a\\r\\nset-cookie: b')
    return d
"""
    answer = invoke(serve(script(settings.base_dir / "other", code)), b"1")

    assert answer.status == 500
    assert b"a header that is not one" in answer.body
    assert "set-cookie" not in answer.headers


ASYNC = """
import asyncio
def model_fn(model_dir): return 2.0
async def predict_fn(data, model):
    await asyncio.sleep(0)
    if data[0][0] == -1:
        raise RuntimeError("later")
    return data * model
"""


def test_a_handler_may_be_asynchronous(serve: Serve, settings: ServeSettings) -> None:
    server = serve(signed(settings.base_dir / "other", ASYNC))

    assert invoke(server, b"1,2").body == b"2.0,4.0\n"
    assert invoke(server, b"1,two").status == 400
    assert b"RuntimeError: later" in invoke(server, b"-1,2").body


STREAMS = """
def model_fn(model_dir): return 1
def predict_fn(data, model):
    if data[0][0] == -1:
        raise RuntimeError("before the first piece")
    for number in range(int(data[0][0])):
        if number == data[0][1]:
            raise RuntimeError("in the middle")
        yield {"n": number}
"""
ASYNC_STREAMS = STREAMS.replace("def predict_fn", "async def predict_fn")


@pytest.mark.parametrize("code", [STREAMS, ASYNC_STREAMS])
def test_a_generator_is_streamed(serve: Serve, settings: ServeSettings, code: str) -> None:
    server = serve(signed(settings.base_dir / "other", code))

    answer = invoke(server, b"3,-1", accept="application/jsonlines")
    assert (answer.status, answer.body) == (200, b'{"n":0}\n{"n":1}\n{"n":2}\n')
    failed = invoke(server, b"-1,0")
    assert (failed.status, b"before the first piece" in failed.body) == (500, True)
    assert invoke(server, b"1,-1").status == 200


@pytest.mark.parametrize(("batch_size", "wait_us"), [(1, 0), (8, 0), (8, 200)])
def test_answers_do_not_depend_on_batching(
    serve: Serve, settings: ServeSettings, batch_size: int, wait_us: int
) -> None:
    server = serve(with_limits(settings, batch_size=batch_size, batch_wait_us=wait_us))

    for n in range(1, 30):
        assert invoke(server, f"{n},1\n{n},2\n".encode()).body == f"{2.0 * n},2.0\n{2.0 * n},4.0\n".encode()
