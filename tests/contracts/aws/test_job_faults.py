"""Jobs and executions when the cloud is killed or stopped in the middle: none stays in progress, outputs are whole."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.errors import CloudError
from fogbank.testing import CloudProcess
from tests.contracts.aws.monitored import Monitored
from tests.contracts.aws.scripts import WAITS, Scripted
from tests.contracts.aws.test_transform import ended
from tests.waiting import until

RECORDS = 20_000
NOT_ENDED = {"Pending", "InProgress", "Stopping"}


@pytest.mark.parametrize("end", [CloudProcess.kill, CloudProcess.stop], ids=["kill -9", "stop"])
def test_a_transform_in_the_middle_runs_again(
    local_cloud: CloudProcess, tmp_path: Path, end: Callable[[CloudProcess], None]
) -> None:
    model = Scripted.made(local_cloud, "bucket", WAITS)
    model.put(a=b"1\n", b=b"2\nwait\n3\n", c=b"4\n")
    model.start("j", {"PLACE": str(tmp_path)})
    until((tmp_path / "asked").exists, 120)
    first = model.job("j")
    end(local_cloud)
    (tmp_path / "asked").unlink()
    local_cloud.start()

    until((tmp_path / "asked").exists, 120)
    assert model.job("j")["TransformJobStatus"] == "InProgress"
    assert model.outputs() == {"out/a.out": b"1\n"}
    (tmp_path / "go").touch()
    job = ended(model, "j")
    assert job["TransformJobStatus"] == "Completed", job
    assert job["CreationTime"] == first["CreationTime"] <= first["TransformStartTime"] < job["TransformStartTime"]
    assert model.outputs() == {"out/a.out": b"1\n", "out/b.out": b"2\nwait\n3\n", "out/c.out": b"4\n"}


COUNTS_AND_WAITS = """
import os, time, uuid
from pathlib import Path

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    \"\"\"Says which record it was asked for, and answers the record `w...` when it may go on.\"\"\"
    place = Path(os.environ["PLACE"])
    text = data if isinstance(data, str) else data.decode()
    (place / f"{text[0]}-{uuid.uuid4().hex}").touch()
    while text.startswith("w") and not (place / "go").exists():
        time.sleep(0.01)
    return data
"""


def test_a_transform_that_is_killed_goes_on_within_its_object(local_cloud: CloudProcess, tmp_path: Path) -> None:
    """What was written of the output before the kill is S3's: those records are not asked for again."""
    model = Scripted.made(local_cloud, "bucket", COUNTS_AND_WAITS)
    records = [
        letter * (2 << 20) + b"\n" for letter in (b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"i", b"w", b"z")
    ]
    model.put(a=b"".join(records))
    model.start("j", {"PLACE": str(tmp_path)})
    until(lambda: list(tmp_path.glob("w-*")), 180)
    local_cloud.kill()
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / "go").touch()
    local_cloud.start()
    job = ended(model, "j")

    assert job["TransformJobStatus"] == "Completed", job
    asked = {file.name[0] for file in tmp_path.glob("*-*")}
    assert {"w", "z"} <= asked
    assert not asked & set("abcdefg")
    body = local_cloud.client("s3").get_object(Bucket="bucket", Key="out/a.out")["Body"].read()
    assert body == b"".join(records)


def executions(cloud: CloudProcess) -> list[dict[str, Any]]:
    summaries: list[dict[str, Any]] = cloud.client("sagemaker").list_monitoring_executions()[
        "MonitoringExecutionSummaries"
    ]
    return summaries


def analyzers(folder: Path) -> list[int]:
    """The analyzer's processes that work below a folder."""
    pids = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if b"fogbank.monitor" in (path / "cmdline").read_bytes() and str(folder) in str((path / "cwd").readlink()):
                pids.append(int(path.name))
        except OSError:
            continue
    return pids


@pytest.mark.parametrize("end", [CloudProcess.kill, CloudProcess.stop], ids=["kill -9", "stop"])
def test_an_execution_in_the_middle_has_failed_and_its_window_is_looked_at_again(
    local_cloud: CloudProcess, end: Callable[[CloudProcess], None]
) -> None:
    monitored = Monitored.made(local_cloud, "bucket")
    monitored.scheduled("s")
    monitored.captured(monitored.now(), b"1,\xe2\x80\xa8\n", RECORDS)  # many: the analyzer needs a while

    def run() -> None:
        with contextlib.suppress(CloudError):  # a cloud that is killed does not answer
            local_cloud.admin.call("run-monitor", name="s")

    caller = threading.Thread(target=run)
    caller.start()
    until(lambda: analyzers(local_cloud.folder), 120)
    end(local_cloud)
    caller.join(60)
    until(lambda: not analyzers(local_cloud.folder))
    local_cloud.start()

    [execution] = [
        each for each in executions(local_cloud) if each["MonitoringExecutionStatus"] == "Failed"
    ]  # a slot may have come
    assert execution["FailureReason"] == "InternalServerError: the local cloud was stopped while the execution ran"
    [job] = local_cloud.client("sagemaker").list_processing_jobs(StatusEquals="Failed")["ProcessingJobSummaries"]
    assert job["ProcessingJobArn"] == execution["ProcessingJobArn"]
    again = local_cloud.admin.call("run-monitor", name="s")
    assert again["MonitoringExecutionStatus"] == "Completed", again
    assert monitored.result("statistics.json")["dataset"]["item_count"] == RECORDS
    assert not {item["MonitoringExecutionStatus"] for item in executions(local_cloud)} & NOT_ENDED
