"""The container engine's commands without an engine: a script in its place, whose pulls take as long as the test says."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from fogbank.cloud.hosting.containers import Containers
from fogbank.cloud.hosting.instance import LaunchPlan, StartError
from tests.waiting import until

ENGINE = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$1" in
images) [ -f "{folder}/has-$3" ] && echo id ;;
pull)
    touch "{folder}/pulling-$3"
    while [ ! -f "{folder}/go-$3" ]; do sleep 0.02; done
    touch "{folder}/has-$3" ;;
inspect) echo '{{"com.amazonaws.sagemaker.capabilities.accept-bind-to-port": "true"}}' ;;
esac
exit 0
"""


@pytest.fixture
def containers(tmp_path: Path) -> Containers:
    engine = tmp_path / "engine"
    engine.write_text(ENGINE.format(folder=tmp_path))
    engine.chmod(0o755)
    return Containers([str(engine)], (), tmp_path)


def there(path: Path) -> Callable[[], bool]:
    return path.is_file


def test_one_pull_keeps_no_other_waiting_and_an_image_is_pulled_once(containers: Containers, tmp_path: Path) -> None:
    (tmp_path / "go-quick").touch()
    with ThreadPoolExecutor(3) as starts:
        slow = [starts.submit(containers.launcher, "slow") for _ in range(2)]
        until(there(tmp_path / "pulling-slow"))
        starts.submit(containers.launcher, "quick").result(20)
        assert not any(start.done() for start in slow)
        (tmp_path / "go-slow").touch()
        for start in slow:
            start.result(20)

    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call for call in calls if call.startswith("pull")] == ["pull --quiet slow", "pull --quiet quick"]


def test_a_serverless_container_has_its_memory_and_another_one_all_of_it(
    containers: Containers, tmp_path: Path
) -> None:
    (tmp_path / "has-image").touch()
    plan = LaunchPlan(launcher=containers.launcher("image"), base_dir=tmp_path, environment={}, log=tmp_path / "log")
    bound = containers.command_line("n", "image", replace(plan, memory=1 << 30), 8080, binds=True)

    assert "--memory=1073741824" in bound
    assert not [
        option for option in containers.command_line("n", "image", plan, 8080, binds=True) if "--memory" in option
    ]


def test_what_lies_beside_the_model_is_mounted_at_sagemakers_place(containers: Containers, tmp_path: Path) -> None:
    (tmp_path / "has-image").touch()
    (tmp_path / "additional-model-data-sources").mkdir()
    plan = LaunchPlan(launcher=containers.launcher("image"), base_dir=tmp_path, environment={}, log=tmp_path / "log")
    mounted = [
        option for option in containers.command_line("n", "image", plan, 8080, binds=True) if "--volume" in option
    ]
    place = "additional-model-data-sources"
    assert mounted == [f"--volume={tmp_path}/{place}:/opt/ml/{place}:ro"]


def test_an_engine_that_is_gone_is_a_start_that_failed(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no such program"):
        Containers([str(tmp_path / "gone")], (), tmp_path).launcher("image")
