"""What a model's code finds around it: nothing of the user's, of the cloud's, or of other instances', and no more than its share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.ground.processes import working_below
from fogbank.ground.walls import most_processes, obstacle
from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import archive
from tests.contracts.aws.served import ROLE
from tests.waiting import until, until_answer

walled = pytest.mark.skipif(bool(obstacle()), reason=obstacle())
EXPLORES = """
import json, os, resource, subprocess

def model_fn(model_dir):
    return None

def tried(ask):
    try:
        return ask()
    except Exception as error:
        return type(error).__name__

def fork_all():
    pids, error = [], None
    while len(pids) < 100_000 and error is None:
        try:
            pid = os.fork()
        except OSError as refused:
            error = type(refused).__name__
            break
        if pid == 0:
            import signal
            signal.pause()
        pids.append(pid)
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return [error, len(pids)]

def transform_fn(model, data, content_type, accept):
    asked = json.loads(data)
    does = {
        "read": lambda: open(asked["path"]).read(),
        "list": lambda: sorted(os.listdir(asked["path"])),
        "write": lambda: open(asked["path"], "w").write("x"),
        "pids": lambda: sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()),
        "limits": lambda: [resource.getrlimit(number)[1] for number in (resource.RLIMIT_CORE, resource.RLIMIT_NPROC, resource.RLIMIT_DATA)],
        "uncover": lambda: subprocess.run(["unshare", "-rm", "sh", "-c", "umount " + asked["path"] + "; ls -A " + asked["path"]],
            capture_output=True, text=True).stdout,
        "forks": fork_all,
        "balloon": lambda: len(bytearray(asked["bytes"])),
        "lingers": lambda: subprocess.Popen(["setsid", "sleep", "600"], cwd=os.environ["HOME"]).pid,
        "connects": lambda: __import__("socket").create_connection(("127.0.0.1", asked["port"]), 3).close() or "connected",
        "home": lambda: os.environ["HOME"],
    }
    return json.dumps(tried(does[asked["does"]]))
"""


class Model:
    """An endpoint of the script, and what it says of what it was asked to do."""

    def __init__(self, cloud: CloudProcess, name: str, **model: Any) -> None:
        self.cloud, self.name, sagemaker = cloud, name, cloud.client("sagemaker")
        cloud.client("s3").create_bucket(Bucket=name)
        cloud.client("s3").put_object(Bucket=name, Key="m.tar.gz", Body=archive(EXPLORES))
        container = {
            "Image": "i",
            "ModelDataUrl": f"s3://{name}/m.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container, **model)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        described = until_answer(
            lambda: sagemaker.describe_endpoint(EndpointName=name), lambda it: it["EndpointStatus"] != "Creating"
        )
        assert described["EndpointStatus"] == "InService", described["FailureReason"]

    def says(self, does: str, **more: Any) -> Any:
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.name, ContentType="application/json", Body=json.dumps({"does": does, **more})
        )
        return json.loads(answer["Body"].read())


@pytest.fixture(scope="module")
def model(shared_cloud: CloudProcess) -> Model:
    return Model(shared_cloud, "walls-model")


@walled
def test_it_sees_nothing_of_the_users_and_of_the_clouds(model: Model) -> None:
    state, home = model.cloud.folder, Path.home()

    assert model.says("read", path=str(state / "cloud.key")) == "FileNotFoundError"
    assert model.says("list", path=str(state)) == ["instances"]
    assert len(model.says("list", path=str(state / "instances"))) == 1, "other instances' folders"
    assert model.says("read", path=f"/proc/{model.cloud.address.pid}/environ") == "FileNotFoundError"
    assert len(model.says("pids")) < 10
    seen = model.says("list", path=str(home))
    assert not {".aws", ".ssh", ".config", ".bashrc"} & set(seen)
    assert model.says("write", path=str(home / "taken")) == "OSError"
    assert not (home / "taken").exists()
    assert model.says("uncover", path=str(state)).split() in ([], ["instances"]), (
        "a namespace of its own uncovers nothing"
    )


@walled
def test_what_it_starts_and_lets_go_of_ends_with_it_at_kill_9(model: Model) -> None:
    home = Path(model.says("home"))
    assert isinstance(model.says("lingers"), int)
    lingering = [pid for pid in working_below(home) if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(lingering) == 1
    guard = next(
        pid for pid in working_below(home.parent) if b"walled=yes" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(guard, 9)

    until(lambda: not Path(f"/proc/{lingering[0]}").exists())
    assert until_answer(lambda: _answers(model), bool), "another instance has taken its place"


@walled
def test_it_has_its_share_of_processes_and_of_memory(model: Model) -> None:
    core, processes, data = model.says("limits")

    assert (core, processes, data) == (0, most_processes(), 4 << 30), "an ml.t2.medium has 4 GiB"
    assert model.says("balloon", bytes=5 << 30) == "MemoryError"
    refused, made = model.says("forks")
    assert refused == "BlockingIOError"
    assert 100 < made <= most_processes()


@walled
def test_without_a_network_it_is_served_and_reaches_nothing(shared_cloud: CloudProcess, model: Model) -> None:
    isolated = Model(shared_cloud, "walls-isolated", EnableNetworkIsolation=True)
    port = shared_cloud.address.port

    assert model.says("connects", port=port) == "connected"
    assert isolated.says("connects", port=port) == "ConnectionRefusedError"


def _answers(model: Model) -> bool:
    try:
        return bool(model.says("home"))
    except ClientError:
        return False
