"""The container wire: every variable of the platform is read, and a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.container import MEBIBYTE, serve_settings
from fogbank.ground.machine import memory_limit, usable_cores


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


def test_where_nobody_says_it_the_machine_does() -> None:
    settings = serve_settings({})

    assert settings.workers == usable_cores()
    assert settings.model_memory == memory_limit() * 4 // 5


def test_a_variable_that_is_set_to_nothing_is_not_set() -> None:
    empty = dict.fromkeys(
        ("SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_PROGRAM", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "SAGEMAKER_MODEL_SERVER_WORKERS",
         "SAGEMAKER_SUBMIT_DIRECTORY", "SM_MODEL_DIR", "FOGBANK_LOG_FORMAT"),
        "",
    )  # fmt: skip

    assert serve_settings(empty, cores=2) == serve_settings({}, cores=2)


def test_only_the_containers_own_folder_moves_with_its_base() -> None:
    settings = serve_settings({"SAGEMAKER_BASE_DIR": "/b", "SAGEMAKER_SUBMIT_DIRECTORY": "/srv/code"})

    assert (settings.model_dir, settings.code_dir) == (Path("/b/model"), Path("/srv/code"))


def test_the_server_of_one_of_many_models_listens_on_a_socket(tmp_path: Path) -> None:
    assert serve_settings({}).unix_socket is None
    assert serve_settings({"FOGBANK_UNIX_SOCKET": str(tmp_path / "s")}).unix_socket == tmp_path / "s"
