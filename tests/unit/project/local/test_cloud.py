"""Spans of time, and logs by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import CloudError, DataError, ProjectError
from fogbank.project.local.cloud import ProjectCloud, seconds_in
from fogbank.project.workplace.events import Steps, ignore


@pytest.mark.parametrize(
    ("span", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3600), ("7d", 604800), ("2w", 1209600), ("0.5h", 1800)]
)
def test_a_span_is_a_number_and_its_unit(span: str, seconds: float) -> None:
    assert seconds_in(span) == seconds


@pytest.mark.parametrize("span", ["", "soon", "7", "7 d", "-1h", "1y", "1h30m"])
def test_anything_else_is_no_span(span: str) -> None:
    with pytest.raises(ProjectError) as caught:
        seconds_in(span)

    assert (caught.value.code, caught.value.exit_code) == ("span-invalid", 2)


@pytest.fixture
def cloud(tmp_path: Path) -> ProjectCloud:
    return ProjectCloud(ProjectConfig(root=tmp_path, name="churn"), Steps(ignore))


def test_logs_are_found_by_a_part_of_their_place(cloud: ProjectCloud, tmp_path: Path) -> None:
    folder = tmp_path / ".fogbank" / "cloud"
    (folder / "logs" / "live").mkdir(parents=True)
    (folder / "cloud.log").write_text("a\nb\nc\n")
    (folder / "logs" / "live" / "0.log").write_text("up\n")
    (folder / "logs" / "nightly.log").write_text("done\n")

    assert cloud.logs(lines=2) == {"cloud.log": "b\nc"}
    assert cloud.logs("live") == {"logs/live/0.log": "up"}
    assert list(cloud.logs("i")) == ["logs/live/0.log", "logs/nightly.log"]
    with pytest.raises(DataError) as caught:
        cloud.logs("nope")
    assert caught.value.hint == "logs there are: live/0, nightly"


def test_an_endpoints_logs_are_its_own(cloud: ProjectCloud, tmp_path: Path) -> None:
    for place in ("us-east-1/as/v/i-1", "us-east-1/asr/v/i-2", "us-east-1/pi/v/i-3/as", "us-east-1/pi/v/i-3/b"):
        log = tmp_path / ".fogbank" / "cloud" / "logs" / "endpoints" / f"{place}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("up\n")

    assert list(cloud.logs("as")) == ["logs/endpoints/us-east-1/as/v/i-1.log"]
    assert len(cloud.logs("pi")) == 2


def test_a_cloud_that_does_not_run_says_how_to_start_it(cloud: ProjectCloud) -> None:
    assert not cloud.running()
    for call in (cloud.address, cloud.status, cloud.reset, lambda: cloud.client("s3"), lambda: cloud.advance("1h")):
        with pytest.raises(CloudError) as caught:
            call()
        assert caught.value.hint == "run `fogbank cloud start`"
    assert cloud.stop() is False, "stopping what does not run is no error"
