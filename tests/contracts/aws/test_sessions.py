"""Stateful sessions on real instances, by unmodified boto3: a session keeps to the instance whose container gave it."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path
from typing import Any

from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import code_of
from tests.contracts.aws.servers import server_at
from tests.waiting import until, until_answer

KEEPS = """
import os, time, uuid
SAID = {}

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept, context):
    text = data if isinstance(data, str) else data.decode()
    name = context.get_request_header(0, "x-amzn-sagemaker-session-id")
    if name == "NEW_SESSION":
        name = uuid.uuid4().hex
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        context.set_response_header(0, "X-Amzn-SageMaker-New-Session-Id", f"{name}; Expires={ends}")
    if name:
        SAID.setdefault(name, []).append(text)
    if text == "bye":
        context.set_response_header(0, "X-Amzn-SageMaker-Closed-Session-Id", name)
    return f"{os.environ['SAGEMAKER_BIND_TO_PORT']} {' '.join(SAID.get(name, []))}", "text/plain"
"""


def test_a_session_keeps_to_its_instance_until_it_is_closed_or_the_instance_goes(
    shared_cloud: CloudProcess, unique: str
) -> None:
    s3, sagemaker = shared_cloud.client("s3"), shared_cloud.client("sagemaker")
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": KEEPS.encode()})
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="m.tar.gz", Body=archive.getvalue())
    container = {"Image": "i", "ModelDataUrl": f"s3://{unique}/m.tar.gz"}
    sagemaker.create_model(ModelName=unique, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": unique, "InitialInstanceCount": 2, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName=unique, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=unique, EndpointConfigName=unique)
    described = until_answer(
        lambda: sagemaker.describe_endpoint(EndpointName=unique),
        lambda found: found["EndpointStatus"] != "Creating",
        120,
    )
    assert described["EndpointStatus"] == "InService", described
    runtime = shared_cloud.client("sagemaker-runtime")

    def ask(text: str, **session: str) -> Any:
        answer = runtime.invoke_endpoint(EndpointName=unique, Body=text.encode(), ContentType="text/plain", **session)
        process, *said = answer["Body"].read().decode().split()
        return answer, int(process), said

    assert len({ask("x")[1] for _ in range(30)}) == 2
    opened, process, _ = ask("one", SessionId="NEW_SESSION")
    name = opened["NewSessionId"].partition(";")[0]
    for number in range(10):
        _, asked, said = ask(str(number), SessionId=name)
        assert (asked, said[0], len(said)) == (process, "one", number + 2)
    streamed = runtime.invoke_endpoint_with_response_stream(EndpointName=unique, Body=b"s", SessionId=name)
    assert int(next(iter(streamed["Body"]))["PayloadPart"]["Bytes"].split()[0]) == process
    assert ask("bye", SessionId=name)[0]["ClosedSessionId"] == name
    code, said = code_of(lambda: ask("x", SessionId=name))
    assert (code, f"The session {name} is not found" in said) == ("ValidationError", True)

    opened, process, _ = ask("two", SessionId="NEW_SESSION")
    other = opened["NewSessionId"].partition(";")[0]
    killed = server_at(shared_cloud, process)
    os.kill(killed, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{killed}").exists())
    assert code_of(lambda: ask("x", SessionId=other))[0] == "ValidationError"
    assert ask("x")[2] == []
