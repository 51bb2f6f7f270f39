"""The smaller contract modules: capture, container, monitoring, status, errors, public names."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

import fogbank
from fogbank.contracts import status
from fogbank.contracts.capture import CaptureRecord, captured, object_key, read_line
from fogbank.contracts.container import MEBIBYTE, serve_settings
from fogbank.contracts.errors import DigestError, FogbankError
from fogbank.contracts.monitoring import ANALYZER_IMAGE, analyzer_settings

NOON = datetime(2026, 4, 18, 0, 20, 48, 871000, UTC)


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(fogbank.__path__, "fogbank.")
    return [importlib.import_module(item.name) for item in found if not item.name.endswith("__main__")]


def test_every_doctest_in_the_package_holds() -> None:
    results = [doctest.testmod(module) for module in modules()]

    assert sum(result.attempted for result in results) >= 10
    assert sum(result.failed for result in results) == 0


def test_public_names_are_sorted_and_there() -> None:
    for module in modules():
        names = getattr(module, "__all__", [])
        assert list(names) == sorted(names), module.__name__
        assert all(hasattr(module, name) for name in names), module.__name__


def test_capture_line_is_sagemakers_compact_form_and_comes_back() -> None:
    record = CaptureRecord(
        event_id="e",
        time=NOON,
        inference_id="i",
        input=captured(b"1,2\n", "text/csv; charset=utf-8", "INPUT", ["text/csv"], []),
        output=captured(b"\xff\x00", "image/png", "OUTPUT", ["text/csv"], []),
    )

    document = json.loads(record.line())

    assert document["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv; charset=utf-8", "mode": "INPUT", "data": "1,2\n", "encoding": "CSV",
    }  # fmt: skip
    assert document["captureData"]["endpointOutput"]["encoding"] == "BASE64"
    assert document["eventMetadata"] == {"eventId": "e", "inferenceId": "i", "inferenceTime": "2026-04-18T00:20:48Z"}
    assert "\n" not in record.line()
    assert read_line(record.line()).line() == record.line()


def test_capture_key_has_hour_folders_and_milliseconds() -> None:
    assert object_key("ep", "AllTraffic", NOON, "u") == "ep/AllTraffic/2026/04/18/00/20-48-871-u.jsonl"


def test_serve_settings_from_the_platforms_variables() -> None:
    settings = serve_settings({
        "SAGEMAKER_BIND_TO_PORT": "9000", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "2", "SAGEMAKER_BASE_DIR": "/b", "SAGEMAKER_CONTAINER_LOG_LEVEL": "30",
    })  # fmt: skip

    assert (settings.port, settings.payload_limit, settings.log_level) == (9000, 2 * MEBIBYTE, "WARNING")
    assert settings.code_dir == Path("/b/model/code")
    with pytest.raises(ValueError, match="SAGEMAKER_BIND_TO_PORT must be a number"):
        serve_settings({"SAGEMAKER_BIND_TO_PORT": "http"})


def test_analyzer_settings_name_the_missing_variable() -> None:
    with pytest.raises(KeyError, match="dataset_source"):
        analyzer_settings({"dataset_format": "{}"})


@pytest.mark.parametrize(
    ("image", "ours"),
    [
        ("156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer", True),
        ("local/fogbank-monitor:1", True),
        ("local/fogbank-monitor-else", False),
        ("python:3.11", False),
    ],
)
def test_analyzer_images(image: str, ours: bool) -> None:
    assert bool(ANALYZER_IMAGE.search(image)) is ours


def test_every_status_table_is_closed_and_refuses_what_it_lacks() -> None:
    for table in (status.ENDPOINT, status.TRANSFORM_JOB, status.MONITORING_SCHEDULE, status.MONITORING_EXECUTION):
        assert all(then in table for follow in table.values() for then in follow)
    with pytest.raises(status.IllegalTransitionError):
        status.step(status.TRANSFORM_JOB, "Completed", "Failed")


def test_an_error_says_code_cause_and_next_step() -> None:
    error = DigestError("model.joblib", "aa", "bb")

    assert isinstance(error, FogbankError)
    assert error.document() == {"code": "digest-mismatch", "cause": error.cause, "hint": error.hint}
    assert str(error).splitlines()[0].startswith("digest-mismatch: model.joblib is not the file that was packed")
