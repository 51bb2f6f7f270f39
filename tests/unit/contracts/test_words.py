"""The smaller contract modules: container, monitoring, status, errors, public names."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import fogbank
from fogbank.contracts import status
from fogbank.contracts.container import MEBIBYTE, serve_settings
from fogbank.contracts.errors import DigestError, FogbankError
from fogbank.contracts.monitoring import ANALYZER_IMAGE, analyzer_settings


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


def test_serve_settings_from_the_platforms_variables() -> None:
    settings = serve_settings({
        "SAGEMAKER_BIND_TO_PORT": "9000", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "2", "SAGEMAKER_BASE_DIR": "/b", "SAGEMAKER_CONTAINER_LOG_LEVEL": "30",
    })  # fmt: skip

    assert (settings.port, settings.payload_limit, settings.log_level) == (9000, 2 * MEBIBYTE, "WARNING")
    assert settings.code_dir == Path("/b/model/code")
    with pytest.raises(ValueError, match="SAGEMAKER_BIND_TO_PORT must be a number"):
        serve_settings({"SAGEMAKER_BIND_TO_PORT": "http"})


def test_every_serving_variable_of_the_platform_and_its_toolkits_is_read() -> None:
    plain = serve_settings({}, cores=3)
    assert (plain.port, plain.workers, plain.timeout_s, plain.startup_timeout_s) == (8080, 3, 60, 600)
    assert (plain.queue_size, plain.batch_size, plain.multi_model, plain.program) == (100, 0, False, None)
    assert plain.payload_limit == 100 * MEBIBYTE
    assert plain.code_dir == Path("/opt/ml/model/code")

    told = serve_settings({
        "SAGEMAKER_SAFE_PORT_RANGE": "9000-9999", "SAGEMAKER_BIND_TO_PORT": "9001", "SAGEMAKER_MODEL_SERVER_WORKERS": "2",
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": "10", "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "20", "SAGEMAKER_STARTUP_TIMEOUT": "30",
        "SAGEMAKER_MODEL_JOB_QUEUE_SIZE": "5", "SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/src",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv", "MAX_CONTENT_LENGTH": "1000", "SAGEMAKER_BASE_DIR": "/b",
        "SM_MODEL_DIR": "/elsewhere", "FOGBANK_BATCH_SIZE": "8", "FOGBANK_BATCH_WAIT_US": "200", "FOGBANK_LOG_FORMAT": "text",
    })  # fmt: skip
    assert (told.port, told.workers, told.timeout_s, told.startup_timeout_s, told.queue_size) == (9001, 2, 20, 30, 5)
    assert (told.program, told.code_dir, told.model_dir) == ("serve.py", Path("/b/model/src"), Path("/elsewhere"))
    assert (told.default_accept, told.payload_limit, told.batch_size, told.batch_wait_us) == ("text/csv", 1000, 8, 200)

    many = serve_settings(
        {"SAGEMAKER_MULTI_MODEL": "true", "SAGEMAKER_NUM_MODEL_WORKERS": "2", "FOGBANK_MODEL_MEMORY_MB": "64"}, cores=8
    )
    assert (many.multi_model, many.workers, many.model_memory) == (True, 2, 64 * MEBIBYTE)
    batch = serve_settings({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"})
    assert (batch.timeout_s, batch.payload_limit) == (3600, 100 * MEBIBYTE)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "70000", "must be a port"),
        ("SAGEMAKER_SAFE_PORT_RANGE", "9-1", "must be like 9000-9999"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "0", "must be at least 1"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "1.5", "must be a whole number"),
        ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "nan", "must be at least"),
        ("SAGEMAKER_SUBMIT_DIRECTORY", "s3://bucket/sourcedir.tar.gz", "put it in model.tar.gz"),
    ],
)
def test_a_wrong_serving_variable_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        serve_settings({name: value})
    assert str(caught.value).startswith(name)


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
