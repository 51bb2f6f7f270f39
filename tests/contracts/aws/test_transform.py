"""Transform jobs on real instances: they work at the same time, one that dies is replaced, outputs are whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import DIES, MEETS, WAITS, Scripted
from tests.waiting import until, until_answer

ENDED = {"Completed", "Failed", "Stopped"}


def ended(model: Scripted, job: str) -> dict[str, Any]:
    return until_answer(lambda: model.job(job), lambda found: found["TransformJobStatus"] in ENDED, 180)


def test_instances_work_at_the_same_time(shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> None:
    model = Scripted.made(shared_cloud, unique, MEETS)
    model.put(a=b"1\n", b=b"2\n", c=b"3\n", d=b"4\n")
    model.start(unique, {"PLACE": str(tmp_path), "COUNT": "4"}, count=4)

    job = ended(model, unique)
    assert job["TransformJobStatus"] == "Completed", job
    assert list(model.outputs()) == [f"out/{name}.out" for name in "abcd"]
    assert len(set(model.outputs().values())) == 4  # each from a process of its own


def test_requests_of_one_instance_are_answered_at_the_same_time(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    model = Scripted.made(shared_cloud, unique, MEETS)
    model.put(a=b"1\n2\n3\n")
    environment = {"PLACE": str(tmp_path), "COUNT": "3", "SAGEMAKER_MODEL_SERVER_WORKERS": "3"}
    model.start(unique, environment, MaxConcurrentTransforms=3)

    assert ended(model, unique)["TransformJobStatus"] == "Completed"


def test_an_instance_that_dies_is_replaced(shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> None:
    model = Scripted.made(shared_cloud, unique, DIES)
    model.put(a=b"1\n2\n3\n", b=b"4\n")
    model.start(unique, {"PLACE": str(tmp_path)})

    job = ended(model, unique)
    assert job["TransformJobStatus"] == "Completed", job
    assert model.outputs() == {"out/a.out": b"1\n2\n3\n", "out/b.out": b"4\n"}


def test_a_stop_breaks_off_a_request_and_keeps_what_is_whole(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    model = Scripted.made(shared_cloud, unique, WAITS)
    model.put(a=b"1\n", b=b"2\nwait\n")
    model.start(unique, {"PLACE": str(tmp_path)})
    until((tmp_path / "asked").exists, 120)
    shared_cloud.client("sagemaker").stop_transform_job(TransformJobName=unique)

    job = ended(model, unique)
    assert job["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in job
    assert model.outputs() == {"out/a.out": b"1\n"}


def test_a_reset_ends_what_runs(local_cloud: CloudProcess, tmp_path: Path) -> None:
    model = Scripted.made(local_cloud, "before", WAITS)
    model.put(a=b"wait\n")
    model.start("j", {"PLACE": str(tmp_path)})
    until((tmp_path / "asked").exists, 120)
    local_cloud.admin.call("reset")

    assert local_cloud.client("sagemaker").list_transform_jobs()["TransformJobSummaries"] == []
    assert list((local_cloud.folder / "instances").iterdir()) == []
    (tmp_path / "go").touch()
    again = Scripted.made(local_cloud, "after", WAITS)
    again.put(a=b"wait\n")
    again.start("j", {"PLACE": str(tmp_path)})
    assert ended(again, "j")["TransformJobStatus"] == "Completed"
    assert again.outputs() == {"out/a.out": b"wait\n"}
